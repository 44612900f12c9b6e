/**
 * `dyndns init`: writes a configuration with fresh secrets for a zone on a remote primary, and prints what to add to
 * that primary's configuration. It asks for what the flags do not say, where someone is there to answer.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Command, Option } from 'commander';
import { type IpAddress, parseIpAddress } from '../../dns/address.ts';
import { type DomainName, NameError, parseHostName } from '../../dns/name.ts';
import { programCall, UsageError } from '../output.ts';

const PRIMARIES = ['bind', 'knot', 'powerdns'] as const;
type PrimaryKind = (typeof PRIMARIES)[number];

interface InitFlags {
  readonly zone?: string;
  readonly nameserver?: string;
  readonly primary?: PrimaryKind;
  readonly file: string;
  readonly force?: boolean;
}

export function initCommand(): Command {
  return new Command('init')
    .description('write a configuration with new secrets and print what the primary needs')
    .option('-z, --zone <name>', 'the zone, like dyn.example.com')
    .option('-n, --nameserver <ip>', 'the address of its primary', undefined)
    .addOption(new Option('--primary <kind>', 'the software of the primary').choices([...PRIMARIES]))
    .option('-f, --file <file>', 'the file to write', '.dyndns.yml')
    .option('--force', 'replace the file if it exists')
    .action(init);
}

async function init(flags: InitFlags): Promise<void> {
  if (existsSync(flags.file) && !flags.force) {
    throw new UsageError(`The file ${flags.file} exists. Use --force to replace it, or --file to name another one.`);
  }
  const ask = asker();
  const zone = parseZone(flags.zone ?? (await ask('Zone (like dyn.example.com)', undefined, '--zone')));
  const nameserver = parseNameserver(
    flags.nameserver ?? (await ask('Address of its primary nameserver', '127.0.0.1', '--nameserver')),
  );
  const primary = parsePrimary(
    flags.primary ?? (await ask(`Software of the primary (${PRIMARIES.join(', ')})`, 'bind', '--primary')),
  );
  const secret = randomBytes(16).toString('hex');
  const key = randomBytes(64).toString('base64');
  writeSecretFile(flags.file, configurationText(zone, nameserver, secret, key));
  process.stdout.write(
    `Wrote ${flags.file} (mode 600).\n\n${PRIMARY_ADVICE[primary](zone.toString().slice(0, -1), key)}\n` +
      `Then:\n\n  ${programCall()} --config ${flags.file} check\n  ${programCall()} --config ${flags.file} serve\n`,
  );
}

/** The mode of a file that exists does not change by writing it. */
function writeSecretFile(file: string, text: string): void {
  try {
    if (existsSync(file)) chmodSync(file, 0o600);
    writeFileSync(file, text, { mode: 0o600, flush: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`The file ${file} cannot be written (${code}). Use --file to name another one.`);
  }
}

function configurationText(zone: DomainName, nameserver: IpAddress, secret: string, key: string): string {
  const name = zone.toString().slice(0, -1);
  return `---
# Everything that can stand here: docs/configuration.md
secret: '${secret}'
nameserver: '${nameserver.text}'
check: authenticated
zones:
  - name: '${name}'
    tsig_key: '${key}'
`;
}

const PRIMARY_ADVICE: Record<PrimaryKind, (zone: string, key: string) => string> = {
  bind: (zone, key) => `Add to /etc/bind/named.conf.local, then: rndc reconfig

  key "${zone}" {
    algorithm hmac-sha512;
    secret "${key}";
  };
  zone "${zone}" {
    type primary;
    file "/var/lib/bind/${zone}.zone";
    allow-update { key "${zone}"; };
  };

A new zone needs its file before that: deploy/bind/dyndns.example.com.zone is one to copy.
`,
  knot: (zone, key) => `Add to /etc/knot/knot.conf, then: knotc reload

  key:
    - id: ${zone}
      algorithm: hmac-sha512
      secret: ${key}
  acl:
    - id: update-${zone}
      key: ${zone}
      action: update
  zone:
    - domain: ${zone}
      acl: update-${zone}

A new zone needs its file before that: deploy/bind/dyndns.example.com.zone is one to copy.
`,
  powerdns: (zone, key) => `Set dnsupdate=yes and the cache TTLs to 0 in pdns.conf (docs/operating/powerdns.md), then:

  pdnsutil import-tsig-key ${zone} hmac-sha512 '${key}'
  pdnsutil set-meta ${zone} TSIG-ALLOW-DNSUPDATE ${zone}
  pdnsutil set-meta ${zone} ALLOW-DNSUPDATE-FROM 127.0.0.0/8
`,
};

type Ask = (question: string, preset: string | undefined, flag: string) => Promise<string>;

/** Asks on a terminal; elsewhere takes the preset or says which flag is missing. */
function asker(): Ask {
  return async (question, preset, flag) => {
    if (!process.stdin.isTTY) {
      if (preset !== undefined) return preset;
      throw new UsageError(`${flag} is missing, and there is nobody to ask.`);
    }
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    try {
      const answer = (await lines.question(`${question}${preset === undefined ? '' : ` [${preset}]`}: `)).trim();
      return answer === '' ? (preset ?? '') : answer;
    } finally {
      lines.close();
    }
  };
}

function parseZone(text: string): DomainName {
  let name: DomainName;
  try {
    name = parseHostName(text);
  } catch (error) {
    if (error instanceof NameError) throw new UsageError(`'${text}' is no zone name: ${error.message}`);
    throw error;
  }
  if (name.isWildcard) throw new UsageError(`'${text}' is no zone name: it is a wildcard.`);
  return name;
}

function parseNameserver(text: string): IpAddress {
  const address = parseIpAddress(text);
  if (address === undefined) throw new UsageError(`'${text}' is no IP address; the primary is named by its address.`);
  return address;
}

function parsePrimary(text: string): PrimaryKind {
  const kind = PRIMARIES.find((candidate) => candidate === text.toLowerCase());
  if (kind === undefined) throw new UsageError(`'${text}' is none of ${PRIMARIES.join(', ')}.`);
  return kind;
}
