/**
 * Starts BIND, Knot and PowerDNS from the files in deploy/, with the commands of docs/operating. Only paths, ports and
 * the user are changed.
 */
import { readFileSync } from 'node:fs';
import { hasLockFile, namedCommand } from './bind.ts';
import { type Installation, makeInstallation } from './installation.ts';
import { type PrimaryKind, type PrimaryServer, startPrimary } from './primary-server.ts';

export const DEPLOYED_ZONE = 'dyndns.example.com';

const DOCUMENTS: Readonly<Record<PrimaryKind, string>> = {
  bind: 'docs/operating/debian-bind.md',
  knot: 'docs/operating/knot.md',
  powerdns: 'docs/operating/powerdns.md',
};

export interface DeployedPrimary {
  readonly server: PrimaryServer;
  readonly installation: Installation;
  /** The page that describes this primary. */
  readonly document: string;
  /**
   * Runs the blocks of that page that are marked with a word.
   * @returns their output
   * @throws Error if a command fails
   */
  run(word: string): Promise<string>;
}

/** Adapts a file of deploy/, after its paths were mapped. */
export type AdaptFile = (path: string, text: string) => string;

function replaceOnce(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`The file must contain exactly once: ${from}`);
  return text.replace(from, to);
}

function adaptKnot(path: string, text: string, port: number): string {
  if (path !== 'deploy/knot/knot.conf') return text;
  const listening = replaceOnce(text, 'listen: [ 0.0.0.0@53, ::@53 ]', `listen: 127.0.0.1@${port}`);
  return replaceOnce(replaceOnce(listening, '    user: knot:knot\n', ''), 'target: syslog', 'target: stderr');
}

async function setUp(kind: PrimaryKind, installation: Installation, port: number): Promise<readonly string[]> {
  if (kind === 'knot') {
    for (const directory of ['/run/knot/.keep', '/var/lib/knot/.keep', '/etc/knot/.keep'])
      installation.write(directory, '');
    return ['-c', installation.path('/etc/knot/knot.conf')];
  }
  if (kind === 'powerdns') {
    installation.write('/etc/powerdns/pdns.d/.keep', '');
    installation.write('/var/lib/powerdns/.keep', '');
    // The first two lines are from Debian's package.
    const config = `include-dir=/etc/powerdns/pdns.d
launch=
security-poll-suffix=
local-address=127.0.0.1
local-port=${port}
socket-dir=/var/lib/powerdns
daemon=no
guardian=no
write-pid=no
disable-syslog=yes
`;
    installation.write('/etc/powerdns/pdns.conf', config);
    return [`--config-dir=${installation.path('/etc/powerdns')}`];
  }
  const lockFile = (await hasLockFile()) ? 'lock-file none;' : '';
  installation.write('/var/lib/bind/.keep', '');
  installation.write('/etc/bind/named.conf.local', '');
  const config = `options { directory "/var/lib/bind"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  pid-file none; session-keyfile none; ${lockFile} recursion no; empty-zones-enable no; dnssec-validation no; };
controls { };
include "/etc/bind/named.conf.local";
`;
  return ['-g', '-c', installation.write('/etc/bind/named.conf', config)];
}

const COMMANDS: Readonly<Record<PrimaryKind, (directory: string) => string>> = {
  bind: namedCommand,
  knot: () => 'knotd',
  powerdns: () => 'pdns_server',
};

/** Installs one kind of primary by its documentation, and starts it. `server.stop()` removes everything. */
export async function startDeployedPrimary(
  kind: PrimaryKind,
  adapt: AdaptFile = (_path, text) => text,
  env: NodeJS.ProcessEnv = {},
  adaptCommands: (script: string) => string = (script) => script,
): Promise<DeployedPrimary> {
  const document = DOCUMENTS[kind];
  let installation: Installation | undefined;

  async function run(word: string): Promise<string> {
    const result = await installation?.runBlocks(document, word);
    if (result?.code !== 0) {
      throw new Error(`"${word}" of ${document}: exit code ${result?.code}\n${result?.stdout}${result?.stderr}`);
    }
    return result.stdout + result.stderr;
  }

  const server = await startPrimary(
    {
      kind,
      command: COMMANDS[kind],
      prepare: async (directory, port) => {
        installation = makeInstallation({
          directory,
          dnsPort: port,
          env,
          adaptCommands,
          adapt: (path, text) => adapt(path, kind === 'knot' ? adaptKnot(path, text, port) : text),
        });
        const args = await setUp(kind, installation, port);
        await run('prepare');
        return args;
      },
    },
    { zones: [{ name: DEPLOYED_ZONE }], keys: [] },
  );
  if (installation === undefined) throw new Error('The installation was not made.');
  return { server, installation, document, run };
}

/** The TSIG secret (base64) that the block "secrets" of the page has written for dyndns. */
export function deployedTsigSecret(deployed: DeployedPrimary): string {
  return readFileSync(deployed.installation.path('/etc/dyndns/tsig_key'), 'utf8').trim();
}
