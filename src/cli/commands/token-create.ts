/** `dyndns token create NAME --host H…` and `dyndns token rotate NAME`: print a new secret, which is shown only once. */
import { randomBytes } from 'node:crypto';
import { Command, Option } from 'commander';
import type { Config } from '../../config/config.ts';
import { nearest, quoteValue } from '../../config/problem.ts';
import type { Input } from '../../core/admin/operations.ts';
import type { NewTokenView } from '../../core/admin/token-operations.ts';
import { type Device, parseServer } from '../../core/devices/device.ts';
import { DEVICE_IDS, findDevice } from '../../core/devices/devices.ts';
import { CommandError, UsageError } from '../output.ts';
import { remoteUrl } from '../remote.ts';
import { commandError, withClientSession } from '../session.ts';
import { loadFor } from '../setup.ts';
import { printJson } from '../table.ts';
import type { BatchFormat } from '../token-batch-file.ts';
import { formatNewToken, instructionsForToken, serverUrl } from '../token-lines.ts';

import { createBatch } from './token-batch.ts';

interface ShowFlags {
  readonly server?: string;
  readonly for?: string;
  readonly json?: boolean;
}

interface CreateFlags extends ShowFlags {
  readonly host?: readonly string[];
  readonly type?: readonly string[];
  readonly addresses?: readonly string[];
  readonly from?: readonly string[];
  readonly expires?: string;
  readonly maxUnusedDays?: string;
  readonly register?: boolean;
  readonly freedns?: string;
  readonly owner?: string;
  readonly printOnly?: boolean;
  readonly batch?: string;
  readonly format?: BatchFormat;
  readonly output?: string;
  readonly createOwners?: boolean;
}

const BATCH_FLAGS = ['format', 'output', 'createOwners'] as const;
const FLAGS_OF_ONE = [
  'host',
  'type',
  'addresses',
  'from',
  'expires',
  'maxUnusedDays',
  'register',
  'freedns',
  'owner',
  'for',
  'server',
  'printOnly',
] as const;

function flagName(flag: string): string {
  return `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** @throws UsageError */
function refuseWithBatch(name: string | undefined, flags: CreateFlags): void {
  if (name !== undefined) throw new UsageError('With --batch the names are in the file.');
  const other = FLAGS_OF_ONE.find((flag) => flags[flag] !== undefined);
  if (other !== undefined) throw new UsageError(`${flagName(other)} is for one token; with --batch the file has it.`);
}

const FREEDNS = 'for clients of FreeDNS version 1 with this user name, in lower case, and for no others';
const FOR = `print the settings of this device in place of examples: ${DEVICE_IDS.join(', ')}`;
const SERVER = 'the URL at which clients reach this server, for the printed examples: https://dyndns.example.com';

export function tokenCreateCommand(): Command {
  return new Command('create')
    .description('create a token, and print its secret with examples for clients')
    .argument('[name]', 'for people, the log and the history; not secret')
    .option('--host <names...>', "names that it may change; '*.x' covers every name below x")
    .option(
      '--type <types...>',
      'A, AAAA, TXT, CNAME, MX, SRV, CAA, PTR, TLSA, SSHFP, HTTPS, SVCB (default: A and AAAA)',
    )
    .option('--addresses <prefixes...>', "any, own (only the caller's address), or prefixes (default: any)")
    .option('--from <prefixes...>', 'addresses that its requests must come from (default: any)')
    .option('--expires <day>', 'the last day on which it is valid, YYYY-MM-DD in UTC')
    .option('--max-unused-days <days>', 'the token ends when it was not used for this number of days')
    .option('--register', 'it may create accounts of acme-dns, from any address')
    .option('--freedns <user>', FREEDNS)
    .option('--for <device>', FOR)
    .option('--server <url>', SERVER)
    .option('--owner <user>', 'the user whom it belongs to; it can do no more than the user')
    .option('--batch <file>', 'create the tokens of a CSV or JSON file, all or none; - is the standard input')
    .addOption(new Option('--format <format>', 'with --batch: of the file and the result').choices(['csv', 'json']))
    .option('--output <file>', 'with --batch: write the secrets to a new file that only you can read')
    .option('--create-owners', 'with --batch: create each owner that does not exist, as a member')
    .option('--print-only', 'store nothing: print an entry for the configuration file')
    .option('--json', 'print a JSON object')
    .action(async (name: string | undefined, flags: CreateFlags, command: Command) => {
      if (flags.batch !== undefined) {
        refuseWithBatch(name, flags);
        await createBatch({ ...flags, batch: flags.batch }, command);
        return;
      }
      const { host, type, addresses, from, expires, maxUnusedDays, register, freedns, owner } = flags;
      if (name === undefined) throw new UsageError("missing required argument 'name'");
      if (host === undefined) throw new UsageError("required option '--host <names...>' not specified");
      const forBatch = BATCH_FLAGS.find((flag) => flags[flag] !== undefined);
      if (forBatch !== undefined) throw new UsageError(`${flagName(forBatch)} is for --batch.`);
      const input = {
        name,
        hosts: split(host),
        types: split(type),
        addresses: split(addresses),
        sources: split(from),
        ...(expires !== undefined && { expires }),
        ...(maxUnusedDays !== undefined && { maxUnusedDays }),
        ...(register === true && { register }),
        ...(freedns !== undefined && { freednsUser: freedns }),
        ...(owner !== undefined && { owner }),
      };
      const device = readFlags(flags, type === undefined || split(type).some((word) => /^(a|aaaa)$/i.test(word)));
      if (flags.printOnly && owner !== undefined) throw new UsageError('--owner is for tokens that are stored.');
      if (flags.printOnly && remoteUrl(command) !== undefined)
        throw new UsageError('--print-only works on this machine: leave out --remote.');
      if (flags.printOnly)
        show(await unstoredToken(input, loadFor(command).config), serverUrl([]), flags, device, false);
      else
        await withClientSession(command, async (session) => {
          show(await session.call('createToken', input), serverUrl(await session.http()), flags, device);
        });
    });
}

export function tokenRotateCommand(): Command {
  return new Command('rotate')
    .description('give a token a new secret; the old one is refused within one second')
    .argument('<name>', 'its name')
    .option('--freedns <user>', FREEDNS)
    .option('--for <device>', FOR)
    .option('--server <url>', SERVER)
    .option('--json', 'print a JSON object')
    .action(async (name: string, flags: ShowFlags & Pick<CreateFlags, 'freedns'>, command: Command) => {
      const device = readFlags(flags);
      await withClientSession(command, async (session) => {
        const input = { name, ...(flags.freedns !== undefined && { freednsUser: flags.freedns }) };
        show(await session.call('rotateToken', input), serverUrl(await session.http()), flags, device);
      });
    });
}

/** Items may also be separated by commas. */
function split(items: readonly string[] = []): string[] {
  return items.flatMap((item) => item.split(',')).filter((item) => item !== '');
}

function show(made: NewTokenView, ownServer: string, flags: ShowFlags, device?: Device, isStored = true): void {
  const server = parseServer(flags.server ?? ownServer)?.url ?? ownServer;
  if (!flags.json) process.stdout.write(formatNewToken(made, server, isStored, device));
  else printJson({ ...made, ...(device && { instructions: instructionsForToken(device, made, server) }) });
}

/** Checks what is only printed, before a token is made. @returns the device of `--for`. @throws UsageError */
function readFlags({ server, for: word, freedns }: ShowFlags & Pick<CreateFlags, 'freedns'>, isAddress = true) {
  if (server !== undefined && parseServer(server) === undefined) {
    throw new UsageError(`--server: '${server}' is not like https://dyndns.example.com or http://192.0.2.1:8080.`);
  }
  if (word === undefined) return undefined;
  if (freedns !== undefined)
    throw new UsageError('--for is for clients of dyndns2, and --freedns for those of FreeDNS.');
  if (!isAddress) throw new UsageError('--for needs a token for addresses: A, AAAA or both in --type.');
  const device = findDevice(word);
  if (device !== undefined) return device;
  const near = nearest(word, DEVICE_IDS);
  throw new UsageError(
    `--for: there is no device ${quoteValue(word)}; the nearest one is ${near?.name}. The devices are ${DEVICE_IDS.join(', ')}.`,
  );
}

/** @throws UsageError, CommandError */
async function unstoredToken(input: Input<'createToken'>, config: Config): Promise<NewTokenView> {
  const [{ readToken }, { readInput }, { makeToken }, { newTokenView, tokenView }] = await Promise.all([
    import('../../control/domain-values.ts'),
    import('../../core/admin/read-input.ts'),
    import('../../core/admin/token-admin.ts'),
    import('../../core/admin/views.ts'),
  ]);
  try {
    const wanted = readToken(readInput('createToken', input));
    const { token, secret } = makeToken(wanted, (octets) => randomBytes(octets), Date.now());
    if (config.tokens.some(({ name }) => name === token.name)) {
      throw new CommandError(`The token '${token.name}' is in the configuration file already.`);
    }
    const view = tokenView(token, 'configuration', Date.now());
    return newTokenView(view, token.sha256, secret, wanted.freednsUser);
  } catch (error) {
    throw commandError(error);
  }
}
