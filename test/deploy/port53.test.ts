/**
 * Port 53 without root, as in docs/operating/embedded.md: the capability of the systemd drop-in with a port below 1024 of
 * 127.0.0.1, and the check of deploy/nftables by nft. No rule is loaded, and port 53 is not opened.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { MAIN } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { REPOSITORY } from '../support/installation.ts';
import { freshDirectory, writeInto } from '../support/primary-server.ts';
import { removeNow, runProgram, startProcess } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const DROP_IN = readFileSync(join(REPOSITORY, 'deploy/systemd/dyndns-embedded.conf'), 'utf8');
const RULES = join(REPOSITORY, 'deploy/nftables/dyndns-port53.nft');

const isRoot = process.getuid?.() === 0;
const FIRST_FREE = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
/** Some containers permit all ports to all users. */
const isRestricted = isRoot && existsSync(FIRST_FREE) && Number(readFileSync(FIRST_FREE, 'utf8')) > 1000;
const PROGRAMS = [
  { command: 'setpriv', debianPackage: 'util-linux' },
  { command: 'dig', debianPackage: 'bind9-dnsutils' },
];

describeWith(PROGRAMS, 'a port below 1024', () => {
  const directory = freshDirectory('port53');
  afterAll(() => removeNow(directory));

  /** Runs the server with only these capabilities, in the syntax of `setpriv`. */
  async function commandWith(capabilities: string, port: number): Promise<readonly string[]> {
    const text = `secret: notASecret1
http: {listen: ['127.0.0.1:0']}
dns: {listen: ['127.0.0.1:${port}'], database: '${join(directory, 'zones.db')}'}
zones: [{name: dyn.example.com, nameserver: embedded, ns: [ns1.example.net]}]
`;
    const serve = [process.execPath, MAIN, '--config', writeInto(directory, 'dyndns.yml', text), 'serve'];
    return ['--no-new-privs', `--inh-caps=${capabilities}`, `--bounding-set=${capabilities}`, ...serve];
  }

  it.skipIf(!isRoot)('is served with the capability of the drop-in and no other', async () => {
    const [, name] = /^AmbientCapabilities=CAP_(\w+)$/m.exec(DROP_IN)!;
    const port = await freePort(600, 1000);
    const server = await startProcess({
      command: 'setpriv',
      args: await commandWith(`-all,+${name!.toLowerCase()}`, port),
      ready: (output) => output.includes('listening on http://'),
    });
    try {
      for (const transport of ['+notcp', '+tcp']) {
        const answer = await dig({ host: '127.0.0.1', port }, ['dyn.example.com', 'SOA', transport]);
        expect(answer.short).toHaveLength(1);
      }
    } finally {
      await server.stop();
    }
  });

  it.skipIf(!isRestricted)('without it is refused with advice that names the capability', async () => {
    const { code, stderr } = await runProgram('setpriv', [...(await commandWith('-all', await freePort(600, 1000)))]);
    expect(code).toBe(1);
    expect(stderr).toContain('AmbientCapabilities=CAP_NET_BIND_SERVICE');
  });
});

describeWith([{ command: 'nft', debianPackage: 'nftables' }], 'the redirect of port 53', () => {
  it.skipIf(!isRoot)('is a rule that nft takes', async () => {
    expect(await runProgram('nft', ['--check', '--file', RULES])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it.skipIf(!isRoot)('is not taken when it is wrong', async () => {
    const wrong = readFileSync(RULES, 'utf8').replace('th dport', 'dport');
    const { code } = await runProgram('nft', ['--check', '--file', '-'], { input: wrong });
    expect(code).toBe(1);
  });
});

describe('the redirect of port 53', () => {
  it('goes to the port that its comment, and the page of the embedded nameserver, configure', () => {
    const text = readFileSync(RULES, 'utf8');
    const [, port] = /redirect to :(\d+)$/m.exec(text)!;
    const listen = `listen: ['0.0.0.0:${port}', '[::]:${port}']`;
    expect(text).toContain(`dns: {${listen}}`);
    expect(readFileSync(join(REPOSITORY, 'docs/operating/embedded.md'), 'utf8')).toContain(listen);
  });
});
