/**
 * `dyndns quickstart`: a first start without any configuration. Creates a folder with a configuration, serves the embedded
 * zone `dyn.home.arpa` (RFC 8375 §3: home networks only) from it, and prints commands to try. Later runs use the folder
 * again.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import type { Config, DnsEndpoint } from '../../config/config.ts';
import { loadConfig } from '../../config/load.ts';
import type { RunningServer } from '../../server/server.ts';
import { StartError } from '../../server/start-error.ts';
import { programCall, UsageError } from '../output.ts';
import { writeSecretFile } from '../secret-file.ts';

const ZONE = 'dyn.home.arpa';
const EXAMPLE_ADDRESS = '192.0.2.1';
const CONFIG_FILE = 'dyndns.yml';
const HEADER_FILE = 'authorization';

export function quickstartCommand(): Command {
  return new Command('quickstart')
    .description(`serve the zone ${ZONE} from a folder that the first run creates, and print commands to try`)
    .option('-d, --dir <dir>', 'the folder for configuration and data', '.dyndns')
    .action(quickstart);
}

async function quickstart({ dir }: { dir: string }, command: Command): Promise<void> {
  if (command.optsWithGlobals<{ config?: string }>().config !== undefined) {
    throw new UsageError('quickstart writes its own configuration. Use `serve` with --config.');
  }
  const directory = resolve(dir);
  const file = join(directory, CONFIG_FILE);
  if (!existsSync(file)) {
    makeDirectory(directory);
    writeSecretFile(file, configurationText(randomBytes(16).toString('hex')));
  }
  const { runServer } = await import('../run-server.ts');
  const { server, config, log } = await runServer(() => loadConfig(file, process.env).config).catch(
    (error: unknown) => {
      // The user has not seen this file yet, and the ports are set in it.
      if (error instanceof StartError && error.problem === 'listen') {
        error.message += ` The options are in ${shown(file)}.`;
      }
      throw error;
    },
  );
  const { secret } = config;
  // A secret on a command line could be read by every user of the machine; curl takes it from this file.
  const header = secret === undefined ? undefined : join(directory, HEADER_FILE);
  if (header !== undefined) writeSecretFile(header, `Authorization: Bearer ${secret!.reveal()}\n`);
  const invitation = await server.inviteFirst();
  log.print(`${invitation === undefined ? '' : invitationText(invitation)}
The folder ${shown(directory)} has the configuration and all data. Run these in another terminal, in the same directory:

${commandsToTry(config, server, file, header).join('\n')}

They publish an address, query it by DNS, and show the configuration. Ctrl-C ends the server; the next start uses the
same data.
`);
}

/** Until there is a user, each start makes a new link. */
function invitationText(url: string): string {
  return `
Open the dashboard in a browser on this machine, and choose the name and the password of its administrator. This link can be
used once:

  ${url}
`;
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`The folder ${directory} cannot be created (${code}). Name another one with --dir.`);
  }
}

function configurationText(secret: string): string {
  return `---
# Written by \`dyndns quickstart\`. All options: docs/configuration.md
secret: '${secret}'
check: authenticated
http:
  listen: ['127.0.0.1:54321']
dns:
  listen: ['127.0.0.1:5354']
store: sqlite:dyndns.db
admin:
  enabled: true
zones:
  - name: ${ZONE}
    nameserver: embedded
    ns: [ns.${ZONE}]
    records: |
      ns  IN A  127.0.0.1
`;
}

/** An update, the query that shows it, and the configuration; each can be pasted as it is. */
function commandsToTry(config: Config, server: RunningServer, file: string, header: string | undefined): string[] {
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

/** Where queries for the first zone are answered. */
function nameserverOf({ zones }: Config, { dnsAddresses }: RunningServer): DnsEndpoint {
  const { primary } = zones[0]!;
  if (primary.kind === 'remote') return { host: primary.host.text, port: primary.port };
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(dnsAddresses[0]!)!;
  return { host: host!, port: Number(port) };
}

function digServer({ host, port }: DnsEndpoint): string {
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `@${address}${port === 53 ? '' : ` -p ${port}`}`;
}

/** Clients cannot connect to the wildcard address. */
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
