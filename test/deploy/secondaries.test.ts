/**
 * Runs docs/operating/hidden-primary.md: its key, its configuration of dyndns, its commands that install the secondaries of
 * deploy/, and its verification. Only paths, addresses, ports and the user are changed.
 */
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { DomainName } from '../../src/dns/name.ts';
import { RRType } from '../../src/dns/rdata.ts';
import type { Nameserver } from '../../src/nameserver/nameserver.ts';
import { openZones } from '../../src/server/zones.ts';
import { hasLockFile, namedCommand } from '../support/bind.ts';
import { dig } from '../support/dig.ts';
import { freePort } from '../support/free-port.ts';
import { type Installation, makeInstallation, REPOSITORY } from '../support/installation.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { type RunningProcess, removeNow, startProcess, waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith, type RequiredProgram } from '../support/require-server.ts';
import { SECONDARY_KINDS, SECONDARY_PROGRAMS, type SecondaryKind } from '../support/secondary.ts';

const PAGE = 'docs/operating/hidden-primary.md';
const ZONE = DomainName.parse('dyndns.example.com');
const TOOLS: readonly RequiredProgram[] = [
  { command: 'openssl', debianPackage: 'openssl' },
  { command: 'named-checkconf', debianPackage: 'bind9-utils' },
  { command: 'nsd-checkconf', debianPackage: 'nsd' },
];

interface Ports {
  readonly primary: number;
  readonly secondary: number;
}

/** Writes the files of the distribution's package that the file of deploy/ needs. @returns the command of the server */
const BROUGHT: Readonly<
  Record<SecondaryKind, (installation: Installation, port: number) => Promise<readonly [string, readonly string[]]>>
> = {
  async bind(installation, port) {
    installation.write('/var/cache/bind/.keep', '');
    installation.write('/etc/bind/named.conf.local', '');
    const lockFile = (await hasLockFile()) ? 'lock-file none;' : '';
    const config = `options { directory "/var/cache/bind"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  pid-file none; session-keyfile none; ${lockFile} recursion no; empty-zones-enable no; dnssec-validation no; };
controls { };
include "/etc/bind/named.conf.local";
`;
    const file = installation.write('/etc/bind/named.conf', config);
    return [namedCommand(installation.path('/')), ['-g', '-c', file]];
  },
  async knot(installation) {
    for (const file of ['/run/knot/.keep', '/var/lib/knot/.keep', '/etc/knot/.keep']) installation.write(file, '');
    return ['knotd', ['-c', installation.path('/etc/knot/knot.conf')]];
  },
  async nsd(installation, port) {
    installation.write('/var/lib/nsd/.keep', '');
    installation.write('/etc/nsd/nsd.conf.d/.keep', '');
    const config = `server:
    ip-address: 127.0.0.1@${port}
    username: ""
    zonesdir: "/var/lib/nsd"
    zonelistfile: "/var/lib/nsd/zone.list"
    database: ""
    pidfile: "/var/lib/nsd/nsd.pid"
    xfrdfile: "/var/lib/nsd/xfrd.state"
    xfrdir: "/var/lib/nsd"
    server-count: 1
remote-control:
    control-enable: no
include: "/etc/nsd/nsd.conf.d/*.conf"
`;
    return ['nsd', ['-d', '-c', installation.write('/etc/nsd/nsd.conf', config)]];
  },
};

/** Replaces address and port of dyndns; for Knot, whose file is a complete configuration, also directory and user. */
function adapt(path: string, text: string, { primary, secondary }: Ports): string {
  if (!/^deploy\/\w+\/secondary\./.test(path)) return text;
  return text
    .replace('primaries { 192.0.2.1 port 53', `primaries { 127.0.0.1 port ${primary}`)
    .replaceAll('192.0.2.1@53', `127.0.0.1@${primary}`)
    .replace(/(address: |allow-notify: )192\.0\.2\.1\b/, '$1127.0.0.1')
    .replace('[ 0.0.0.0@53, ::@53 ]', `127.0.0.1@${secondary}`)
    .replace('target: syslog', 'target: stderr');
}

async function run(installation: Installation, word: string): Promise<string> {
  const { code, stdout, stderr } = await installation.runBlocks(PAGE, word);
  if (code !== 0) throw new Error(`"${word}" of ${PAGE}: exit code ${code}\n${stdout}${stderr}`);
  return stdout;
}

for (const kind of SECONDARY_KINDS) {
  describeWith(
    [...BIND_PROGRAMS, ...SECONDARY_PROGRAMS, ...TOOLS],
    `the hidden primary of the documents: ${kind}`,
    () => {
      const directory = freshDirectory(`hidden-${kind}`);
      let ports: Ports;
      let installation: Installation;
      let nameserver: Nameserver;
      let secondary: RunningProcess;

      beforeAll(async () => {
        ports = { primary: await freePort(), secondary: await freePort() };
        installation = makeInstallation({
          directory,
          dnsPort: ports.secondary,
          adapt: (path, text) => {
            const adapted = adapt(path, text, ports);
            const rundir = `    rundir: ${join(directory, 'run/knot')}\n`;
            return path.startsWith('deploy/knot/') ? adapted.replace('    user: knot:knot\n', rundir) : adapted;
          },
        });
        // scp and ssh copy and run on this machine.
        installation.write('/shims/scp', '#!/bin/sh\ncp "$1" "$(echo "$2" | cut -d: -f2)"\n');
        installation.write('/shims/ssh', '#!/bin/sh\nsh -e -c "$2"\n');
        for (const shim of ['scp', 'ssh']) chmodSync(installation.path(`/shims/${shim}`), 0o755);
        const [command, args] = await BROUGHT[kind](installation, ports.secondary);
        await run(installation, 'key');
        await run(installation, kind);
        nameserver = await startPrimary();
        secondary = await startProcess({
          command,
          args,
          cwd: directory,
          ready: async () => (await serial(ports.secondary)) !== undefined,
        });
      });
      afterAll(async () => {
        await secondary?.stop();
        await nameserver?.close();
        removeNow(directory);
      });

      async function startPrimary(): Promise<Nameserver> {
        const [, block = ''] = /^```yaml\n([\s\S]*?)^```$/m.exec(readFileSync(join(REPOSITORY, PAGE), 'utf8'))!;
        chmodSync(installation.write('/etc/dyndns/secret', 'aSecretOfTests1\n'), 0o600);
        installation.write('/var/lib/dyndns/.keep', '');
        const text = block
          .replace("'192.0.2.1:53'", `'127.0.0.1:${ports.primary}'`)
          .replace("'192.0.2.53'", `'127.0.0.1:${ports.secondary}'`);
        const { config } = loadConfig(installation.write('/etc/dyndns.yml', text), {});
        expect(config.warnings).toEqual([]);
        const observer = {
          batchPublished: () => undefined,
          requestAnswered: () => undefined,
          dnsUpdateAnswered: () => undefined,
          warn: () => undefined,
        };
        const opened = (await openZones(config, observer)).nameserver!;
        await opened.listen([{ host: '127.0.0.1', port: ports.primary }], false);
        return opened;
      }

      async function serial(port: number): Promise<number | undefined> {
        const reply = await dig({ host: '127.0.0.1', port }, [ZONE.toString(), 'SOA', '+norecurse']);
        return reply.flags.includes('aa') ? Number(reply.short[0]?.split(' ')[2]) : undefined;
      }

      it('the secondary has the zone, and follows a change within seconds', async () => {
        const ownerName = DomainName.parse('home', ZONE);
        const rrset = { ownerName, type: RRType.A, ttl: 60, rdatas: [{ kind: 'A' as const, address: '192.0.2.7' }] };
        const edits = [{ kind: 'replace-rrset' as const, rrset }];
        const deadline = performance.now() + 5000;
        await nameserver.publisher(ZONE).publish({ zone: ZONE, ownerName, prerequisites: [], edits }, deadline);
        await waitUntil(`${kind} to follow`, async () => {
          const { short } = await dig({ host: '127.0.0.1', port: ports.secondary }, [ownerName.toString(), 'A']);
          return short[0] === '192.0.2.7';
        });
        const newest = await serial(ports.primary);
        await waitUntil('its acknowledgement', () => nameserver.secondaries[0]?.acknowledged?.serial === newest);
        expect(nameserver.secondaries).toMatchObject([{ failures: 0, problem: undefined }]);
      });

      it('the verification of the page shows it', async () => {
        const printed = await run(installation, 'prove');
        expect(printed).toMatch(/flags: qr aa/);
        expect(printed).toMatch(
          new RegExp(`SOA\\s+ns1\\.example\\.net\\. hostmaster\\.\\S+ ${await serial(ports.primary)} `),
        );
      });

      it('without the key neither dyndns nor the secondary transfers the zone', async () => {
        for (const port of [ports.primary, ports.secondary]) {
          expect((await dig({ host: '127.0.0.1', port }, [ZONE.toString(), 'AXFR'])).answers).toEqual([]);
        }
      });
    },
  );
}
