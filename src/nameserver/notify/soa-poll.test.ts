/** What a secondary says that it serves, and what follows from it: states, receipts, waits, notices. */
import { describe, expect, it } from 'vitest';
import { notifyLab, type SentMessage, START_MS } from '../../../test/support/notify-lab.ts';
import { makeZone } from '../../../test/support/published-zone.ts';
import { DomainName } from '../../dns/name.ts';
import { type ResourceRecord, RRClass, RRType } from '../../dns/rdata.ts';
import { checkRequest } from '../../dns/tsig.ts';
import { makeTsigKey } from '../../dns/tsig-key.ts';
import { decodeMessage, type Message, Opcode, Rcode } from '../../dns/wire/message.ts';
import type { Secondary } from './notify-target.ts';

const asked: Secondary = { address: '192.0.2.53', port: 53, notify: false, poll: true };

function soa(serial: number, name = 'example.com'): ResourceRecord {
  const timers = { refresh: 1, retry: 1, expire: 1, minimum: 1 };
  const rdata = { kind: 'SOA' as const, mname: DomainName.root, rname: DomainName.root, serial, ...timers };
  return { ownerName: DomainName.parse(name), type: RRType.SOA, class: RRClass.IN, ttl: 60, rdata };
}

/** A lab with a zone of serial 7 and one secondary; `serve` answers the queries from now on. */
function setUp(secondary: Secondary = asked) {
  const lab = notifyLab();
  const zone = makeZone('example.com', 7);
  lab.notifier.setSecondaries(zone, [secondary]);
  let answered = 0;
  const serve = (reply: Partial<Message> | undefined, forMs: number) => {
    for (let at = 0; at < forMs; at += 5) {
      lab.timers.advance(5);
      for (; answered < lab.queries.length; answered += 1)
        if (reply !== undefined) lab.queries[answered]!.answer(reply);
    }
  };
  const serves = (serial: number, forMs = 100) => serve({ authoritative: true, answers: [soa(serial)] }, forMs);
  const condition = () => lab.notifier.status()[0]!.condition;
  const transfer = (serial: number, from?: number, octets = 500) =>
    lab.notifier.sent(zone.apex.key, secondary.address, { serial, octets, from }, secondary.key?.keyName);
  return { ...lab, zone, serve, serves, condition, transfer };
}

const times = (queries: readonly SentMessage[]) => queries.map(({ at }) => at);

describe('the queries to a secondary', () => {
  it('RFC 1035 §4.1.1: ask for the SOA of the zone, without recursion, each with an id of its own', () => {
    const { queries, serves } = setUp();
    serves(6, 500);
    expect(queries.length).toBeGreaterThan(3);
    const { message, to } = queries[0]!;
    expect([to, message.opcode, message.response, message.recursionDesired]).toEqual([
      '192.0.2.53:53',
      Opcode.QUERY,
      false,
      false,
    ]);
    expect(message.questions.map(({ qname, qtype }) => [`${qname}`, qtype])).toEqual([['example.com.', RRType.SOA]]);
    expect(new Set(queries.map((query) => query.message.id)).size).toBe(queries.length);
  });

  it('come soon after a commit, then with pauses that grow to half a minute; one is in flight at a time', () => {
    const { queries, serves, publish, zone, timers, sockets } = setUp();
    serves(7);
    const before = queries.length;
    const startMs = timers.now() - START_MS;
    publish(zone);
    serves(7, 600_000);
    const after = times(queries.slice(before)).map((at) => at - startMs);
    expect(after[0]).toBeLessThanOrEqual(25);
    expect(after.filter((at) => at <= 1000).length).toBeGreaterThan(5);
    expect(after.filter((at) => at <= 10_000).length).toBeLessThan(35);
    expect(Math.max(...after.slice(1).map((at, index) => at - after[index]!))).toBeLessThanOrEqual(30_005);
    expect(sockets.size).toBe(0);
  });

  it('are few while it is up to date, however many zones there are', () => {
    const few = setUp();
    few.serves(7, 100);
    for (let seconds = 0; seconds < 600; seconds += 1) {
      few.timers.advance(990);
      few.serves(7, 10);
    }
    expect(few.queries.length).toBeLessThanOrEqual(21);
    const lab = notifyLab();
    const secondaries = Array.from({ length: 2000 }, (_, index) => ({ ...asked, port: 1000 + index }));
    lab.notifier.setSecondaries(makeZone('example.com', 7), secondaries);
    for (let answered = 0; lab.timers.now() < START_MS + 90_000; lab.timers.advance(200)) {
      for (; answered < lab.queries.length; answered += 1) {
        lab.queries[answered]!.answer({ authoritative: true, answers: [soa(7)] });
      }
    }
    expect(lab.queries.length).toBeLessThan(2000 + 55 * 90);
  });

  it('do not come more than ten times a second while commits keep coming', () => {
    const { queries, serves, publish, zone } = setUp();
    serves(7);
    const before = queries.length;
    for (let i = 0; i < 1000; i += 1) {
      publish(zone);
      serves(zone.published.serial, 5);
    }
    expect(queries.length - before).toBeLessThan(5 * 10 + 15);
  });

  it('at most 200 are in flight to all secondaries that do not answer', () => {
    const { notifier, queries, timers, sockets } = notifyLab();
    const secondaries = Array.from({ length: 500 }, (_, index) => ({ ...asked, port: 1000 + index }));
    notifier.setSecondaries(makeZone('example.com', 7), secondaries);
    timers.advance(900);
    expect(queries).toHaveLength(200);
    timers.advance(10_000);
    expect(new Set(queries.map(({ to }) => to)).size).toBe(500);
    notifier.close();
    expect([sockets.size, timers.pending]).toEqual([0, 0]);
  });

  it('RFC 8945 §5.3: are signed with the key of the secondary, and so must be the answers', () => {
    const key = makeTsigKey(DomainName.parse('k1'), 'hmac-sha256', Buffer.alloc(32, 1));
    const { queries, serves, serve, condition, timers } = setUp({ ...asked, key });
    timers.advance(30);
    const { octets, message, receive } = queries[0]!;
    const check = checkRequest(octets, message, () => key, Math.floor(timers.now() / 1000));
    expect(check.kind).toBe('verified');
    if (check.kind !== 'verified') return;
    const unsigned = decodeMessage(octets);
    expect(unsigned.questions).toHaveLength(1);
    serves(7, 3000);
    expect(condition()).toMatchObject({
      state: 'not-serving',
      text: 'answers signed queries without a signature (NOERROR)',
    });
    serve(undefined, 10);
    expect(receive).toBeTypeOf('function');
  });
});

describe('the state of a secondary', () => {
  it('follows from its answers: up to date, behind by so many commits', () => {
    const { serves, condition, publish, zone } = setUp();
    expect(condition().state).toBe('unknown');
    serves(7);
    expect(condition()).toMatchObject({ state: 'up-to-date' });
    publish(zone);
    publish(zone);
    serves(7);
    expect(condition()).toMatchObject({ state: 'behind', text: 'is behind by 2' });
    serves(9, 200);
    expect(condition()).toMatchObject({ state: 'up-to-date' });
    serves(8, 60_000);
    expect(condition()).toMatchObject({ state: 'behind', text: 'is behind by 1' });
    serves(77, 60_000);
    expect(condition()).toMatchObject({ state: 'ahead', text: 'has the serial 77, which is later than 9 here' });
  });

  it('a transfer that was sent does not make it up to date; one that is not taken was refused', () => {
    const { serves, condition, publish, zone, transfer, notifier } = setUp();
    serves(7);
    publish(zone);
    transfer(8, 7);
    expect(condition().state).toBe('behind');
    expect(notifier.status()[0]!.held).toMatchObject({ serial: 7 });
    serves(7, 5000);
    expect(condition().state).toBe('behind');
    // It tries again every second.
    for (let i = 0; i < 10; i += 1) {
      transfer(8);
      serves(7, 1000);
    }
    expect(condition()).toMatchObject({
      state: 'refused',
      refusedSerial: 8,
      text: 'refused the transfer of serial 8: it still has 7',
    });
    serves(8, 40_000);
    expect(condition().state).toBe('up-to-date');
  });

  it('a large transfer may take longer; one that skips serials is fine', () => {
    const { serves, condition, publish, zone, transfer } = setUp();
    serves(7);
    publish(zone);
    transfer(8, undefined, 60_000_000);
    serves(7, 30_000);
    expect(condition().state).toBe('behind');
    publish(zone);
    publish(zone);
    serves(9, 60_000);
    expect(condition().text).toBe('is behind by 1');
    serves(10, 60_000);
    expect(condition().state).toBe('up-to-date');
  });

  it.each<[Partial<Message>, string]>([
    [{ rcode: Rcode.REFUSED }, 'does not serve the zone (REFUSED)'],
    [{ rcode: Rcode.SERVFAIL }, 'cannot serve the zone (SERVFAIL)'],
    [{ rcode: Rcode.NOTAUTH }, 'does not serve the zone (NOTAUTH)'],
    [{ answers: [soa(7)] }, 'does not serve the zone (not authoritative)'],
    [{ authoritative: true }, 'does not serve the zone (no SOA in its answer)'],
    [{ authoritative: true, answers: [soa(7, 'example.net')] }, 'does not serve the zone (no SOA in its answer)'],
  ])('an answer that is none for the zone is reported: %#', (reply, text) => {
    const { serve, serves, condition } = setUp();
    serve(reply, 100);
    expect(condition()).toMatchObject({ state: 'not-serving', text });
    serves(7, 1000);
    expect(condition().state).toBe('up-to-date');
  });

  it('two queries without an answer: it is not answering, since its last answer', () => {
    const { serve, serves, condition, timers, publish, zone } = setUp();
    serves(7);
    const last = timers.now();
    timers.advance(10_000);
    publish(zone);
    serve(undefined, 3000);
    expect(condition()).toMatchObject({ state: 'not-answering' });
    expect(condition().sinceMs).toBeLessThanOrEqual(last);
    serves(8, 5000);
    expect(condition().state).toBe('up-to-date');
  });

  it('a truncated answer, as of response rate limiting, is none, and the next query follows', () => {
    const { serve, serves, condition, queries } = setUp();
    serve({ truncated: true }, 1500);
    expect(condition().state).toBe('unknown');
    expect(queries.length).toBe(2);
    serves(7, 3000);
    expect(condition().state).toBe('up-to-date');
  });

  it('an answer with another id or question is ignored', () => {
    const { queries, timers, condition } = setUp();
    timers.advance(30);
    const { message, answer } = queries[0]!;
    answer({ id: message.id ^ 1, authoritative: true, answers: [soa(7)] });
    answer({ questions: [{ ...message.questions[0]!, qname: DomainName.parse('example.net') }], rcode: Rcode.REFUSED });
    expect(condition().state).toBe('unknown');
    answer({ authoritative: true, answers: [soa(7)] });
    expect(condition().state).toBe('up-to-date');
  });

  it('IXFR of one that answers only causes another query; of one that does not answer its SOA counts', () => {
    const { serve, serves, condition, notifier, publish, zone, queries } = setUp();
    serves(7);
    publish(zone);
    serves(7, 60_000);
    const before = queries.length;
    notifier.seen(zone.apex.key, asked.address, 8);
    expect(condition().state).toBe('behind');
    serves(7, 25);
    expect(queries.length).toBe(before + 1);
    serve(undefined, 60_000);
    notifier.seen(zone.apex.key, asked.address, 8);
    expect(notifier.status()[0]!.held?.serial).toBe(8);
    expect(condition().state).toBe('not-answering');
  });

  it('RFC 1995 §3: of one that is not asked only the SOA of its IXFR counts, and not in a datagram that may be forged', () => {
    const { condition, notifier, publish, zone, queries, transfer, timers } = setUp({ ...asked, poll: false });
    const seen = (serial: number, isProven = true) =>
      notifier.seen(zone.apex.key, asked.address, serial, undefined, isProven);
    seen(7);
    expect(condition().state).toBe('up-to-date');
    publish(zone);
    seen(8, false);
    expect(condition()).toMatchObject({ state: 'behind', text: 'is behind by 1' });
    transfer(8, 7);
    expect([condition().state, notifier.status()[0]!.held?.serial]).toEqual(['sent', 7]);
    timers.advance(20_000);
    seen(7);
    expect(condition()).toMatchObject({ state: 'refused', refusedSerial: 8 });
    seen(8);
    expect(condition().state).toBe('up-to-date');
    expect(queries).toEqual([]);
  });

  it('IXFR from an address of several secondaries without keys names none of them', () => {
    const { notifier } = notifyLab();
    const zone = makeZone('example.com', 7);
    const unasked = { ...asked, poll: false };
    notifier.setSecondaries(zone, [unasked, { ...unasked, port: 54 }]);
    notifier.seen(zone.apex.key, asked.address, 7);
    expect(notifier.status().map(({ held }) => held)).toEqual([undefined, undefined]);
  });
});

describe('receipts', () => {
  it('say when a secondary first served a serial, and from when on it was asked', () => {
    const { receipts, serves, publish, zone, timers } = setUp();
    serves(7);
    publish(zone);
    publish(zone);
    const publishedMs = timers.now();
    serves(7, 100);
    serves(9, 1000);
    const where = { zone: 'example.com.', secondary: '192.0.2.53:53' };
    expect(receipts).toEqual([
      { ...where, serial: undefined, timeMs: START_MS },
      { ...where, serial: 7, timeMs: expect.any(Number) },
      { ...where, serial: 9, timeMs: expect.any(Number) },
    ]);
    const lag = receipts[2]!.timeMs - publishedMs;
    expect(lag).toBeGreaterThanOrEqual(100);
    expect(lag).toBeLessThanOrEqual(140);
  });

  it('one with a later serial than ours serves another zone: it has none, and no one waits for it in vain', async () => {
    const { receipts, serves, notifier, zone } = setUp();
    serves(9);
    expect(receipts.map(({ serial }) => serial)).toEqual([undefined]);
    expect(await notifier.whenServed(zone.apex, 7, 0)).toEqual({ served: 0, listed: 1 });
  });

  it('there are none of a secondary that is not asked', () => {
    const { receipts, notifier, zone } = setUp({ ...asked, poll: false });
    notifier.seen(zone.apex.key, asked.address, 7);
    expect(receipts).toEqual([]);
  });
});

describe('waiting for the secondaries', () => {
  const settled = async <T>(promise: Promise<T>): Promise<T | 'waiting'> => {
    await Promise.resolve();
    return Promise.race([promise, new Promise<'waiting'>((resolve) => setImmediate(() => resolve('waiting')))]);
  };

  it('ends when all that are asked serve the serial or a later one', async () => {
    const { notifier, serves, publish, zone } = setUp();
    serves(7);
    publish(zone);
    const wait = notifier.whenServed(zone.apex, 8, 8000);
    expect(await settled(wait)).toBe('waiting');
    serves(7, 1000);
    publish(zone);
    expect(await settled(wait)).toBe('waiting');
    serves(9, 1000);
    expect(await settled(wait)).toEqual({ served: 1, listed: 1 });
    expect(await notifier.whenServed(zone.apex, 9, 8000)).toEqual({ served: 1, listed: 1 });
  });

  it('ends with the time, with the server, and with the zone; then no one waits', async () => {
    const { notifier, serve, zone, timers } = setUp();
    const first = notifier.whenServed(zone.apex, 7, 8000);
    serve(undefined, 7990);
    expect(await settled(first)).toBe('waiting');
    serve(undefined, 20);
    expect(await settled(first)).toEqual({ served: 0, listed: 1 });
    const second = notifier.whenServed(zone.apex, 7, 8000);
    notifier.stopWaiting();
    expect(await settled(second)).toEqual({ served: 0, listed: 1 });
    expect(await settled(notifier.whenServed(zone.apex, 7, 8000))).toEqual({ served: 0, listed: 1 });
    notifier.close();
    expect(timers.pending).toBe(0);
    const other = setUp();
    const third = other.notifier.whenServed(other.zone.apex, 7, 8000);
    other.notifier.removeZone(other.zone);
    expect(await settled(third)).toEqual({ served: 0, listed: 0 });
  });

  it('is limited in number: further ones get what there is', async () => {
    const { notifier, zone } = setUp();
    const waits = Array.from({ length: 1001 }, () => notifier.whenServed(zone.apex, 7, 8000));
    expect(await settled(waits[999]!)).toBe('waiting');
    expect(await settled(waits[1000]!)).toEqual({ served: 0, listed: 1 });
    notifier.close();
    await Promise.all(waits);
  });

  it('does not wait for one that is not asked', async () => {
    const { notifier, zone } = setUp({ ...asked, poll: false });
    expect(await settled(notifier.whenServed(zone.apex, 7, 8000))).toEqual({ served: 0, listed: 0 });
  });
});

describe('a notice', () => {
  const kinds = ({ changes }: ReturnType<typeof setUp>) =>
    changes.map(({ kind, condition }) => [kind, condition.state]);

  it('is made once when a secondary stays silent for a minute, and when it is back', () => {
    const lab = setUp();
    lab.serves(7);
    lab.serve(undefined, 55_000);
    expect(kinds(lab)).toEqual([]);
    lab.serve(undefined, 600_000);
    expect(kinds(lab)).toEqual([['trouble', 'not-answering']]);
    lab.serve({ rcode: Rcode.REFUSED }, 600_000);
    lab.serves(7, 60_000);
    expect(kinds(lab)).toEqual([
      ['trouble', 'not-answering'],
      ['recovered', 'up-to-date'],
    ]);
  });

  it('is made at once for a refused transfer, and after hours for one that is behind without NOTIFY', () => {
    const refusing = setUp();
    refusing.serves(7);
    refusing.publish(refusing.zone);
    refusing.transfer(8, 7);
    refusing.serves(7, 15_000);
    expect(kinds(refusing)).toEqual([['trouble', 'refused']]);
    const slow = setUp();
    slow.serves(7);
    slow.publish(slow.zone);
    slow.serves(7, 3_600_000);
    expect(kinds(slow)).toEqual([]);
    slow.serves(7, 2 * 3_600_000);
    expect(kinds(slow)).toEqual([['trouble', 'behind']]);
  });
});
