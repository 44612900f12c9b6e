/**
 * `dyndns quickstart`: the first start with nothing. Makes a folder with a configuration whose zone `dyn.home.arpa`
 * (RFC 8375: for homes, never on the internet) dyndns serves itself, serves it, and prints commands to try. Run again,
 * it uses what is there.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import type { Config, DnsEndpoint } from '../../config/config.ts';
import { loadConfig } from '../../config/load.ts';
import type { DyndnsServer } from '../../server/server.ts';
import { isStartError, programCall, UsageError } from '../output.ts';
import { writeSecretFile } from '../secret-file.ts';

const ZONE = 'dyn.home.arpa';
const EXAMPLE_ADDRESS = '192.0.2.1';
const CONFIG_FILE = 'dyndns.yml';
const HEADER_FILE = 'authorization';

export function quickstartCommand(): Command {
  return new Command('quickstart')
    .description(`serve the zone ${ZONE} from a folder that is made at the first time; prints commands to try`)
    .option('-d, --dir <dir>', 'the folder of configuration and data', '.dyndns')
    .action(quickstart);
}

async function quickstart({ dir }: { dir: string }, command: Command): Promise<void> {
  if (command.optsWithGlobals<{ config?: string }>().config !== undefined) {
    throw new UsageError('quickstart has a configuration of its own. It is `serve` that takes --config.');
  }
  const directory = resolve(dir);
  const file = join(directory, CONFIG_FILE);
  if (!existsSync(file)) {
    makeDirectory(directory);
    writeSecretFile(file, configurationText(randomBytes(16).toString('hex')));
  }
  const { runServer } = await import('../run-server.ts');
  const { server, config } = await runServer(() => loadConfig(file, process.env).config).catch((error: unknown) => {
    // Whoever types `quickstart` has not seen the file in which the ports stand.
    if (isStartError(error) && error.name.endsWith('ListenError'))
      error.message += ` The options are in ${shown(file)}.`;
    throw error;
  });
  const { secret } = config;
  // A secret on a command line could be read by every user of the machine; curl takes it from this file.
  const header = secret === undefined ? undefined : join(directory, HEADER_FILE);
  if (header !== undefined) writeSecretFile(header, `Authorization: Bearer ${secret!.reveal()}\n`);
  process.stdout.write(`
The folder ${shown(directory)} has the configuration and all data. In another terminal, in the same folder as this one:

${commandsToTry(config, server, file, header).join('\n')}

They publish an address, ask for it by DNS, and show the configuration. Ctrl-C ends the server; the next start goes on
with what is there.
`);
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`The folder ${directory} cannot be made (${code}). Use --dir to name another one.`);
  }
}

function configurationText(secret: string): string {
  return `---
# Written by \`dyndns quickstart\`. Everything that can stand here: docs/configuration.md
secret: '${secret}'
check: authenticated
http:
  listen: ['127.0.0.1:54321']
dns:
  listen: ['127.0.0.1:5354']
store: sqlite:dyndns.db
zones:
  - name: ${ZONE}
    nameserver: embedded
    ns: [ns.${ZONE}]
    records: |
      ns  IN A  127.0.0.1
`;
}

/** An update, the query that shows it, and the configuration; each can be pasted as it is. */
function commandsToTry(config: Config, server: DyndnsServer, file: string, header: string | undefined): string[] {
  const [zone] = config.zones;
  const name = `home.${zone!.apex.toString().slice(0, -1)}`;
  const base = server.addresses.find((address) => address.startsWith('http'));
  const authorization = header === undefined ? '' : ` -H ${quoteForShell(`@${shown(header)}`)}`;
  const update = `curl -s${authorization} -d fqdn=${name} -d ip_1=${EXAMPLE_ADDRESS} ${reachable(base ?? '')}/update-by-query`;
  return [
    ...(base === undefined ? [] : [update]),
    `dig ${digServer(nameserverOf(config, server))} +short ${name} A`,
    `${programCall()} config --config ${quoteForShell(shown(file))}`,
  ];
}

/** Where the first zone is answered for. */
function nameserverOf({ zones }: Config, { dnsAddresses }: DyndnsServer): DnsEndpoint {
  const { primary } = zones[0]!;
  if (primary.kind === 'remote') return { host: primary.host.text, port: primary.port };
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(dnsAddresses[0]!)!;
  return { host: host!, port: Number(port) };
}

function digServer({ host, port }: DnsEndpoint): string {
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `@${address}${port === 53 ? '' : ` -p ${port}`}`;
}

/** "All addresses" is none that a client can connect to. */
function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}

/** The path as it is typed here: relative where that is shorter. */
function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' ? '.' : short.startsWith('..') ? path : short;
}

function quoteForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
