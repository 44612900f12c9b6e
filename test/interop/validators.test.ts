/**
 * Our signed zone to validators that trust a test root alone: unbound and delv follow the chain from the root through the parent, with the
 * DS record that dyndns prints, to all kinds of answers. With another DS nothing of the zone is valid.
 */
import { afterEach, expect, it } from 'vitest';
import { commandsOf } from '../support/commands.ts';
import { dig } from '../support/dig.ts';
import { startEmbedded } from '../support/embedded-server.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { runProgram } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import {
  HIERARCHY_PROGRAMS,
  type HierarchyZone,
  makeChildren,
  type SignedHierarchy,
  startSignedHierarchy,
} from '../support/signed-hierarchy.ts';

const ZONE = 'chain.example.com';
const KEY = { name: ZONE, algorithm: 'hmac-sha512', secret: 'bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2g=' };
const CHILDREN: readonly HierarchyZone[] = [
  { name: `secure.${ZONE}`, isSigned: true, records: 'www A 192.0.2.11' },
  { name: `insecure.${ZONE}`, isSigned: false, records: 'www A 192.0.2.12' },
];
const RECORDS = `www IN A 192.0.2.1
*.w IN A 192.0.2.2
*.w IN TXT wild
below.deep.w IN A 192.0.2.3
a.b.ent IN TXT x
alias IN CNAME www
aliased IN CNAME any.w
lost IN CNAME nowhere
old IN DNAME w
secure IN NS ns.invalid.
insecure IN NS ns.invalid.
`;

/** What unbound and delv say of a name and type: RCODE, whether it is proven, data. */
type Case = readonly [label: string, type: string, rcode: string, isProven: boolean, data?: RegExp];
const CASES: readonly Case[] = [
  ['www', 'A', 'NOERROR', true, /192\.0\.2\.1$/],
  ['@', 'SOA', 'NOERROR', true, /hostmaster/],
  ['@', 'DNSKEY', 'NOERROR', true, /257 3 13/],
  ['@', 'CDS', 'NOERROR', true, / 13 2 /],
  ['updated', 'A', 'NOERROR', true, /192\.0\.2\.99$/],
  ['www', 'MX', 'NOERROR', true],
  ['@', 'MX', 'NOERROR', true],
  ['none', 'A', 'NXDOMAIN', true],
  ['x.y.none', 'A', 'NXDOMAIN', true],
  ['below.www', 'A', 'NXDOMAIN', true],
  ['removed', 'A', 'NXDOMAIN', true],
  ['any.w', 'A', 'NOERROR', true, /192\.0\.2\.2$/],
  ['x.any.w', 'TXT', 'NOERROR', true, /wild/],
  ['any.w', 'MX', 'NOERROR', true],
  ['*.w', 'A', 'NOERROR', true, /192\.0\.2\.2$/],
  ['deep.w', 'A', 'NOERROR', true],
  ['other.deep.w', 'A', 'NXDOMAIN', true],
  ['ent', 'A', 'NOERROR', true],
  ['b.ent', 'TXT', 'NOERROR', true],
  ['alias', 'A', 'NOERROR', true, /192\.0\.2\.1$/],
  ['alias', 'MX', 'NOERROR', true],
  ['aliased', 'A', 'NOERROR', true, /192\.0\.2\.2$/],
  ['lost', 'A', 'NXDOMAIN', true],
  ['x.old', 'A', 'NOERROR', true, /192\.0\.2\.2$/],
  ['x.old', 'MX', 'NOERROR', true],
  ['old', 'A', 'NOERROR', true],
  ['secure', 'DS', 'NOERROR', true, / 13 2 /],
  ['insecure', 'DS', 'NOERROR', true],
  ['www.secure', 'A', 'NOERROR', true, /192\.0\.2\.11$/],
  ['none.secure', 'A', 'NXDOMAIN', true],
  ['www.insecure', 'A', 'NOERROR', false, /192\.0\.2\.12$/],
  ['none.insecure', 'A', 'NXDOMAIN', false],
];
const nameOf = (label: string): string => (label === '@' ? ZONE : `${label}.${ZONE}`);

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** The zone with a delegation to each child, and the hierarchy above it. @param dsOf the DS records of the parent */
async function startChain(
  dnssec: Readonly<Record<string, unknown>>,
  dsOf = (own: string): readonly string[] => [own],
): Promise<SignedHierarchy> {
  const { directory, made } = await makeChildren(CHILDREN);
  const dsLines = made.map(({ name, ds }) => (ds === undefined ? '' : `${name}. IN DS ${ds}\n`)).join('');
  const primary = await startEmbedded({
    zone: ZONE,
    keys: [KEY],
    records: RECORDS + dsLines,
    zoneOptions: { dnssec },
  });
  stops.push(() => primary.stop());
  const updates = [`update add updated.${ZONE} 60 A 192.0.2.99`, `update add removed.${ZONE} 60 A 192.0.2.98`];
  expect(await nsupdate(primary, KEY, ZONE, updates)).toMatchObject({ code: 0 });
  expect(await nsupdate(primary, KEY, ZONE, [`update delete removed.${ZONE}`])).toMatchObject({ code: 0 });
  const { keys } = await commandsOf(primary.dyndns.configFile).json('zone', 'dnssec', ZONE);
  const ds = keys[0].ds.record.replace(/^.* DS /, '');
  const hierarchy = await startSignedHierarchy(directory, { zone: ZONE, primary, ds: dsOf(ds), children: CHILDREN });
  stops.push(() => hierarchy.stop());
  return hierarchy;
}

/** @param isProven whether delv has validated it */
async function delv({ resolver, anchorFile }: SignedHierarchy, name: string, type: string) {
  const args = [`@${resolver.host}`, '-p', `${resolver.port}`, '-a', anchorFile, '+root=.', name, type];
  const { stdout, stderr } = await runProgram('delv', args);
  const text = stdout + stderr;
  return { text, isProven: / fully validated$/m.test(text) && !/unsigned answer/.test(text) };
}

describeWith(HIERARCHY_PROGRAMS, 'a chain of trust from a test root', () => {
  it.each([
    ['NSEC3', { nsec3: true }],
    ['NSEC', { nsec3: false }],
    ['NSEC3 and Ed25519', { algorithm: 'ed25519' }],
  ] as const)('with %s, unbound and delv prove every kind of answer', { timeout: 60_000 }, async (_, dnssec) => {
    const hierarchy = await startChain(dnssec);
    const algorithm = 'algorithm' in dnssec ? '15' : '13';
    for (const [label, type, rcode, isProven, data] of CASES) {
      const expected =
        data &&
        new RegExp(
          data.source.replace(/ 13(?= 2 )|(?<=257 3 )13/, (own) =>
            label === '@' ? own.replace('13', algorithm) : own,
          ),
        );
      const reply = await dig(hierarchy.resolver, [nameOf(label), type, '+dnssec', '+timeout=5']);
      const title = `${label} ${type}: ${reply.text}\n${hierarchy.log().slice(-2000)}`;
      expect([reply.rcode, reply.flags.includes('ad')], title).toEqual([rcode, isProven]);
      const answered = reply.answers.filter((record) => record.type === type).map(({ rdata }) => rdata);
      if (expected === undefined) expect(answered, title).toEqual([]);
      else expect(answered.join('\n'), title).toMatch(expected);
      const second = await delv(hierarchy, nameOf(label), type);
      expect(second.isProven, `delv, ${label} ${type}: ${second.text}`).toBe(isProven);
    }
  });

  it('with the DS of another key, nothing of the zone is valid, and the rest of the parent is', async () => {
    const another = (own: string) => [own.replace(/^\d+/, (tag) => `${(Number(tag) + 1) % 65_536}`)];
    const hierarchy = await startChain({}, another);
    for (const [label, type] of [
      ['www', 'A'],
      ['none', 'A'],
      ['www.secure', 'A'],
    ] as const) {
      // biome-ignore format: short
      const reply = await dig(hierarchy.resolver, [nameOf(label), type, '+timeout=5']);
      expect([reply.rcode, reply.answers], label).toEqual(['SERVFAIL', []]);
      expect((await delv(hierarchy, nameOf(label), type)).isProven).toBe(false);
    }
    const parent = await dig(hierarchy.resolver, ['www.example.com', 'A']);
    expect([parent.rcode, parent.flags.includes('ad')]).toEqual(['NOERROR', true]);
  });

  it('without a DS the zone is insecure, and resolves', async () => {
    const hierarchy = await startChain({}, () => []);
    const reply = await dig(hierarchy.resolver, [nameOf('www'), 'A', '+timeout=5']);
    expect([reply.rcode, reply.flags.includes('ad'), reply.short]).toEqual(['NOERROR', false, ['192.0.2.1']]);
  });
});
