/**
 * A signed zone of our nameserver as others see it: a validator, and BIND, Knot and NSD as secondaries that take each change by IXFR
 * and have a zone that dnssec-verify accepts.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { dig, type ServerAddress } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { freePort } from '../support/free-port.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runOrThrow, runProgram, waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { SECONDARY_KINDS, SECONDARY_PROGRAMS, type SecondaryServer, startSecondary } from '../support/secondary.ts';

const ZONE = 'signed.example.com';
const KEY = { name: ZONE, algorithm: 'hmac-sha512', secret: 'bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2g=' };
const CHANGES = 60;
const VERIFY_EVERY = 20;

/** The secondaries do not transfer the zone further as they are in deploy/. */
const allowTransfer = (text: string) =>
  text
    .replace('allow-transfer { none; }', `allow-transfer { key "${KEY.name}"; }`)
    .replace('action: notify', 'action: [notify, transfer]')
    .replace(/^( *)request-xfr:.*$/m, `$&\n$1provide-xfr: 127.0.0.1 ${KEY.name}`);

/** The zone as a server transfers it, one record a line, sorted. */
async function transferred({ port }: ServerAddress): Promise<readonly string[]> {
  const key = `hmac-sha512:${KEY.name}:${KEY.secret}`;
  const text = await runOrThrow('dig', ['@127.0.0.1', '-p', `${port}`, '+noall', '+answer', '-y', key, ZONE, 'AXFR']);
  const lines = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(';') && !line.includes('\tTSIG\t'))
    .map((line) => line.replace(/\s+/g, ' ').toLowerCase());
  return [...new Set(lines)].sort();
}

async function verify(server: ServerAddress): Promise<void> {
  const directory = freshDirectory('signed-zone');
  const key = `hmac-sha512:${KEY.name}:${KEY.secret}`;
  const text = await runOrThrow('dig', [
    ...['@127.0.0.1', '-p', `${server.port}`, '+noall', '+answer', '+onesoa'],
    ...['-y', key, ZONE, 'AXFR'],
  ]);
  const file = join(directory, 'zone');
  writeFileSync(file, text.replace(/^.*\tTSIG\t.*$/gm, ''));
  await runOrThrow('dnssec-verify', ['-z', '-o', ZONE, file]);
  removeNow(directory);
}

describeWith(
  [...BIND_PROGRAMS, ...SECONDARY_PROGRAMS, { command: 'delv', debianPackage: 'bind9-dnsutils' }],
  'a signed zone',
  () => {
    const servers: (EmbeddedServer | SecondaryServer)[] = [];
    afterEach(async () => {
      await Promise.all(servers.splice(0).map((server) => server.stop()));
    });

    it.each(SECONDARY_KINDS)(
      'is on %s as it is here after each of many random changes, by IXFR, and verifies',
      async (kind) => {
        const port = await freePort();
        const primary = await startEmbedded({
          zone: ZONE,
          keys: [KEY],
          secondaries: [{ address: `127.0.0.1:${port}`, key: KEY.name }],
          zoneOptions: { dnssec: true },
        });
        servers.push(primary);
        const secondary = await startSecondary(kind, { zone: ZONE, key: KEY, primary, port, configure: allowTransfer });
        servers.push(secondary);
        let state = 18;
        const below = (limit: number) => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          return (state >>> 8) % limit;
        };
        const name = () => ['a', 'b', 'c.b', 'd.c.b', '*.b', 'sub', 'ns.sub', 'x.y.z'][below(8)]!;
        for (let change = 1; change <= CHANGES; change++) {
          const lines = Array.from({ length: 1 + below(3) }, () => {
            const owner = `${name()}.${ZONE}`;
            if (below(3) === 0) return `update delete ${owner}`;
            if (owner.startsWith('sub.') && below(2) === 0) return `update add ${owner} 60 NS ns.sub.${ZONE}`;
            return below(2) === 0
              ? `update add ${owner} 60 TXT t${below(9)}`
              : `update add ${owner} 60 A 192.0.2.${below(250)}`;
          });
          // Some are refused: data below a delegation.
          await nsupdate(primary, KEY, ZONE, lines);
          if (change % VERIFY_EVERY !== 0) continue;
          const serial = Number((await dig(primary, [ZONE, 'SOA'])).short[0]?.split(' ')[2]);
          await waitUntil('the newest serial at the secondary', async () => (await secondary.serial()) === serial);
          expect(await transferred(secondary)).toEqual(await transferred(primary));
          await verify(secondary);
        }
      },
    );

    it('is valid for a validator: data, wildcards, what does not exist, delegations', async () => {
      const primary = await startEmbedded({
        zone: ZONE,
        keys: [KEY],
        records:
          'www IN A 192.0.2.1\n*.w IN A 192.0.2.2\na.b IN TXT x\nsub IN NS ns.sub\nns.sub IN A 192.0.2.3\nc IN CNAME www\nd IN DNAME w\n',
        zoneOptions: { dnssec: true },
      });
      servers.push(primary);
      const dnskey = (await dig(primary, [ZONE, 'DNSKEY'])).short[0]!.split(' ');
      const directory = freshDirectory('anchor');
      const anchor = join(directory, 'anchor');
      writeFileSync(
        anchor,
        `trust-anchors { ${ZONE}. static-key ${dnskey.slice(0, 3).join(' ')} "${dnskey.slice(3).join('')}"; };\n`,
      );
      const cases: readonly (readonly [string, string, RegExp])[] = [
        ['www', 'A', /^; fully validated\n.*192\.0\.2\.1/],
        ['c', 'A', /^; fully validated\n[\s\S]*192\.0\.2\.1/],
        ['any.w', 'A', /^; fully validated\n.*192\.0\.2\.2/],
        ['any.w', 'AAAA', /^; negative response, fully validated/m],
        ['x.d', 'A', /^; fully validated\n[\s\S]*192\.0\.2\.2/],
        ['none', 'A', /ncache nxdomain\n; negative response, fully validated/],
        ['x.y.none', 'A', /ncache nxdomain\n; negative response, fully validated/],
        ['www', 'MX', /ncache nxrrset\n; negative response, fully validated/],
        ['b', 'TXT', /ncache nxrrset\n; negative response, fully validated/],
        ['sub', 'DS', /ncache nxrrset\n; negative response, fully validated/],
      ];
      for (const [label, type, expected] of cases) {
        const at = ['@127.0.0.1', '-p', `${primary.port}`, '-a', anchor, `+root=${ZONE}`];
        const { stdout, stderr } = await runProgram('delv', [...at, `${label}.${ZONE}`, type]);
        expect(`${stderr}${stdout}`, `${label} ${type}`).toMatch(expected);
      }
      removeNow(directory);
    });
  },
);
