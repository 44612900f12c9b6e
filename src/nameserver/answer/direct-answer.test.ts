/** Direct answers and denials have the octets of those that are made the long way, and so have the verdicts of the rate limit. */
import { expect, it } from 'vitest';
import { seededRandom } from '../../../test/differential/random.ts';
import { editedZone } from '../../../test/support/edited-zone.ts';
import { rawMessage, rawOpt, rawQuestion } from '../../../test/support/raw-message.ts';
import { newSigningKey, signedZone } from '../../../test/support/signed-zone.ts';
import { DomainName } from '../../dns/name.ts';
import { type Rdata, RRType } from '../../dns/rdata.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import { ZoneVersion } from '../zone/zone-version.ts';
import type { AnswerableZone } from './answerable.ts';
import { cookieAnswers } from './cookie-answers.ts';
import { DirectAnswers } from './direct-answer.ts';
import { DirectDenials } from './direct-denial.ts';
import type { DnsPeer } from './dns-service.ts';
import { RateLimiter } from './rate-limit.ts';
import { NameserverService } from './service.ts';

const random = seededRandom(31);
const SRV = 33;
const HINFO = 13;
const octetsOf = (text: string): Rdata => ({ kind: 'unknown', octets: Buffer.from(text, 'latin1') });
const addresses = Array.from({ length: 40 }, (_, i): Rdata => ({ kind: 'A', address: `192.0.2.${i}` }));

function zoneOf(apex: string, hasCut: boolean, chain?: 'nsec' | 'nsec3', hasWildcard = true) {
  const at = (label: string) => DomainName.parse(label, DomainName.parse(apex));
  const add = (label: string, type: number, rdatas: readonly Rdata[], ttl = 0x8000_0001): ZoneEdit => {
    return { kind: 'add-to-rrset', rrset: { ownerName: at(label), type, ttl, rdatas } };
  };
  const edits = [
    add('host', RRType.A, addresses.slice(0, 1)),
    add('host', RRType.AAAA, [{ kind: 'AAAA', address: '2001:db8::1' }]),
    add('host', HINFO, [octetsOf('\x01a\x01b')]),
    add('HOST.deep', RRType.A, addresses.slice(0, 3), 60),
    add('many', RRType.A, addresses),
    add('txt', RRType.TXT, [octetsOf(`\xff${'x'.repeat(255)}`), octetsOf('\x00')]),
    add(
      'large',
      RRType.TXT,
      Array.from({ length: 80 }, (_, i) => octetsOf(`\xff${'y'.repeat(254)}${String.fromCharCode(i)}`)),
    ),
    add('mail', RRType.MX, [octetsOf(`\x00\x0a${at('host').wireText}`)]),
    add('alias', RRType.CNAME, [octetsOf(at('host').wireText)]),
    add('_s._tcp', SRV, [octetsOf(`\x00\x01\x00\x02\x00\x35${at('host').wireText}`)]),
    ...(hasWildcard ? [add('*', RRType.A, addresses.slice(0, 1))] : [add('*.wild', RRType.A, addresses.slice(0, 1))]),
    add('ns1', RRType.A, addresses.slice(0, 1)),
    add('a.HostMaster', RRType.A, addresses.slice(0, 1)),
    add('signed', RRType.DS, [octetsOf('\x00\x01\x08\x02'.padEnd(36, 'd'))]),
    ...(hasCut ? [add('below', RRType.NS, [octetsOf(at('host').wireText)])] : []),
  ];
  if (chain === undefined) return editedZone(apex, { edits });
  const keys = [newSigningKey(DomainName.parse(apex)), newSigningKey(DomainName.parse(apex), 'ed25519')];
  return signedZone(apex, { chain, keys: chain === 'nsec3' && hasWildcard ? keys : keys.slice(0, 1) }, { edits });
}

const zones = [
  zoneOf('dyn.example.com', false),
  zoneOf('example.com', false),
  zoneOf('cut.example.net', true),
  zoneOf('Three.example.net', false, 'nsec3'),
  zoneOf('one.example.net', false, 'nsec'),
  zoneOf('Plain.example.net', false, 'nsec3', false),
];
/** Owner names of NSEC3 records. */
const hashed = [3, 5]
  .flatMap((at) => [...zones[at]!.published.nodes.values()])
  .map(({ key }) => key)
  .filter((key) => key.charCodeAt(0) === 32)
  .map((key) => key.slice(1, 33));
const withheld: AnswerableZone = { apex: DomainName.parse('withheld.example.net'), published: undefined };
/** The same zones, whose names are not packed: nothing is answered directly. */
const unpacked = zones.map(({ apex, published, order }): AnswerableZone => {
  return { apex, published: new ZoneVersion(apex, published.nodes.layer(), published.cuts), order };
});

function service(answered: readonly AnswerableZone[], perSecond: number, counted: number[]) {
  const index = new Map([...answered, withheld].map((zone) => [zone.apex.key, zone]));
  let nowMs = 0;
  return new NameserverService({
    zones: index,
    findKey: () => undefined,
    now: () => 1_700_000_000,
    cookies: cookieAnswers(() => Buffer.alloc(16)),
    limiter:
      perSecond === 0
        ? undefined
        : new RateLimiter({
            responsesPerSecond: perSecond,
            allPerSecond: 200,
            slip: 2,
            exempt: [],
            key: Buffer.alloc(16),
            now: () => (nowMs += 5),
          }),
    nsid: 'ns1',
    chaosVersion: undefined,
    tcpIdleSeconds: 12,
    tsigFudgeMax: 300,
    onReply: (rcode, overTcp) => counted.push(overTcp ? rcode + 100 : rcode),
    update: () => Promise.resolve(5),
    transfer: async function* () {},
  });
}

const USUAL = {
  labels: [
    ...['host', 'HoSt', 'host.DEEP', 'many', 'txt', '_s._tcp'],
    ...['host', 'HoSt', 'host.DEEP', 'many', 'txt', 'large', '_s._tcp', 'nothing'],
    ...['x.host', 'y.Z.host', 'other.deep', 'deep', '_tcp', 'x.wild', 'wild', 'a.x.nothing', 'x.ns1', 'hostmaster'],
    ...['x.hostmaster', 'a.hostmaster', 'ns1', 'x.a.HostMaster', '@'],
  ],
  apexes: [
    'dyn.example.com',
    'DYN.example.com',
    'example.com',
    'three.example.net',
    'three.EXAMPLE.net',
    'one.example.net',
    // Denials are direct only in the letter case of the zone.
    ...['Plain.example.net', 'Plain.example.net', 'Three.example.net', 'plain.example.net'],
  ],
  types: [RRType.A, RRType.AAAA, RRType.TXT, SRV, HINFO],
};
const ALL = {
  labels: [
    ...USUAL.labels,
    'mail',
    'alias',
    'signed',
    'a.below',
    ...hashed.map((label) => (random.chance(0.5) ? label : `x.${label}`)),
  ],
  apexes: [...USUAL.apexes, 'cut.example.net', 'withheld.example.net', 'com'],
  types: [...USUAL.types, 2, 5, 6, 15, 41, 43, 46, 47, 48, 50, 51, 99, 252, 255, 256, 65_281],
};

function randomQuery(): Buffer {
  const { labels, apexes, types } = random.chance(0.8) ? USUAL : ALL;
  const label = random.pick(labels);
  const apex = random.pick(apexes);
  const type = random.pick(types);
  const message = rawMessage({
    questions: [
      rawQuestion(
        label === '@' ? apex : `${label}.${apex}`,
        type,
        random.chance(0.03) ? random.pick([3, 255, 0x101]) : 1,
      ),
    ],
    additional: random.chance(0.6)
      ? [
          rawOpt(random.chance(0.1) ? [[3, '']] : [], {
            size: random.pick([0, 512, 700, 1232, 4096]),
            version: random.chance(0.03) ? 1 : 0,
          }),
        ]
      : [],
    tail: random.chance(0.03) ? '00' : '',
  });
  message.writeUInt16BE(random.below(65_536), 0);
  // RD, CD, AD, and now and then any other bit.
  message[2] = random.chance(0.9) ? random.below(2) : random.below(256);
  message[3] = random.pick([0, 0x10, 0x20, 0x30, 0xff]);
  if (message[11] === 1 && random.chance(0.5)) message[message.length - 4] = 0x80;
  if (random.chance(0.05)) message[random.below(message.length)] = random.below(256);
  return random.chance(0.02) ? message.subarray(0, 12 + random.below(message.length - 12)) : message;
}

it.each([0, 3])('gives the same replies, counts and verdicts, with a limit of %d a second', async (perSecond) => {
  const counted: [number[], number[]] = [[], []];
  const [packed, other] = [service(zones, perSecond, counted[0]), service(unpacked, perSecond, counted[1])];
  const [direct, denials] = [new DirectAnswers(zones), new DirectDenials(zones)];
  let directly = 0;
  let denied = 0;
  const lengths = new Set<number>();
  for (let i = 0; i < 80_000; i++) {
    const query = randomQuery();
    const peer: DnsPeer = { address: random.pick(['192.0.2.1', '198.51.100.7', '2001:db8::1']), port: 53 };
    const overTcp = random.chance(0.3);
    const answer = async (one: NameserverService) => {
      const reply = await (overTcp ? one.answerStream(query, peer) : one.answerDatagram(query, peer));
      return reply instanceof Uint8Array ? Buffer.from(reply).toString('hex') : `${typeof reply}`;
    };
    if (direct.find(query, overTcp) > 0) directly += 1;
    else if (denials.find(query, overTcp) > 0) denied += 1;
    const [a, b] = [await answer(packed), await answer(other)];
    if (a !== b) expect([query.toString('hex'), overTcp, a]).toEqual([query.toString('hex'), overTcp, b]);
    lengths.add(a.length);
  }
  expect(counted[0]).toEqual(counted[1]);
  // Otherwise nothing was compared.
  expect(directly).toBeGreaterThan(5_000);
  expect(denied).toBeGreaterThan(2_000);
  expect(lengths.size).toBeGreaterThan(40);
});
