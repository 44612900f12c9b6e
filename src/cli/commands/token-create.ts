/** `dyndns token create NAME --host H…` and `dyndns token rotate NAME`: a new secret, which is shown once. */
import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import type { CreateTokenCall } from '../../control/client-calls.ts';
import { readToken } from '../../control/in-process-clients.ts';
import { makeToken } from '../../core/admin/client-admin.ts';
import { type NewTokenView, newTokenView, tokenView } from '../../core/admin/views.ts';
import { AppError } from '../../core/errors.ts';
import { type ClientsAt, withClients } from '../clients.ts';
import { CommandError, UsageError } from '../output.ts';
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
  readonly freedns?: string;
  readonly printOnly?: boolean;
}

const FREEDNS = 'for clients of FreeDNS version 1 with this user name, in lower case, and for no others';
const SERVER = 'how clients reach this server, for the lines that are printed: https://dyndns.example.com';

export function tokenCreateCommand(): Command {
  return new Command('create')
    .description('make a token, and print its secret with lines for clients')
    .argument('<name>', 'for people, the log and the history; not secret')
    .requiredOption('--host <names...>', "names that it may change; '*.x' is every name below x")
    .option('--type <types...>', 'A, AAAA, TXT; else A and AAAA')
    .option('--addresses <prefixes...>', "any, own (only the caller's address), or prefixes; else any")
    .option('--from <prefixes...>', 'where its requests may come from; else anywhere')
    .option('--expires <day>', 'the last day on which it counts, YYYY-MM-DD in UTC')
    .option('--freedns <user>', FREEDNS)
    .option('--server <url>', SERVER)
    .option('--print-only', 'store nothing: print an entry for the configuration file')
    .option('--json', 'print a JSON object')
    .action(async (name: string, flags: CreateFlags, command: Command) => {
      const { config } = loadFor(command);
      const { host, type, addresses, from, expires, freedns } = flags;
      const call = {
        name,
        hosts: split(host),
        types: split(type),
        addresses: split(addresses),
        sources: split(from),
        ...(expires !== undefined && { expires }),
        ...(freedns !== undefined && { freednsUser: freedns }),
      };
      checkServer(flags);
      if (flags.printOnly) show(unstoredToken(call, config), serverUrl([]), flags, false);
      else
        await withClients(config, async (at) => {
          show(await at.clients.createToken(call), serverUrl(await at.http()), flags);
        });
    });
}

export function tokenRotateCommand(): Command {
  return new Command('rotate')
    .description('give a token another secret; the old one is refused within one second')
    .argument('<name>', 'its name')
    .option('--freedns <user>', FREEDNS)
    .option('--server <url>', SERVER)
    .option('--json', 'print a JSON object')
    .action(async (name: string, flags: ShowFlags & Pick<CreateFlags, 'freedns'>, command: Command) => {
      checkServer(flags);
      await withClients(loadFor(command).config, async (at: ClientsAt) => {
        show(await at.clients.rotateToken(name, flags.freedns), serverUrl(await at.http()), flags);
      });
    });
}

/** Commas separate, too. */
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
function unstoredToken(call: CreateTokenCall, config: Config): NewTokenView {
  try {
    const { token, secret } = makeToken(readToken(call), (octets) => randomBytes(octets), Date.now());
    if (config.tokens.some(({ name }) => name === token.name)) {
      throw new CommandError(`The token '${token.name}' stands in the configuration file already.`);
    }
    const view = tokenView(token, 'configuration', Date.now());
    return newTokenView(view, token.sha256, secret, call.freednsUser);
  } catch (error) {
    throw error instanceof AppError ? new UsageError(error.message) : error;
  }
}
