/** `dyndns token create NAME --host H…` and `dyndns token rotate NAME`: print a new secret, which is shown only once. */
import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import type { Input } from '../../core/admin/operations.ts';
import type { NewTokenView } from '../../core/admin/token-operations.ts';
import { CommandError, UsageError } from '../output.ts';
import { commandError, withClientSession } from '../session.ts';
import { loadFor } from '../setup.ts';
import { printJson } from '../table.ts';
import { formatNewToken, serverUrl } from '../token-lines.ts';

interface ShowFlags {
  readonly server?: string;
  readonly json?: boolean;
}

interface CreateFlags extends ShowFlags {
  readonly host: readonly string[];
  readonly type?: readonly string[];
  readonly addresses?: readonly string[];
  readonly from?: readonly string[];
  readonly expires?: string;
  readonly maxUnusedDays?: string;
  readonly register?: boolean;
  readonly freedns?: string;
  readonly printOnly?: boolean;
}

const FREEDNS = 'for clients of FreeDNS version 1 with this user name, in lower case, and for no others';
const SERVER = 'the URL at which clients reach this server, for the printed examples: https://dyndns.example.com';

export function tokenCreateCommand(): Command {
  return new Command('create')
    .description('create a token, and print its secret with examples for clients')
    .argument('<name>', 'for people, the log and the history; not secret')
    .requiredOption('--host <names...>', "names that it may change; '*.x' covers every name below x")
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
    .option('--server <url>', SERVER)
    .option('--print-only', 'store nothing: print an entry for the configuration file')
    .option('--json', 'print a JSON object')
    .action(async (name: string, flags: CreateFlags, command: Command) => {
      const { config } = loadFor(command);
      const { host, type, addresses, from, expires, maxUnusedDays, register, freedns } = flags;
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
      };
      checkServer(flags);
      if (flags.printOnly) show(await unstoredToken(input, config), serverUrl([]), flags, false);
      else
        await withClientSession(config, async (session) => {
          show(await session.call('createToken', input), serverUrl(await session.http()), flags);
        });
    });
}

export function tokenRotateCommand(): Command {
  return new Command('rotate')
    .description('give a token a new secret; the old one is refused within one second')
    .argument('<name>', 'its name')
    .option('--freedns <user>', FREEDNS)
    .option('--server <url>', SERVER)
    .option('--json', 'print a JSON object')
    .action(async (name: string, flags: ShowFlags & Pick<CreateFlags, 'freedns'>, command: Command) => {
      checkServer(flags);
      await withClientSession(loadFor(command).config, async (session) => {
        const input = { name, ...(flags.freedns !== undefined && { freednsUser: flags.freedns }) };
        show(await session.call('rotateToken', input), serverUrl(await session.http()), flags);
      });
    });
}

/** Items may also be separated by commas. */
function split(items: readonly string[] = []): string[] {
  return items.flatMap((item) => item.split(',')).filter((item) => item !== '');
}

function show(made: NewTokenView, server: string, flags: ShowFlags, isStored = true): void {
  if (flags.json) printJson(made);
  else process.stdout.write(formatNewToken(made, flags.server?.replace(/\/$/, '') ?? server, isStored));
}

/** @throws UsageError */
function checkServer({ server }: ShowFlags): void {
  if (server === undefined || /^https?:\/\/[^\s/@?#]+\/?$/.test(server)) return;
  throw new UsageError(`--server: '${server}' is not like https://dyndns.example.com or http://192.0.2.1:8080.`);
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
