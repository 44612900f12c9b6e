/** Refusals of Knot and PowerDNS, and the advice to the operator. Those of BIND are in faults.test.ts. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { makeTsigKey, type TsigAlgorithm } from '../../src/dns/tsig-key.ts';
import { TcpExchanger } from '../../src/net/tcp.ts';
import { PrimaryPublisher } from '../../src/primary/publisher.ts';
import { AddressUpdates } from '../support/address-updates.ts';
import { startBind } from '../support/bind.ts';
import { startKnot } from '../support/knot.ts';
import { startPowerdns } from '../support/powerdns.ts';
import type { PrimaryServer } from '../support/primary-server.ts';
import { BIND_PROGRAMS, describeWith, KNOT_PROGRAMS, POWERDNS_PROGRAMS } from '../support/require-server.ts';
import { wantedOf } from '../support/wanted-addresses.ts';

const ZONE = 'dyndns.example.com';
const CLOSED = 'closed.example.com';
const SECRET = Buffer.alloc(64, 'not a secret');
const key = (name: string, algorithm = 'hmac-sha512') => ({ name, algorithm, secret: SECRET.toString('base64') });

interface Setting {
  readonly zone?: string;
  readonly keyName?: string;
  readonly algorithm?: TsigAlgorithm;
  readonly secret?: Buffer;
  readonly clockOffset?: number;
}

/** `published`, or the code and message of the failure. */
async function outcome(server: PrimaryServer, setting: Setting): Promise<string> {
  const { zone = ZONE, keyName = ZONE, algorithm = 'hmac-sha512', secret = SECRET, clockOffset = 0 } = setting;
  const apex = DomainName.parse(zone);
  const publisher = new PrimaryPublisher({
    zone: apex,
    endpoint: server,
    key: makeTsigKey(DomainName.parse(keyName), algorithm, secret),
    signedReads: false,
    reads: new TcpExchanger(server),
    updates: new TcpExchanger(server),
    now: () => Math.floor(Date.now() / 1000) + clockOffset,
  });
  const rules = {
    apexAllowed: false,
    wildcardAllowed: false,
    reserved: new Set<string>(),
    emptyValue: 'keep',
  } as const;
  const target = { apex, publisher, ttl: {}, ...rules, addresses: { allow: [], deny: [] } };
  const request = { zone: target, ownerName: DomainName.parse('home', apex), fallbackTtl: 60 };
  try {
    await new AddressUpdates({ timeoutMs: 3000, maxWaiting: 1 }).run({
      ...request,
      wanted: wantedOf({ A: '192.0.2.1' }),
    });
    return 'published';
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  } finally {
    publisher.close();
  }
}

const NOT_SIGNED = /^primary-refused: .*REFUSED.* not signed.*name of the key, its secret and its algorithm.*clocks/;

const SETTINGS: readonly [string, Setting, { knot: RegExp; powerdns: RegExp }][] = [
  ['all is right', {}, { knot: /^published$/, powerdns: /^published$/ }],
  [
    'the zone and the key are written in another case',
    { zone: 'DynDNS.Example.COM', keyName: 'DYNDNS.example.com' },
    { knot: /^published$/, powerdns: /^published$/ },
  ],
  ['another key name', { keyName: 'other' }, { knot: /^primary-key-rejected: .*BADKEY/, powerdns: NOT_SIGNED }],
  [
    'another algorithm',
    { algorithm: 'hmac-sha256' },
    { knot: /^primary-key-rejected: .*hmac-sha256 \(BADKEY/, powerdns: NOT_SIGNED },
  ],
  ['another secret', { secret: Buffer.from('x') }, { knot: /^primary-key-rejected: .*BADSIG/, powerdns: NOT_SIGNED }],
  [
    'another time',
    { clockOffset: 1000 },
    { knot: /^primary-key-rejected: .*BADTIME\): ours is \d+ s ahead/, powerdns: NOT_SIGNED },
  ],
  [
    'a key that may not change the zone',
    { zone: CLOSED },
    {
      knot: /^primary-key-rejected: .*BADKEY.*Knot.*acl/,
      powerdns: /^primary-refused: .*REFUSED.*TSIG-ALLOW-DNSUPDATE/,
    },
  ],
  [
    'a zone that is not there',
    { zone: 'nowhere.example.net' },
    {
      knot: /^primary-refused: .*REFUSED.*is not served there/,
      powerdns: /^primary-refused: .*REFUSED.*is not served there/,
    },
  ],
  [
    'a name of the zone that is no zone',
    { zone: `sub.${ZONE}` },
    { knot: /^primary-refused: .*NOTAUTH.*not the primary/, powerdns: /^primary-refused: .*NOTAUTH.*not the primary/ },
  ],
];

for (const [title, programs, start, column] of [
  ['Knot', KNOT_PROGRAMS, startKnot, 'knot'],
  ['PowerDNS', POWERDNS_PROGRAMS, startPowerdns, 'powerdns'],
] as const) {
  describeWith(programs, `the error of ${title} for`, () => {
    let server: PrimaryServer;
    beforeAll(async () => {
      const zones = [
        { name: ZONE, keys: [ZONE] },
        { name: CLOSED, keys: ['second'] },
      ];
      server = await start({ zones, keys: [key(ZONE), key('second')] });
    }, 30_000);
    afterAll(() => server?.stop());

    it.each(SETTINGS)('%s', async (_, setting, expected) => {
      expect(await outcome(server, setting)).toMatch(expected[column]);
    });
  });
}

describeWith(BIND_PROGRAMS, 'a key of BIND with the algorithm hmac-sha256-128', () => {
  it('is hmac-sha256 for us: it is not the algorithm of that name in RFC 8945 §6', async () => {
    const bind = await startBind({ zones: [{ name: ZONE }], keys: [key(ZONE, 'hmac-sha256-128')] });
    try {
      expect(await outcome(bind, { algorithm: 'hmac-sha256' })).toBe('published');
      expect(await outcome(bind, { algorithm: 'hmac-sha256-128' })).toMatch(/BADKEY/);
    } finally {
      await bind.stop();
    }
  }, 30_000);
});
