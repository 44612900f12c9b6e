/**
 * `dyndns init --service`: what systemd needs to run the server. With an installed package that is nothing but the
 * configuration. Elsewhere: files with the secrets, the unit of deploy/systemd for this installation, and a drop-in.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../output.ts';
import { writeSecretFile } from '../secret-file.ts';

const PACKAGED_UNITS = ['/usr/lib/systemd/system/dyndns.service', '/lib/systemd/system/dyndns.service'];
const UNITS = '/etc/systemd/system';
const SECRETS = '/etc/dyndns';
const TEMPLATE = fileURLToPath(new URL('../../../deploy/systemd/dyndns.service', import.meta.url));
const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));

export interface ServicePlan {
  /** A secret as YAML: the path of the credential with this name. */
  secret(name: string, value: string): string;
  /**
   * Writes the files.
   * @param isOnLowPort it opens ports below 1024
   * @returns what was written
   */
  install(configFile: string, isOnLowPort: boolean): readonly string[];
  readonly next: string;
}

/** @throws UsageError where this cannot be done */
export function planService(force: boolean): ServicePlan {
  if (process.getuid?.() !== 0) throw new UsageError('--service writes to /etc: run the command as root (sudo).');
  if (PACKAGED_UNITS.some((unit) => existsSync(unit))) {
    return { secret: (_name, value) => `'${value}'`, install: () => [], next: 'systemctl enable --now dyndns' };
  }
  const unit = join(UNITS, 'dyndns.service');
  if (existsSync(unit) && !force) throw new UsageError(`The unit ${unit} exists. Use --force to replace it.`);
  if (MAIN.startsWith('/home/') || MAIN.startsWith('/root/')) {
    throw new UsageError(`The unit cannot read ${MAIN}: install dyndns for all users first (npm install --global).`);
  }
  const secrets = new Map<string, string>();
  return {
    secret: (name, value) => {
      secrets.set(name, value);
      return `{file: /run/credentials/dyndns.service/${name}}`;
    },
    install: (configFile, isOnLowPort) => installUnit(unit, configFile, secrets, isOnLowPort),
    next: 'systemctl daemon-reload && systemctl enable --now dyndns',
  };
}

function installUnit(
  unit: string,
  configFile: string,
  secrets: ReadonlyMap<string, string>,
  isOnLowPort: boolean,
): readonly string[] {
  const dropIn = join(`${unit}.d`, '10-init.conf');
  mkdirSync(SECRETS, { recursive: true, mode: 0o700 });
  mkdirSync(`${unit}.d`, { recursive: true });
  const written = [...secrets].map(([name, value]) => {
    const file = join(SECRETS, name);
    writeSecretFile(file, `${value}\n`);
    return `${file} (mode 600)`;
  });
  // The secrets are in files of their own, which systemd hands over.
  chmodSync(configFile, 0o644);
  const text = readFileSync(TEMPLATE, 'utf8')
    .replaceAll('/usr/bin/node', process.execPath)
    .replaceAll('/usr/local/lib/node_modules/dyndns/dist/cli/main.js', MAIN)
    .replaceAll('--config /etc/dyndns.yml', `--config ${configFile}`);
  writeFileSync(unit, text);
  const credentials = [...secrets.keys()].map((name) => `LoadCredential=${name}:${join(SECRETS, name)}\n`);
  writeFileSync(dropIn, `[Service]\nLoadCredential=\n${credentials.join('')}${isOnLowPort ? LOW_PORTS : ''}`);
  return [...written, unit, dropIn];
}

const LOW_PORTS = `CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE
PrivateUsers=no
`;
