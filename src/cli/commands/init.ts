/**
 * `dyndns init`: writes a configuration with new secrets for a zone on a remote primary or one that dyndns serves itself,
 * and prints the next steps. On a terminal it asks for values that no flag gives.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import { parseIpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { type EmbeddedFlags, planEmbeddedZone } from '../init/embedded.ts';
import { type Ask, asker } from '../init/questions.ts';
import { type InitPlan, PRIMARIES, type PrimaryKind, planRemoteZone } from '../init/remote.ts';
import { UsageError } from '../output.ts';
import { writeSecretFile } from '../secret-file.ts';
import { parseZone } from '../zone-name.ts';

interface InitFlags extends EmbeddedFlags {
  readonly zone?: string;
  readonly nameserver?: string;
  readonly primary?: PrimaryKind;
  readonly file: string;
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
    .option('--contact <mail>', 'embedded: the mail address of the person who runs the zone')
    .option('--store <file>', 'embedded: the file for its data')
    .option('-f, --file <file>', 'the file to write', '.dyndns.yml')
    .option('--force', 'replace the file if it exists')
    .action(init);
}

async function init(flags: InitFlags): Promise<void> {
  if (existsSync(flags.file) && !flags.force) {
    throw new UsageError(`The file ${flags.file} exists. Use --force to replace it, or --file to write another one.`);
  }
  const plan = await planZone(flags, asker());
  writeSecretFile(flags.file, plan.text);
  process.stdout.write(`Wrote ${flags.file} (mode 600).\n\n${plan.advice(flags.file)}`);
}

async function planZone(flags: InitFlags, ask: Ask): Promise<InitPlan> {
  const zone = parseNewZone(flags.zone ?? (await ask('Zone (like dyn.example.com)', undefined, '--zone')));
  const embeddedFlag = (['ns', 'address', 'contact', 'store'] as const).find((flag) => flags[flag] !== undefined);
  const question = "Address of its primary nameserver, or 'embedded': dyndns serves the zone itself";
  const preset = flags.primary === undefined ? 'embedded' : '127.0.0.1';
  const nameserver = flags.nameserver ?? (embeddedFlag ? 'embedded' : await ask(question, preset, '--nameserver'));
  const secret = randomBytes(16).toString('hex');
  if (nameserver === 'embedded') {
    if (flags.primary !== undefined)
      throw new UsageError('--primary is for a remote primary, and the zone is embedded.');
    return planEmbeddedZone(zone, flags.file, flags, secret, ask);
  }
  const address = parseIpAddress(nameserver);
  if (address === undefined) {
    throw new UsageError(
      `'${nameserver}' is not an IP address. --nameserver takes the address of the primary, or 'embedded'.`,
    );
  }
  if (embeddedFlag !== undefined) {
    throw new UsageError(`--${embeddedFlag} is for embedded zones, and the primary is ${address.text}.`);
  }
  return planRemoteZone(zone, address, flags.primary, secret, ask);
}

function parseNewZone(text: string): DomainName {
  const name = parseZone(text);
  if (name.isWildcard) throw new UsageError(`'${text}' is not a zone name: it is a wildcard.`);
  return name;
}
