/**
 * What the tests with real clients cannot see: that the fast path of queries and the decoded one give the same replies, and
 * which replies the rate limit counts.
 */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../test/differential/random.ts';
import { editedZone } from '../../../test/support/edited-zone.ts';
import { type RawOption, rawMessage, rawName, rawOpt, rawQuestion, rawSoa } from '../../../test/support/raw-message.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { ClientTransaction } from '../../dns/tsig.ts';
import { makeTsigKey } from '../../dns/tsig-key.ts';
import { findEdns, fullRcode } from '../../dns/wire/edns.ts';
import { decodeMessage, formatRcode, Opcode } from '../../dns/wire/message.ts';
import { cookieAnswers } from './cookie-answers.ts';
import { readQuery } from './query.ts';
import { RateLimiter } from './rate-limit.ts';
import { requestEdns } from './request-edns.ts';
import { NameserverService, type ServiceOptions } from './service.ts';

const APEX = 'dyn.example.com';
const NOW = 1_700_000_000;
const PEER = { address: '192.0.2.1', port: 5353 };
const KEY = makeTsigKey(DomainName.parse('a.key'), 'hmac-sha256', Buffer.alloc(32, 1));
const COOKIE: RawOption = [10, '0123456789abcdef'];

const at = (label: string) => DomainName.parse(label, DomainName.parse(APEX));
const zone = editedZone(APEX, {
  edits: [
    {
      kind: 'add-to-rrset',
      rrset: { ownerName: at('host'), type: RRType.A, ttl: 60, rdatas: [{ kind: 'A', address: '192.0.2.1' }] },
    },
  ],
});

function service(more: Partial<ServiceOptions> = {}): NameserverService {
  return new NameserverService({
    zones: new Map([[zone.apex.key, zone]]),
    findKey: (name) => (name.equals(KEY.keyName) ? KEY : undefined),
    now: () => NOW,
    cookies: cookieAnswers(() => Buffer.alloc(16)),
    limiter: undefined,
    nsid: 'ns1 ü',
    chaosVersion: undefined,
    tcpIdleSeconds: 12,
    tsigFudgeMax: 300,
    update: () => Promise.resolve(5),
    transfer: async function* ({ octets, opt }) {
      const options = opt(zone.published.soa.rdatas[0])?.rdata;
      yield Buffer.concat([octets.subarray(0, 12), options?.kind === 'unknown' ? options.octets : Buffer.alloc(0)]);
    },
    ...more,
  });
}

/** RCODE and options of a reply; the content of a cookie is left out. */
function form(reply: Uint8Array | undefined): string {
  if (reply === undefined) return 'no reply';
  const message = decodeMessage(reply);
  const options = (findEdns(message)?.options ?? []).map(({ code, octets }) => {
    return code === 10 ? '10' : `${code}=${Buffer.from(octets).toString('hex')}`;
  });
  return [formatRcode(fullRcode(message)), ...options, ...(message.truncated ? ['tc'] : [])].join(' ');
}

const udp = async (one: NameserverService, octets: Uint8Array) => form(await one.answerDatagram(octets, PEER));
const tcp = async (one: NameserverService, octets: Uint8Array) =>
  form(await (one.answerStream(octets, PEER) as Promise<Uint8Array | undefined>));

const query = (options: readonly RawOption[], name = `host.${APEX}`, qtype: number = RRType.A) =>
  rawMessage({ questions: [rawQuestion(name, qtype)], additional: [rawOpt(options)] });

describe('the fast path and the decoded one', () => {
  const random = seededRandom(12);
  const octets = (length: number) => Buffer.from(Array.from({ length }, () => random.below(256))).toString('hex');
  const randomOption = (): RawOption => {
    if (random.chance(0.3))
      return random.pick([COOKIE, [3, ''], [9, ''], [11, ''], [8, '00011800c00002'], [14, 'abcd']]);
    return [random.below(20), octets(random.pick([0, 1, 2, 4, 7, 8, 16, 24, 40, 41]))];
  };
  /** The same query twice. A compressed owner name of OPT is valid, but not read by the fast path. */
  const pair = () => {
    const name = random.pick([`host.${APEX}`, `HOST.${APEX}`, APEX, `missing.${APEX}`, 'example.net']);
    const question = rawQuestion(name, random.pick([RRType.A, RRType.SOA, RRType.ANY, RRType.OPT, 254]));
    const root = `c0${(12 + rawName(name).length / 2 - 1).toString(16).padStart(2, '0')}`;
    const options = Array.from({ length: random.below(4) }, randomOption);
    const tail = random.chance(0.05) ? octets(1 + random.below(6)) : '';
    const fields = { version: random.chance(0.05) ? 1 : 0, size: random.pick([0, 512, 1232, 4096]), tail };
    return ['00', root].map((owner) => {
      return rawMessage({ questions: [question], additional: [rawOpt(options, { ...fields, owner })] });
    });
  };

  it('give the same reply, octet for octet, signed or not', async () => {
    const one = service();
    let fast = 0;
    for (let i = 0; i < 10_000; i++) {
      const [plain, compressed] = pair() as [Buffer, Buffer];
      if (readQuery(plain) !== undefined) fast += 1;
      if (readQuery(compressed) !== undefined) throw new Error('the fast path read a compressed name');
      for (const overTcp of [false, true]) {
        const answer = (message: Uint8Array) =>
          (overTcp ? one.answerStream(message, PEER) : one.answerDatagram(message, PEER)) as Uint8Array;
        const hex = Buffer.from(answer(plain)).toString('hex');
        const other = Buffer.from(answer(compressed)).toString('hex');
        if (other !== hex) expect([plain.toString('hex'), other]).toEqual([plain.toString('hex'), hex]);
        if (!overTcp || i % 10 > 0) continue;
        const signed = Buffer.from(answer(new ClientTransaction(KEY).sign(plain, NOW)));
        const { tsigOffset } = decodeMessage(signed);
        // A message that cannot be decoded gets an unsigned reply.
        if (tsigOffset !== undefined) signed.writeUInt16BE(signed.readUInt16BE(10) - 1, 10);
        expect(signed.subarray(0, tsigOffset).toString('hex')).toBe(hex);
      }
    }
    expect(fast).toBeGreaterThan(9_000);
  });

  it('read the same from an OPT record', () => {
    for (let i = 0; i < 2_000; i++) {
      const [plain] = pair() as [Buffer, Buffer];
      const found = readQuery(plain);
      if (found === undefined) expect(() => decodeMessage(plain)).toThrow();
      else expect({ ...requestEdns(decodeMessage(plain)) }).toEqual({ ...found.edns });
    }
  });
});

describe('the options of a reply', () => {
  const NSID = `3=${Buffer.from('ns1 ü').toString('hex')}`;
  const options = [[3, ''], COOKIE, [11, '']] as const;
  const all = (fields: Parameters<typeof rawMessage>[0]) => rawMessage({ additional: [rawOpt(options)], ...fields });
  const question = rawQuestion(`host.${APEX}`, RRType.A);

  it.each([
    ['NOERROR', all({ questions: [question] })],
    ['NXDOMAIN', all({ questions: [rawQuestion(`missing.${APEX}`, RRType.A)] })],
    ['REFUSED', all({ questions: [rawQuestion('example.net', RRType.A)] })],
    ['FORMERR', all({ questions: [question, question] })],
    ['NOTIMP', all({ questions: [question], opcode: Opcode.NOTIFY })],
    ['REFUSED', all({ questions: [rawQuestion(APEX, RRType.SOA)], opcode: Opcode.UPDATE })],
    ['BADVERS', all({ questions: [question], additional: [rawOpt(options, { version: 1 })] })],
    ['FORMERR', all({ questions: [question], additional: [rawOpt([...options, [8, '00']])] })],
    ['NOERROR', all({})],
  ])('%s: NSID as UTF-8, a cookie, and over TCP alone the idle time', async (rcode, octets) => {
    const one = service();
    expect(await udp(one, octets)).toBe(`${rcode} ${NSID} 10`);
    expect(await tcp(one, octets)).toBe(`${rcode} ${NSID} 10 11=0078`);
    const signed = new ClientTransaction(KEY).sign(octets, NOW);
    expect(await udp(one, signed)).toBe(`${rcode} ${NSID} 10`);
    // A key that is not known (BADKEY), and a signature from long ago (BADTIME).
    const unknown = makeTsigKey(DomainName.parse('b.key'), 'hmac-sha256', Buffer.alloc(32, 1));
    expect(await udp(one, new ClientTransaction(unknown).sign(octets, NOW))).toBe(`NOTAUTH ${NSID} 10`);
    expect(await udp(one, new ClientTransaction(KEY).sign(octets, NOW - 301))).toBe(`NOTAUTH ${NSID} 10`);
  });

  it('RFC 7314 §3: EXPIRE of the SOA, also with a transfer', async () => {
    const one = service();
    expect(await udp(one, query([[9, '']], APEX, RRType.SOA))).toBe('NOERROR 9=0036ee80');
    expect(await udp(one, query([], APEX, RRType.SOA))).toBe('NOERROR');
    expect(await udp(one, query([[9, '']], `missing.${APEX}`, RRType.SOA))).toBe('NXDOMAIN');
    expect(await udp(one, query([[9, '']], APEX, RRType.NS))).toBe('NOERROR');
    for await (const octets of one.answerStream(query([[9, '']], APEX, RRType.AXFR), PEER) as AsyncIterable<Buffer>) {
      expect(octets.subarray(12).toString('hex')).toBe('000900040036ee80');
    }
  });

  it('RFC 7873 §5.4: without a question a valid server cookie is NOERROR, another one BADCOOKIE', async () => {
    const one = service();
    const empty = (cookie: string) => rawMessage({ additional: [rawOpt([[10, cookie]])] });
    const reply = decodeMessage((await one.answerDatagram(empty('0123456789abcdef'), PEER))!);
    const cookie = Buffer.from(findEdns(reply)!.options[0]!.octets).toString('hex');
    expect(cookie).toMatch(/^0123456789abcdef01000000/);
    expect(await udp(one, empty(cookie))).toBe('NOERROR 10');
    expect(await udp(one, empty(`${cookie.slice(0, -2)}${cookie.endsWith('00') ? '01' : '00'}`))).toBe('BADCOOKIE 10');
    expect(await udp(one, rawMessage({ additional: [rawOpt([])] }))).toBe('FORMERR');
    expect(await udp(one, rawMessage({}))).toBe('FORMERR');
  });
});

describe('the rate limit', () => {
  const limited = (more: object = {}) => {
    const limits = { responsesPerSecond: 3, allPerSecond: 0, slip: 2, exempt: [], key: Buffer.alloc(16), ...more };
    return service({ limiter: new RateLimiter({ ...limits, now: () => 0 }) });
  };
  const ixfr = (name = APEX, options?: readonly RawOption[]) =>
    rawMessage({
      questions: [rawQuestion(name, RRType.IXFR)],
      authority: [rawSoa(name)],
      additional: options ? [rawOpt(options)] : [],
    });
  /** Numbers of whole, truncated and missing replies. */
  const many = async (one: NameserverService, messages: readonly Uint8Array[]) => {
    const counts = { whole: 0, truncated: 0, none: 0 };
    for (const octets of messages) {
      const reply = await one.answerDatagram(octets, PEER);
      counts[reply === undefined ? 'none' : (reply[2]! & 2) !== 0 ? 'truncated' : 'whole'] += 1;
    }
    return counts;
  };
  const times = (count: number, octets: Uint8Array) => Array.from({ length: count }, () => octets);

  it('holds for IXFR over UDP, before any work', async () => {
    let transfers = 0;
    const transfer = async function* ({ octets }: { readonly octets: Uint8Array }) {
      transfers += 1;
      yield octets;
    };
    const one = service({
      limiter: new RateLimiter({
        responsesPerSecond: 3,
        allPerSecond: 0,
        slip: 2,
        exempt: [],
        key: Buffer.alloc(16),
        now: () => 0,
      }),
      transfer,
    });
    expect(await many(one, times(11, ixfr()))).toEqual({ whole: 3, truncated: 4, none: 4 });
    expect(transfers).toBe(3);
    expect(await many(one, times(5, new ClientTransaction(KEY).sign(ixfr(), NOW)))).toMatchObject({ whole: 5 });
  });

  it('counts IXFR of names that are no zones together', async () => {
    const names = Array.from({ length: 9 }, (_, i) => ixfr(`zone${i}.example.net`));
    expect(await many(limited({ slip: 0 }), names)).toEqual({ whole: 3, truncated: 0, none: 6 });
  });

  it('a limited IXFR has TC, its question and a cookie', async () => {
    const one = limited({ slip: 1 });
    await many(one, times(3, ixfr()));
    const reply = decodeMessage((await one.answerDatagram(ixfr(APEX, [COOKIE]), PEER))!);
    expect(form((await one.answerDatagram(ixfr(APEX, [COOKIE]), PEER))!)).toBe('NOERROR 10 tc');
    expect(reply.questions.map(({ qtype }) => qtype)).toEqual([RRType.IXFR]);
  });

  it.each([
    ['an answer', (cookie: RawOption) => query([cookie])],
    ['an error', (cookie: RawOption) => query([cookie], 'example.net')],
    ['an opcode', (cookie: RawOption) => rawMessage({ opcode: 7, additional: [rawOpt([cookie])] })],
    ['IXFR', (cookie: RawOption) => ixfr(APEX, [cookie])],
    ['an empty question', (cookie: RawOption) => rawMessage({ additional: [rawOpt([cookie])] })],
  ])('%s: does not hold with a valid cookie', async (_title, message) => {
    const one = limited({ slip: 0, allPerSecond: 3 });
    const reply = decodeMessage((await one.answerDatagram(query([COOKIE]), PEER))!);
    const valid: RawOption = [10, Buffer.from(findEdns(reply)!.options[0]!.octets).toString('hex')];
    expect(await many(one, times(9, message(valid)))).toMatchObject({ whole: 9 });
    const { whole } = await many(one, times(9, message(COOKIE)));
    expect(whole).toBeLessThanOrEqual(3);
  });

  it('all_per_second bounds answers that are all different', async () => {
    const messages = [
      ...Array.from({ length: 30 }, (_, i) => query([], `host.${APEX}`, 1_000 + i)),
      query([], APEX, RRType.SOA),
      query([], APEX, RRType.NS),
      query([], 'example.net'),
    ];
    expect(await many(limited({ slip: 0, allPerSecond: 4 }), messages)).toMatchObject({ whole: 4 });
  });
});

it('dns.tsig_fudge_max bounds the fudge of a signed request', async () => {
  const signed = (age: number) => new ClientTransaction(KEY).sign(query([]), NOW - age);
  expect(await udp(service({ tsigFudgeMax: 60 }), signed(60))).toBe('NOERROR');
  expect(await udp(service({ tsigFudgeMax: 60 }), signed(61))).toBe('NOTAUTH');
  expect(await udp(service(), signed(61))).toBe('NOERROR');
});
