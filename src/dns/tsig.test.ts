/**
 * TSIG (RFC 8945) against messages recorded between dig, kdig, nsupdate and named, knotd (test/vectors/tsig.hex), and
 * against MACs that are computed here from RFC 8945 §4.3 and §5.3.1.
 */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { DomainName } from './name.ts';
import { RRClass, RRType, type TsigRdata } from './rdata.ts';
import {
  ClientTransaction,
  checkRequest,
  type ServerCheck,
  ServerTransaction,
  TsigError,
  TsigErrorCode,
  type TsigFailure,
} from './tsig.ts';
import { makeTsigKey, TSIG_ALGORITHMS, type TsigAlgorithm, type TsigKey } from './tsig-key.ts';
import { decodeMessage, encodeMessage, encodeRecord, makeMessage, Rcode } from './wire/message.ts';
import { WireError } from './wire/reader.ts';
import { WireWriter } from './wire/writer.ts';

const SECRET = Buffer.from('not a secret');
const ALGORITHMS = Object.keys(TSIG_ALGORITHMS) as TsigAlgorithm[];
const NOW = 1_700_000_000;

function keyNamed(name: string, algorithm: TsigAlgorithm = 'hmac-sha256', secret: Uint8Array = SECRET): TsigKey {
  return makeTsigKey(DomainName.parse(name), algorithm, secret);
}

const KEY = keyNamed('key.example.com');

/** The recorded message with a label. */
function recorded(label: string): Buffer {
  const text = readFileSync(new URL('../../test/vectors/tsig.hex', import.meta.url), 'utf8');
  const block = text.split(/\n(?=\S)/).find((candidate) => candidate.startsWith(`${label}\n`));
  if (block === undefined) throw new Error(`no message is recorded as '${label}'`);
  return Buffer.from(block.slice(label.length).replace(/\s+/g, ''), 'hex');
}

function tsigIn(octets: Uint8Array): TsigRdata {
  const rdata = decodeMessage(octets).additional.at(-1)?.rdata;
  if (rdata?.kind !== 'TSIG') throw new Error('no TSIG record');
  return rdata;
}

/** A message as it was before it was signed. */
function bare(octets: Uint8Array): Buffer {
  const copy = Buffer.from(octets.subarray(0, decodeMessage(octets).tsigOffset));
  copy.writeUInt16BE(copy.readUInt16BE(10) - 1, 10);
  return copy;
}

function request(id = 7): Buffer {
  const questions = [{ qname: DomainName.parse('example.com'), qtype: RRType.SOA, qclass: RRClass.IN }];
  return encodeMessage(makeMessage({ id, questions }));
}

function response(id = 7, rcode = 0): Buffer {
  const octets = request(id);
  octets[2]! |= 0x80;
  octets[3]! |= rcode;
  return octets;
}

function check(octets: Uint8Array, key: TsigKey = KEY, now = NOW): ServerCheck {
  return checkRequest(octets, decodeMessage(octets), (name) => (name.equals(key.keyName) ? key : undefined), now);
}

function failureOf(act: () => void): TsigFailure | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof TsigError) return error.failure;
    throw error;
  }
}

/** The answer to a rejected request, as a server sends it. */
function rejection(found: ServerCheck): Buffer {
  if (found.kind !== 'rejected' || found.transaction === undefined) throw new Error(`not rejected: ${found.kind}`);
  return found.transaction.sign(response(7, found.rcode), NOW);
}

/** Appends a TSIG record with any fields. */
function withRecord(octets: Uint8Array, key: TsigKey, fields: Partial<TsigRdata>): Buffer {
  const writer = new WireWriter();
  writer.bytes(octets);
  encodeRecord(writer, {
    ownerName: key.keyName,
    type: RRType.TSIG,
    class: RRClass.ANY,
    ttl: 0,
    rdata: {
      kind: 'TSIG',
      algorithm: TSIG_ALGORITHMS[key.algorithm].wireName,
      timeSigned: NOW,
      fudgeSeconds: 300,
      mac: new Uint8Array(0),
      originalId: Buffer.from(octets).readUInt16BE(0),
      error: 0,
      otherData: new Uint8Array(0),
      ...fields,
    },
  });
  const whole = writer.finish();
  whole.writeUInt16BE(whole.readUInt16BE(10) + 1, 10);
  return whole;
}

describe('recorded messages of dig, kdig, nsupdate, named and knotd', () => {
  const six = ['hmac-md5', 'hmac-sha1', 'hmac-sha224', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const;
  const vectors: [string, TsigAlgorithm][] = [
    ...six.map((algorithm): [string, TsigAlgorithm] => [`dig and named ${algorithm}`, algorithm]),
    ...six.map((algorithm): [string, TsigAlgorithm] => [`kdig and knotd ${algorithm}`, algorithm]),
    ['nsupdate and named hmac-sha512', 'hmac-sha512'],
  ];

  it.each(vectors)('%s: both sides produce the recorded octets and accept those of the peer', (label, algorithm) => {
    const key = keyNamed(`${algorithm}.example.com`, algorithm);
    const [signedRequest, signedReply] = [recorded(`${label} request`), recorded(`${label} answer`)];
    const [requestTime, replyTime] = [tsigIn(signedRequest).timeSigned, tsigIn(signedReply).timeSigned];

    const client = new ClientTransaction(key);
    expect(client.sign(bare(signedRequest), requestTime).toString('hex')).toBe(signedRequest.toString('hex'));
    client.verify(signedReply, decodeMessage(signedReply), replyTime);

    const found = check(signedRequest, key, requestTime);
    expect(found.kind).toBe('verified');
    if (found.kind !== 'verified') return;
    expect(found.transaction.sign(bare(signedReply), replyTime).toString('hex')).toBe(signedReply.toString('hex'));
  });

  it.each(['named', 'knotd'])(
    'BADTIME from %s has the server time and is signed; ours is the same octets',
    (server) => {
      const key = keyNamed('hmac-sha256.example.com');
      const [signedRequest, signedReply] = [
        recorded(`dig and ${server}, BADTIME request`),
        recorded(`dig and ${server}, BADTIME answer`),
      ];
      const serverTime = Buffer.from(tsigIn(signedReply).otherData).readUIntBE(0, 6);
      const client = new ClientTransaction(key);
      expect(client.sign(bare(signedRequest), 1_700_000_000)).toEqual(signedRequest);
      expect(failureOf(() => client.verify(signedReply, decodeMessage(signedReply), 1_700_000_000))).toEqual({
        side: 'theirs',
        error: TsigErrorCode.BADTIME,
        peerTime: serverTime,
      });
      const found = check(signedRequest, key, serverTime);
      expect(found).toMatchObject({ kind: 'rejected', rcode: Rcode.NOTAUTH, error: TsigErrorCode.BADTIME });
      if (found.kind !== 'rejected') return;
      expect(found.transaction?.sign(bare(signedReply), serverTime)).toEqual(signedReply);
    },
  );

  it.each([
    ['named, BADKEY', TsigErrorCode.BADKEY, 'other.example.com'],
    ['knotd, BADKEY', TsigErrorCode.BADKEY, 'other.example.com'],
    ['knotd, BADSIG', TsigErrorCode.BADSIG, 'hmac-sha256.example.com'],
  ])('%s is unsigned and reported as a rejection by the peer', (label, error, name) => {
    const key = keyNamed(name, 'hmac-sha256', label.endsWith('BADSIG') ? Buffer.from('AAAA', 'base64') : SECRET);
    const [signedRequest, signedReply] = [recorded(`dig and ${label} request`), recorded(`dig and ${label} answer`)];
    expect(tsigIn(signedReply).mac).toHaveLength(0);
    const client = new ClientTransaction(key);
    expect(client.sign(bare(signedRequest), tsigIn(signedRequest).timeSigned)).toEqual(signedRequest);
    const failure = failureOf(() =>
      client.verify(signedReply, decodeMessage(signedReply), tsigIn(signedRequest).timeSigned),
    );
    expect(failure).toEqual({ side: 'theirs', error });
  });

  it("BIND's key 'hmac-sha256-128' is hmac-sha256 with a MAC truncated to 16 octets: BADTRUNC if full MACs are required", () => {
    const signedRequest = recorded('dig and named, truncated to 128 bits request');
    expect(tsigIn(signedRequest)).toMatchObject({ algorithm: DomainName.parse('hmac-sha256') });
    expect(tsigIn(signedRequest).mac).toHaveLength(16);
    const found = check(signedRequest, keyNamed('short.example.com'), tsigIn(signedRequest).timeSigned);
    expect(found).toMatchObject({ kind: 'rejected', rcode: Rcode.NOTAUTH, error: TsigErrorCode.BADTRUNC });
  });
});

describe.each(ALGORITHMS)('%s', (algorithm) => {
  const key = keyNamed('key.example.com', algorithm);

  it('the MAC is the HMAC over the message and the TSIG variables of RFC 8945 §4.3, cut to the length of §6', () => {
    const { hash, wireName, macOctets } = TSIG_ALGORITHMS[algorithm];
    const signed = new ClientTransaction(keyNamed('KEY.example.COM', algorithm)).sign(request(), NOW);
    const variables = Buffer.concat([
      Buffer.from('\x03key\x07example\x03com\x00', 'latin1'),
      Buffer.from('00ff00000000', 'hex'),
      wireName.octets,
      Buffer.from('00006553f100012c00000000', 'hex'),
    ]);
    const whole = createHmac(hash, SECRET).update(request()).update(variables).digest();
    expect(tsigIn(signed).mac).toHaveLength(macOctets);
    expect(Buffer.from(tsigIn(signed).mac)).toEqual(whole.subarray(0, macOctets));
  });

  it('a signed request is verified, and so is the signed reply to it; the reply to another request is not', () => {
    const client = new ClientTransaction(key);
    const found = check(client.sign(request(), NOW), key);
    expect(found.kind).toBe('verified');
    if (found.kind !== 'verified') return;
    const reply = found.transaction.sign(response(), NOW);
    client.verify(reply, decodeMessage(reply), NOW);
    const other = new ClientTransaction(key);
    other.sign(request(8), NOW);
    expect(failureOf(() => other.verify(reply, decodeMessage(reply), NOW))).toEqual({ side: 'ours', reason: 'mac' });
  });
});

describe('a server checks in the order key, MAC, time, truncation (RFC 8945 §5.2)', () => {
  const wrongSecret = keyNamed('key.example.com', 'hmac-sha256', Buffer.from('another secret'));
  const cut = (octets: Buffer, length: number) =>
    withRecord(bare(octets), KEY, { ...tsigIn(octets), mac: tsigIn(octets).mac.subarray(0, length) });
  const early = NOW - 301;
  const good = (now: number) => new ClientTransaction(KEY).sign(request(), now);
  const bad = (now: number) => new ClientTransaction(wrongSecret).sign(request(), now);

  it.each<[string, Buffer, number]>([
    ['everything is wrong', new ClientTransaction(keyNamed('unknown.example.com')).sign(request(), early), 17],
    ['another algorithm', new ClientTransaction(keyNamed('key.example.com', 'hmac-sha512')).sign(request(), NOW), 17],
    ['MAC, time and truncation', cut(bad(early), 16), 16],
    ['MAC', bad(NOW), 16],
    ['time and truncation', cut(good(early), 16), 18],
    ['time, too early', good(early), 18],
    ['time, too late', good(NOW + 301), 18],
    ['truncation', cut(good(NOW), 16), 22],
    ['truncation by one octet', cut(good(NOW), 31), 22],
  ])('%s', (_, octets, error) => {
    expect(check(octets)).toMatchObject({ kind: 'rejected', rcode: Rcode.NOTAUTH, error });
  });

  it.each([NOW - 300, NOW + 300])('accepts a time that differs by the fudge', (time) => {
    expect(check(good(time)).kind).toBe('verified');
  });

  it('uses the fudge of the request, which its MAC covers', () => {
    const narrow = withRecord(bare(good(NOW)), KEY, { ...tsigIn(good(NOW)), fudgeSeconds: 60_000 });
    expect(check(narrow)).toMatchObject({ error: TsigErrorCode.BADSIG });
  });

  /** A valid signature with a fudge of the client's own. */
  const withFudge = (fudgeSeconds: number, timeSigned: number) => {
    const fields = Buffer.alloc(12);
    fields.writeUIntBE(timeSigned, 0, 6);
    fields.writeUInt16BE(fudgeSeconds, 6);
    const names = [Buffer.from(KEY.keyName.octets), Buffer.from('00ff00000000', 'hex')];
    const variables = [...names, TSIG_ALGORITHMS[KEY.algorithm].wireName.octets, fields];
    const mac = createHmac('sha256', SECRET).update(request()).update(Buffer.concat(variables)).digest();
    return withRecord(request(), KEY, { timeSigned, fudgeSeconds, mac });
  };

  it.each([
    [300, 65_535, 300, 'verified'],
    [300, 65_535, 301, 'rejected'],
    [300, 65_535, 65_535, 'rejected'],
    [300, 60, 60, 'verified'],
    [300, 60, 61, 'rejected'],
    [600, 600, 600, 'verified'],
    [60, 300, 61, 'rejected'],
  ])('at most %d: a fudge of %d s and a time that differs by %d s: %s', (most, fudge, age, kind) => {
    for (const time of [NOW - age, NOW + age]) {
      const octets = withFudge(fudge, time);
      const found = checkRequest(octets, decodeMessage(octets), () => KEY, NOW, most);
      expect(found).toMatchObject(kind === 'verified' ? { kind } : { kind, error: TsigErrorCode.BADTIME });
    }
  });

  it('without a setting the fudge is at most 300 seconds', () => {
    expect(check(withFudge(65_535, NOW - 300)).kind).toBe('verified');
    expect(check(withFudge(65_535, NOW - 301))).toMatchObject({ error: TsigErrorCode.BADTIME });
  });

  it.each<[TsigAlgorithm, number, 'FORMERR' | 'other']>([
    ['hmac-md5', 9, 'FORMERR'],
    ['hmac-md5', 10, 'other'],
    ['hmac-sha1', 9, 'FORMERR'],
    ['hmac-sha1', 10, 'other'],
    ['hmac-sha256', 15, 'FORMERR'],
    ['hmac-sha256', 16, 'other'],
    ['hmac-sha256', 33, 'FORMERR'],
    ['hmac-sha512', 31, 'FORMERR'],
    ['hmac-sha512', 32, 'other'],
    ['hmac-sha512', 0, 'FORMERR'],
  ])('RFC 8945 §5.2.2.1: %s with a MAC of %i octets is %s', (algorithm, length, expected) => {
    const key = keyNamed('key.example.com', algorithm);
    const signed = new ClientTransaction(key).sign(request(), NOW);
    const mac = Buffer.concat([tsigIn(signed).mac, Buffer.alloc(8)]).subarray(0, length);
    const found = check(withRecord(bare(signed), key, { ...tsigIn(signed), mac }), key);
    if (expected === 'FORMERR') {
      expect(found).toMatchObject({ kind: 'rejected', rcode: Rcode.FORMERR, transaction: undefined });
    } else {
      expect(found).toMatchObject({ kind: 'rejected', error: TsigErrorCode.BADTRUNC });
    }
  });

  it('an unsigned request is reported as such', () => {
    expect(check(request()).kind).toBe('unsigned');
  });

  it('answers BADKEY and BADSIG unsigned, with the key name and the algorithm of the request (RFC 8945 §5.2)', () => {
    const unknown = keyNamed('unknown.example.com', 'hmac-sha512');
    for (const [octets, error] of [
      [new ClientTransaction(unknown).sign(request(), NOW), 17],
      [bad(NOW), 16],
    ] as const) {
      const reply = rejection(check(octets));
      expect(tsigIn(reply)).toMatchObject({ error, mac: { length: 0 } });
      expect(tsigIn(reply).algorithm.toString()).toBe(tsigIn(octets).algorithm.toString());
      const name = (message: Uint8Array) => decodeMessage(message).additional.at(-1)?.ownerName.toString();
      expect(name(reply)).toBe(name(octets));
      expect(decodeMessage(reply).rcode).toBe(Rcode.NOTAUTH);
    }
  });

  it('answers BADTIME signed, with the time of the request and its own in Other Data (RFC 8945 §5.2.3)', () => {
    const client = new ClientTransaction(KEY);
    const reply = rejection(check(client.sign(request(), early)));
    expect(tsigIn(reply)).toMatchObject({ error: 18, timeSigned: early });
    expect(failureOf(() => client.verify(reply, decodeMessage(reply), early))).toEqual({
      side: 'theirs',
      error: 18,
      peerTime: NOW,
    });
    const stranger = new ClientTransaction(wrongSecret);
    stranger.sign(request(), early);
    expect(failureOf(() => stranger.verify(reply, decodeMessage(reply), early))).toEqual({
      side: 'ours',
      reason: 'mac',
    });
  });

  it('answers BADTRUNC signed', () => {
    const found = check(cut(good(NOW), 16));
    const reply = rejection(found);
    expect(tsigIn(reply)).toMatchObject({ error: 22 });
    const timers = Buffer.from('00006553f100012c00160000', 'hex');
    const expected = createHmac('sha256', SECRET)
      .update(Buffer.of(0, 16))
      .update(tsigIn(good(NOW)).mac.subarray(0, 16))
      .update(bare(reply))
      .update(Buffer.from('\x03key\x07example\x03com\x00', 'latin1'))
      .update(Buffer.from('00ff00000000', 'hex'))
      .update(Buffer.from('\x0bhmac-sha256\x00', 'latin1'))
      .update(timers);
    expect(Buffer.from(tsigIn(reply).mac)).toEqual(expected.digest());
  });
});

describe('a client does not believe', () => {
  const reply = (signWith: TsigKey = KEY, now = NOW) => {
    const client = new ClientTransaction(KEY);
    const signedRequest = tsigIn(client.sign(request(), NOW));
    const { wireName: algorithm } = TSIG_ALGORITHMS[signWith.algorithm];
    const octets = new ServerTransaction(signWith, { ...signedRequest, algorithm }, 0).sign(response(), now);
    return { client, octets };
  };

  it.each<[string, TsigKey, number, string]>([
    ['another key name', keyNamed('other.example.com'), NOW, 'key'],
    ['another algorithm', keyNamed('key.example.com', 'hmac-sha512'), NOW, 'key'],
    ['another secret', keyNamed('key.example.com', 'hmac-sha256', Buffer.from('x')), NOW, 'mac'],
    ['another secret at a wrong time', keyNamed('key.example.com', 'hmac-sha256', Buffer.from('x')), 0, 'mac'],
    ['a time that is too early', KEY, NOW - 301, 'time'],
    ['a time that is too late', KEY, NOW + 301, 'time'],
  ])('%s', (_, key, now, reason) => {
    const { client, octets } = reply(key, now);
    expect(failureOf(() => client.verify(octets, decodeMessage(octets), NOW))).toEqual({ side: 'ours', reason });
  });

  it('an unsigned reply', () => {
    const { client } = reply();
    expect(failureOf(() => client.verify(response(), decodeMessage(response()), NOW))).toEqual({
      side: 'ours',
      reason: 'unsigned',
    });
  });

  it.each([
    [0, 'mac'],
    [9, 'mac'],
    [15, 'mac'],
    [16, 'truncation'],
    [31, 'truncation'],
  ])('a MAC of %i octets', (length, reason) => {
    const { client, octets } = reply();
    const fields = { ...tsigIn(octets), mac: tsigIn(octets).mac.subarray(0, length) };
    const cut = withRecord(bare(octets), KEY, fields);
    expect(failureOf(() => client.verify(cut, decodeMessage(cut), NOW))).toEqual({ side: 'ours', reason });
  });

  it('an error in a TSIG record that claims a MAC, unless the MAC is right', () => {
    const { client, octets } = reply();
    const forged = withRecord(bare(octets), KEY, { ...tsigIn(octets), error: 18, otherData: Buffer.alloc(6) });
    expect(failureOf(() => client.verify(forged, decodeMessage(forged), NOW))).toEqual({ side: 'ours', reason: 'mac' });
  });
});

/** Offsets of bits that are not significant: the case of letters in the names of the TSIG record. */
function caseBits(octets: Uint8Array): Set<number> {
  const { tsigOffset = 0 } = decodeMessage(octets);
  const bits = new Set<number>();
  const letters = (start: number) => {
    let at = start;
    for (; octets[at] !== 0; at += octets[at]! + 1) {
      for (let i = at + 1; i <= at + octets[at]!; i++)
        if (/[a-z]/i.test(String.fromCharCode(octets[i]!))) bits.add(i * 8 + 5);
    }
    return at + 1;
  };
  letters(letters(tsigOffset) + 10);
  return bits;
}

describe('every flipped bit of a signed message is rejected', () => {
  const client = new ClientTransaction(KEY);
  const signed = client.sign(request(), NOW);
  const reply = new ServerTransaction(KEY, tsigIn(signed), 0).sign(response(), NOW);

  it.each<[string, Buffer, (octets: Buffer) => boolean]>([
    ['a request', signed, (octets) => check(octets).kind === 'verified'],
    [
      'a reply',
      reply,
      (octets) => {
        const again = new ClientTransaction(KEY);
        again.sign(request(), NOW);
        return failureOf(() => again.verify(octets, decodeMessage(octets), NOW)) === undefined;
      },
    ],
  ])('%s', (_, octets, accepted) => {
    expect(accepted(octets)).toBe(true);
    const neutral = caseBits(octets);
    expect(neutral.size).toBe('keyexamplecom'.length + 'hmacsha'.length);
    for (let bit = 0; bit < octets.length * 8; bit++) {
      const copy = Buffer.from(octets);
      copy[bit >> 3]! ^= 1 << (bit & 7);
      let taken = false;
      try {
        taken = accepted(copy);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
      }
      // A forwarder may change the id of the header; the TSIG record has the original one (RFC 8945 §4.2).
      expect({ bit, taken }).toEqual({ bit, taken: bit < 16 || neutral.has(bit) });
    }
  });

  it('a message whose id was changed by a forwarder is verified with the original one (RFC 8945 §4.2)', () => {
    const forwarded = Buffer.from(signed);
    forwarded.writeUInt16BE(0x7777, 0);
    expect(check(forwarded).kind).toBe('verified');
  });
});

describe('streams of several messages (RFC 8945 §5.3.1)', () => {
  /** A stream whose MACs are computed here: over the prior MAC, the unsigned messages since, the message and the timers. */
  function stream(pattern: string): { client: ClientTransaction; messages: Buffer[] } {
    const client = new ClientTransaction(KEY);
    let prior: Buffer = Buffer.from(tsigIn(client.sign(request(), NOW)).mac);
    let since: Buffer[] = [];
    const messages = [...pattern].map((mark, index) => {
      const questions = [{ qname: DomainName.parse(`m${index}.example.com`), qtype: 1, qclass: 1 }];
      const message = encodeMessage(makeMessage({ id: 7, response: true, questions }));
      since.push(message);
      if (mark === 'u') return message;
      const hmac = createHmac('sha256', SECRET).update(Buffer.of(0, 32)).update(prior);
      for (const each of since) hmac.update(each);
      if (index === 0)
        hmac.update(Buffer.from('\x03key\x07example\x03com\x00\x00\xff\0\0\0\0\x0bhmac-sha256\x00', 'latin1'));
      hmac.update(Buffer.from('00006553f100012c', 'hex'));
      if (index === 0) hmac.update(Buffer.alloc(4));
      prior = hmac.digest();
      since = [];
      return withRecord(message, KEY, { mac: prior });
    });
    return { client, messages };
  }

  function verdict(client: ClientTransaction, messages: readonly Buffer[]): string {
    const failure = failureOf(() => {
      for (const octets of messages) client.verifyNext(octets, decodeMessage(octets), NOW);
    });
    if (failure !== undefined) return failure.side === 'ours' ? failure.reason : `theirs ${failure.error}`;
    return client.complete ? 'complete' : 'incomplete';
  }

  it.each([
    ['s', 'complete'],
    ['ssss', 'complete'],
    ['suus', 'complete'],
    [`s${'u'.repeat(99)}s`, 'complete'],
    [`s${'u'.repeat(100)}s`, 'unsigned'],
    [`s${'u'.repeat(99)}s${'u'.repeat(99)}s`, 'complete'],
    ['us', 'unsigned'],
    ['su', 'incomplete'],
    ['ssuu', 'incomplete'],
  ])('messages signed (s) and unsigned (u): %s is %s', (pattern, expected) => {
    const { client, messages } = stream(pattern);
    expect(verdict(client, messages)).toBe(expected);
  });

  it.each<[string, (messages: Buffer[]) => Buffer[]]>([
    ['an unsigned message that was left out', (messages) => messages.toSpliced(1, 1)],
    ['two unsigned messages in the wrong order', ([a, b, c, d]) => [a!, c!, b!, d!]],
    ['a signed message that was left out', (messages) => messages.slice(0, 1).concat(messages.slice(4))],
    ['an inserted unsigned message', ([first, ...rest]) => [first!, response(), ...rest]],
    [
      'an unsigned message that was changed',
      ([a, b, ...rest]) => {
        const changed = Buffer.from(b!);
        changed[14]! ^= 1;
        return [a!, changed, ...rest];
      },
    ],
  ])('%s is noticed', (_, change) => {
    const { client, messages } = stream('suusus');
    expect(verdict(client, change(messages))).toBe('mac');
  });

  it('a server that signs every message of a stream is verified', () => {
    const client = new ClientTransaction(KEY);
    const found = check(client.sign(request(), NOW));
    if (found.kind !== 'verified') throw new Error(found.kind);
    const messages = [1, 2, 3].map(() => found.transaction.sign(response(), NOW));
    expect(verdict(client, messages)).toBe('complete');
  });

  it('an empty stream is not complete', () => {
    expect(new ClientTransaction(KEY).complete).toBe(false);
  });
});

it('a printed key does not show its secret', () => {
  const shown = inspect(KEY, { depth: 10, showHidden: true }) + JSON.stringify(KEY) + String(KEY);
  for (const form of ['utf8', 'hex', 'base64'] as const) expect(shown).not.toContain(SECRET.toString(form));
});
