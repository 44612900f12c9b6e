/**
 * `dyndns init`: writes a configuration with new secrets for a zone on a remote primary or one that dyndns serves itself,
 * and prints the next steps. On a terminal it asks for values that no flag gives.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import { parseConfig } from '../../config/load.ts';
import { ConfigError } from '../../config/problem.ts';
import { type IpAddress, parseIpAddress } from '../../dns/address.ts';
import { readNewZone } from '../../setup/plan/answers.ts';
import type { AdminPlan } from '../../setup/plan/configuration.ts';
import { PRIMARIES, type PrimaryKind } from '../../setup/plan/primary-lines.ts';
import { type EmbeddedFlags, planEmbeddedZone } from '../init/embedded.ts';
import { planHttps } from '../init/https.ts';
import { ask, asUsage, flagOr } from '../init/questions.ts';
import { type InitPlan, planRemoteZone } from '../init/remote.ts';
import { planService, type ServicePlan } from '../init/service.ts';
import { type InitTarget, initTarget } from '../init/target.ts';
import { programCall, UsageError } from '../output.ts';
import { writeSecretFile } from '../secret-file.ts';
import { quietObserver } from '../setup.ts';

interface InitFlags extends EmbeddedFlags {
  readonly zone?: string;
  readonly nameserver?: string;
  readonly primary?: PrimaryKind;
  readonly https?: readonly string[];
  readonly admin?: boolean;
  readonly service?: boolean;
  readonly file?: string;
  readonly force?: boolean;
}

export function initCommand(): Command {
  return new Command('init')
    .description('write a configuration with new secrets, and print the next steps')
    .option('-z, --zone <name>', 'the zone, like dyn.example.com')
    .option('-n, --nameserver <ip>', "the address of its primary, or 'embedded': dyndns serves the zone itself")
    .addOption(new Option('--primary <kind>', 'the software of a remote primary').choices([...PRIMARIES]))
    .option('--ns <name...>', 'embedded: the names of the nameservers, this one first')
    .option('--address <ip...>', 'embedded: the public addresses of the first nameserver, if its name is in the zone')
    .option('--contact <mail>', 'the mail address of the person who runs the zone, and of the account of --https')
    .option('--store <file>', 'embedded: the file for its data')
    .option('--apex', "embedded: clients may change the addresses of the zone's own name")
    .option('--https <name...>', 'serve HTTPS by this name, with a certificate of Let’s Encrypt (ACME)')
    .option('--admin', 'enable the dashboard and the HTTP API, on 127.0.0.1:54322')
    .option('--service', 'also write what systemd needs to run the server: secrets, unit and drop-in')
    .option(
      '-f, --file <file>',
      'the file to write (default: dyndns_CONFIG_FILE, /etc/dyndns.yml for the service of a package, else .dyndns.yml)',
    )
    .option('--force', 'replace the file if it exists')
    .action(init);
}

async function init(flags: InitFlags): Promise<void> {
  const target = initTarget(flags.file, flags.service === true);
  const { file, group } = target;
  if (existsSync(file) && !flags.force) {
    throw new UsageError(`The file ${file} exists. Use --force to replace it, or --file to write another one.`);
  }
  const service = flags.service ? planService(flags.force === true) : undefined;
  const plan = await planZone(flags, target, service);
  await checkText(plan.text, file);
  writeSecretFile(file, plan.text, group);
  const isOnLowPort = /^ +nameserver: embedded$|https:\/\/\[::\]:443/m.test(plan.text);
  const written = service?.install(file, isOnLowPort) ?? [];
  const mode = service !== undefined && written.length > 0 ? 644 : group === undefined ? 600 : 640;
  process.stdout.write(`${[`${file} (mode ${mode})`, ...written].map((each) => `Wrote ${each}.\n`).join('')}\n`);
  const call = `${programCall()} --config ${file}`;
  const next = service?.next ?? (group === undefined ? `${call} serve` : 'systemctl enable --now dyndns');
  process.stdout.write(plan.advice(next, `${call} check`));
}

/** By the same rules as `dyndns config --check`. @throws ConfigError */
async function checkText(text: string, file: string): Promise<void> {
  const { config } = parseConfig(text, file, {}, { secretsOptional: true });
  const { checkConfig } = await import('../../server/check-config.ts');
  const { problems, warnings } = await checkConfig(config);
  if (problems.length > 0) throw new ConfigError(problems);
  for (const warning of [...config.warnings, ...warnings]) quietObserver.warn(warning);
}

async function planZone(flags: InitFlags, target: InitTarget, service: ServicePlan | undefined): Promise<InitPlan> {
  const embeddedFlag = (['ns', 'address', 'store', 'apex'] as const).find((flag) => flags[flag] !== undefined);
  const https = planHttps(flags.https, flags.contact);
  const zone = await flagOr(
    flags.zone,
    { flag: '--zone', text: 'Zone (like dyn.example.com)', read: asUsage(undefined, readNewZone) },
    ask,
  );
  const nameserver = await flagOr(
    flags.nameserver ?? (embeddedFlag || (flags.contact && !https) ? 'embedded' : undefined),
    {
      flag: '--nameserver',
      text: "Address of its primary nameserver, or 'embedded': dyndns serves the zone itself",
      preset: flags.primary === undefined ? 'embedded' : '127.0.0.1',
      read: parseNameserver,
    },
    ask,
  );
  const yamlOf = (name: string, value: string) => service?.secret(name, value) ?? `'${value}'`;
  const secret = yamlOf('secret', randomBytes(16).toString('hex'));
  const { store } = target;
  const admin = () => askAdmin(flags.admin);
  if (nameserver === 'embedded') {
    if (flags.primary !== undefined)
      throw new UsageError('--primary is for a remote primary, and the zone is embedded.');
    const { machineAddresses } = await import('../../server/machine-addresses.ts');
    const addresses = machineAddresses().map(({ text }) => text);
    return planEmbeddedZone(zone, flags, { store, addresses, https, admin, secret }, ask);
  }
  const other = embeddedFlag ?? (flags.contact !== undefined && https === undefined ? 'contact' : undefined);
  if (other !== undefined) {
    throw new UsageError(`--${other} is for embedded zones, and the primary is ${nameserver.text}.`);
  }
  const key = randomBytes(64).toString('base64');
  const surroundings = { https, admin, store, secret, key, keyYaml: yamlOf('tsig_key', key) };
  return planRemoteZone(zone, nameserver, flags.primary, surroundings, ask);
}

/** Its own listener, because a reverse proxy usually passes everything on that it gets. */
const ADMIN: AdminPlan = { listen: ['127.0.0.1:54322'] };

/** The dashboard shows, and changes, everything: it is off unless somebody wants it. */
async function askAdmin(flag: boolean | undefined): Promise<AdminPlan | undefined> {
  const question = {
    flag: '--admin',
    text: 'Enable the dashboard and HTTP API?',
    preset: 'no',
    read: (text: string) => {
      if (/^(y|yes)$/i.test(text)) return true;
      if (/^(n|no)$/i.test(text)) return false;
      throw new UsageError(`'${text}' is neither yes nor no.`);
    },
  };
  return (await flagOr(flag === true ? 'yes' : undefined, question, ask)) ? ADMIN : undefined;
}

/** @throws UsageError */
function parseNameserver(text: string): IpAddress | 'embedded' {
  const address = text === 'embedded' ? text : parseIpAddress(text);
  if (address !== undefined) return address;
  throw new UsageError(`'${text}' is not an IP address. --nameserver takes the address of the primary, or 'embedded'.`);
}
