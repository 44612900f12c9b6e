/** NOTIFY with manual timers and scripted secondaries; then over real sockets. */
import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { listenUdp, replyTo } from '../../../test/support/dns-listener.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { notifyLab as lab, type SentMessage as SentNotify, START_MS } from '../../../test/support/notify-lab.ts';
import { waitUntil } from '../../../test/support/process.ts';
import { makeZone, setAddresses } from '../../../test/support/published-zone.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { checkRequest } from '../../dns/tsig.ts';
import { makeTsigKey, type TsigKey } from '../../dns/tsig-key.ts';
import { decodeMessage, Opcode, Rcode } from '../../dns/wire/message.ts';
import { Notifier } from './notify.ts';
import type { Secondary } from './notify-target.ts';

/** It is not asked: these tests are about NOTIFY. */
const plain: Secondary = { address: '192.0.2.53', port: 53, notify: true, poll: false };

describe('NOTIFY', () => {
  it('RFC 1996 §4.7: goes to the secondaries of a zone when the server starts', () => {
    const { notifier, sent } = lab();
    notifier.setSecondaries(makeZone('example.com', 7), [plain, { ...plain, address: '2001:db8::53', port: 5353 }]);
    notifier.setSecondaries(makeZone('example.net', 8), [plain]);
    expect(sent.map(({ to, serial }) => [to, serial])).toEqual([
      ['192.0.2.53:53', 7],
      ['2001:db8::53:5353', 7],
      ['192.0.2.53:53', 8],
    ]);
  });

  it('RFC 1996 §3.6, §3.7, §4.5: is a request with AA, the zone and SOA as question, and the SOA as answer', () => {
    const { notifier, sent } = lab();
    notifier.setSecondaries(makeZone('example.com', 7), [plain]);
    const { message } = sent[0]!;
    expect(message).toMatchObject({ opcode: Opcode.NOTIFY, response: false, authoritative: true, rcode: 0 });
    expect(message.questions.map(({ qname, qtype, qclass }) => [`${qname}`, qtype, qclass])).toEqual([
      ['example.com.', RRType.SOA, 1],
    ]);
    expect(message.answers.map(({ ownerName, type }) => [`${ownerName}`, type])).toEqual([
      ['example.com.', RRType.SOA],
    ]);
    expect([message.authority, message.additional]).toEqual([[], []]);
  });

  it('is sent at once after a commit, and not again after the acknowledgement', () => {
    const { notifier, sent, timers, publish, sockets } = lab();
    const zone = makeZone('example.com', 7);
    notifier.setSecondaries(zone, [plain]);
    sent[0]!.answer();
    timers.advance(1000);
    publish(zone);
    expect(sent.map(({ at, serial }) => [at, serial])).toEqual([
      [0, 7],
      [1000, 8],
    ]);
    sent[1]!.answer();
    timers.advance(3_600_000);
    expect(sent).toHaveLength(2);
    expect([sockets.size, timers.pending]).toEqual([0, 0]);
  });

  it('RFC 1996 §3.6: is retried after 1, 2, 4 … 60 seconds for ten minutes, with one warning', () => {
    const { notifier, sent, timers, warnings, sockets } = lab();
    notifier.setSecondaries(makeZone('example.com', 7), [plain]);
    timers.advance(599_000);
    expect(sent.slice(0, 8).map(({ at }) => at / 1000)).toEqual([0, 1, 3, 7, 15, 31, 63, 123]);
    expect(warnings).toEqual([]);
    timers.advance(7_200_000);
    expect(sent.at(-1)!.at).toBeLessThan(600_000);
    expect(sent.map(({ at }, index) => at - (sent[index - 1]?.at ?? 0)).every((gap) => gap <= 60_000)).toBe(true);
    expect(warnings).toEqual(['example.com. 192.0.2.53 does not answer NOTIFY']);
    expect([sockets.size, timers.pending]).toEqual([0, 0]);
    expect(notifier.status()[0]).toMatchObject({ isOutstanding: false, failures: sent.length });
  });

  it('restarts with the next commit after giving up, without another warning until an acknowledgement', () => {
    const { notifier, sent, timers, warnings, publish } = lab();
    const zone = makeZone('example.com', 7);
    notifier.setSecondaries(zone, [plain]);
    timers.advance(3_600_000);
    const before = sent.length;
    publish(zone);
    expect(sent).toHaveLength(before + 1);
    timers.advance(3_600_000);
    expect(warnings).toHaveLength(1);
    publish(zone);
    sent.at(-1)!.answer();
    expect(notifier.status()[0]).toMatchObject({ failures: 0, problem: undefined, acknowledged: { serial: 9 } });
    timers.advance(1000);
    publish(zone);
    timers.advance(3_600_000);
    expect(warnings).toHaveLength(2);
  });

  it('commits while one is in flight: the newest is sent next, without a queue, one in flight at a time', () => {
    const { notifier, sent, timers, publish, sockets } = lab();
    const zone = makeZone('example.com', 7);
    notifier.setSecondaries(zone, [plain]);
    for (let i = 0; i < 50; i++) publish(zone);
    expect(sockets.size).toBe(1);
    expect(sent.map(({ serial }) => serial)).toEqual([7]);
    timers.advance(200);
    sent[0]!.answer();
    expect(sent.map(({ serial }) => serial)).toEqual([7, 57]);
    expect(notifier.status()[0]).toMatchObject({
      acknowledged: { serial: 7, atMs: START_MS + 200 },
      isOutstanding: true,
    });
    sent[1]!.answer();
    timers.advance(10_000);
    expect(sent).toHaveLength(2);
    expect(notifier.status()[0]).toMatchObject({ acknowledged: { serial: 57 }, isOutstanding: false });
  });

  it('with 500 commits per second it is sent ten times per second, and for the last commit within 0.1 s', () => {
    const { notifier, sent, timers, publish } = lab();
    const zone = makeZone('example.com', 7);
    notifier.setSecondaries(zone, [plain]);
    let answered = 0;
    for (let i = 0; i < 1000; i++) {
      publish(zone);
      timers.advance(2);
      for (; answered < sent.length; answered++) sent[answered]!.answer();
    }
    timers.advance(100);
    expect(sent.length).toBeGreaterThanOrEqual(20);
    expect(sent.length).toBeLessThanOrEqual(22);
    expect(sent.at(-1)!.serial).toBe(zone.published.serial);
  });

  it('commits do not speed up retries to a secondary that does not answer; a retry has the newest serial', () => {
    const { notifier, sent, timers, publish } = lab();
    const zone = makeZone('example.com', 7);
    notifier.setSecondaries(zone, [plain]);
    for (let i = 0; i < 100; i++) {
      publish(zone);
      timers.advance(50);
    }
    expect(sent.map(({ at, serial }) => [at, serial])).toEqual([
      [0, 7],
      [1000, 27],
      [3000, 67],
    ]);
    // The answer to an earlier attempt: later commits still need a NOTIFY.
    sent[1]!.answer();
    expect(notifier.status()[0]).toMatchObject({ acknowledged: { serial: 27 } });
    expect(sent.at(-1)).toMatchObject({ at: 5000, serial: 107 });
  });

  it.each<[string, (notify: SentNotify) => void]>([
    ['another id', ({ message, answer }) => answer({ id: message.id ^ 1 })],
    ['another opcode', ({ answer }) => answer({ opcode: Opcode.QUERY })],
    ['no response', ({ octets, receive }) => receive(octets)],
    [
      'another zone',
      ({ answer }) => answer({ questions: [{ qname: DomainName.parse('example.org'), qtype: 6, qclass: 1 }] }),
    ],
    ['no question', ({ answer }) => answer({ questions: [] })],
    ['no DNS', ({ octets, receive }) => receive(octets.subarray(0, 20))],
    ['a single octet', ({ receive }) => receive(Buffer.of(0))],
    ['nothing', ({ receive }) => receive(Buffer.alloc(0))],
  ])('RFC 1996 §3.6: is not acknowledged by %s', (_title, act) => {
    const { notifier, sent, timers, warnings } = lab();
    notifier.setSecondaries(makeZone('example.com', 7), [plain]);
    act(sent[0]!);
    expect(notifier.status()[0]).toMatchObject({ acknowledged: undefined, isOutstanding: true });
    timers.advance(1000);
    expect(sent).toHaveLength(2);
    expect(warnings).toEqual([]);
    sent[1]!.answer();
    expect(notifier.status()[0]).toMatchObject({ acknowledged: { serial: 7 } });
  });

  it('a secondary that was down gets one at once when it requests the zone, without waiting for the retry', () => {
    const { notifier, sent, timers, sockets } = lab();
    const zone = makeZone('example.com', 7);
    notifier.setSecondaries(zone, [plain]);
    notifier.seen(zone.apex.key, plain.address, 6);
    expect(sent).toHaveLength(1);
    timers.advance(300_000);
    const before = sent.length;
    notifier.seen(zone.apex.key, plain.address, 6);
    expect(sent).toHaveLength(before + 1);
    expect(sent.at(-1)!.at).toBe(300_000);
    notifier.seen(zone.apex.key, plain.address, 7);
    expect(sent).toHaveLength(before + 1);
    sent.at(-1)!.answer();
    expect([sockets.size, timers.pending]).toEqual([0, 0]);
    expect(notifier.status()[0]).toMatchObject({ failures: 0, isOutstanding: false });
  });

  it('an error in the answer gives one warning, and retries continue: the secondary may be starting', () => {
    const { notifier, sent, timers, warnings } = lab();
    notifier.setSecondaries(makeZone('example.com', 7), [plain]);
    sent[0]!.answer({ rcode: Rcode.REFUSED });
    timers.advance(1000);
    sent[1]!.answer({ rcode: Rcode.NOTAUTH });
    expect(warnings).toEqual(['example.com. 192.0.2.53 answers NOTIFY with REFUSED']);
    expect(notifier.status()[0]).toMatchObject({ problem: 'answers NOTIFY with NOTAUTH', failures: 2 });
    timers.advance(2000);
    sent[2]!.answer();
    expect(notifier.status()[0]).toMatchObject({ acknowledged: { serial: 7 }, problem: undefined, failures: 0 });
  });

  it('is not sent to a secondary that polls, which nevertheless has a status', () => {
    const { notifier, sent, publish } = lab();
    const zone = makeZone('example.com', 7);
    notifier.setSecondaries(zone, [{ ...plain, notify: false }]);
    publish(zone);
    expect(sent).toEqual([]);
    expect(notifier.status()).toMatchObject([{ notify: false, address: '192.0.2.53', isOutstanding: false }]);
  });

  it('a clock that is set back does not delay it', () => {
    const { notifier, sent, timers, publish } = lab();
    const zone = makeZone('example.com', 7);
    notifier.setSecondaries(zone, [plain]);
    sent[0]!.answer();
    timers.set(START_MS - 3_600_000);
    publish(zone);
    timers.advance(100);
    expect(sent).toHaveLength(2);
  });
});

describe('signed NOTIFY', () => {
  const key = makeTsigKey(DomainName.parse('k1'), 'hmac-sha256', Buffer.alloc(32, 7));
  const otherKey = makeTsigKey(DomainName.parse('k1'), 'hmac-sha256', Buffer.alloc(32, 8));

  /** Answers like a secondary with this key. */
  function answerSigned({ octets, receive }: SentNotify, held: TsigKey | undefined, nowSeconds: number, fields = {}) {
    const check = checkRequest(octets, decodeMessage(octets), () => held, nowSeconds);
    if (check.kind === 'unsigned') throw new Error('NOTIFY is not signed');
    const rcode = check.kind === 'rejected' ? check.rcode : Rcode.NOERROR;
    receive(check.transaction!.sign(replyTo(octets, { rcode, ...fields }), nowSeconds));
    return check.kind;
  }

  const nowSeconds = START_MS / 1000;

  it('RFC 8945 §5.3: is signed with the key of the secondary, and so must be the answer', () => {
    const { notifier, sent, timers } = lab();
    notifier.setSecondaries(makeZone('example.com', 7), [{ ...plain, key }]);
    expect(answerSigned(sent[0]!, key, nowSeconds)).toBe('verified');
    expect(notifier.status()[0]).toMatchObject({ acknowledged: { serial: 7 } });
    expect(`${notifier.status()[0]!.keyName}`).toBe('k1.');
    expect(timers.pending).toBe(0);
  });

  it('the answer to an earlier attempt is accepted: each is verified with the request that it answers', () => {
    const { notifier, sent, timers } = lab();
    notifier.setSecondaries(makeZone('example.com', 7), [{ ...plain, key }]);
    timers.advance(1000);
    expect(sent).toHaveLength(2);
    answerSigned(sent[0]!, key, nowSeconds + 1);
    expect(notifier.status()[0]).toMatchObject({ acknowledged: { serial: 7 } });
  });

  it.each<[string, (notify: SentNotify) => void, string]>([
    ['is unsigned', (notify) => notify.answer(), 'answers signed NOTIFY without a signature (NOERROR)'],
    [
      'is an unsigned error',
      (notify) => notify.answer({ rcode: Rcode.REFUSED }),
      'answers signed NOTIFY without a signature (REFUSED)',
    ],
    [
      'says that the key is unknown',
      (notify) => answerSigned(notify, undefined, nowSeconds),
      'rejects the signature of NOTIFY (NOTAUTH, BADKEY)',
    ],
    [
      'says that the secret is another',
      (notify) => answerSigned(notify, otherKey, nowSeconds),
      'rejects the signature of NOTIFY (NOTAUTH, BADSIG)',
    ],
    [
      'says that the clocks differ',
      (notify) => answerSigned(notify, key, nowSeconds + 3600),
      'rejects the signature of NOTIFY (NOTAUTH, BADTIME)',
    ],
    [
      'is a signed error',
      (notify) => answerSigned(notify, key, nowSeconds, { rcode: Rcode.REFUSED }),
      'answers NOTIFY with REFUSED',
    ],
    [
      'was changed on the way',
      (notify) => {
        const tampered = { ...notify, receive: (octets: Uint8Array) => notify.receive(tamper(octets)) };
        answerSigned(tampered, key, nowSeconds);
      },
      'answers NOTIFY with a signature that does not verify (mac)',
    ],
  ])('RFC 8945 §5.3: an answer that %s is no acknowledgement', (_title, act, problem) => {
    const { notifier, sent, timers, warnings } = lab();
    notifier.setSecondaries(makeZone('example.com', 7), [{ ...plain, key }]);
    act(sent[0]!);
    expect(warnings).toEqual([`example.com. 192.0.2.53 ${problem}`]);
    expect(notifier.status()[0]).toMatchObject({ acknowledged: undefined, isOutstanding: true, problem });
    timers.advance(1000);
    answerSigned(sent[1]!, key, nowSeconds + 1);
    expect(notifier.status()[0]).toMatchObject({ acknowledged: { serial: 7 }, problem: undefined });
  });
});

/** Sets the AD bit. */
function tamper(octets: Uint8Array): Buffer {
  const copy = Buffer.from(octets);
  copy[3]! |= 0x20;
  return copy;
}

describe('the status of a secondary', () => {
  it('has the serial that it holds, and since when it is behind', () => {
    const { notifier, timers, publish } = lab();
    const zone = makeZone('example.com', 7);
    notifier.setSecondaries(zone, [plain]);
    const status = () => notifier.status()[0]!;
    expect(status()).toMatchObject({ held: undefined, behindSinceMs: undefined });
    notifier.seen(zone.apex.key, plain.address, 7);
    expect(status()).toMatchObject({ held: { serial: 7, atMs: START_MS }, behindSinceMs: undefined });
    timers.advance(5000);
    publish(zone);
    timers.advance(2000);
    publish(zone);
    publish(zone);
    timers.advance(1000);
    expect(status()).toMatchObject({ held: { serial: 7 }, behindSinceMs: START_MS + 5000 });
    notifier.seen(zone.apex.key, plain.address, 8);
    expect(status()).toMatchObject({ held: { serial: 8, atMs: START_MS + 8000 }, behindSinceMs: START_MS + 7000 });
    // It went back, for example to an older copy on its disk.
    notifier.seen(zone.apex.key, plain.address, 7);
    expect(status()).toMatchObject({ held: { serial: 7 }, behindSinceMs: START_MS + 5000 });
    notifier.seen(zone.apex.key, plain.address, 10);
    expect(status()).toMatchObject({ held: { serial: 10 }, behindSinceMs: undefined });
  });

  it('of one that is behind for hours has the time of the first commit that it lacks', () => {
    const { notifier, timers, publish } = lab();
    const zone = makeZone('example.com', 7);
    notifier.setSecondaries(zone, [plain]);
    notifier.seen(zone.apex.key, plain.address, 7);
    for (let i = 0; i < 3000; i++) {
      timers.advance(1000);
      publish(zone);
    }
    expect(notifier.status()[0]).toMatchObject({ behindSinceMs: START_MS + 1000 });
    notifier.seen(zone.apex.key, plain.address, zone.published.serial - 10);
    expect(notifier.status()[0]).toMatchObject({ behindSinceMs: timers.now() - 9000 });
  });

  it('is assigned by address, by key if several have the same address, and by zone', () => {
    const { notifier } = lab();
    const zone = makeZone('example.com', 7);
    const key = (name: string) => makeTsigKey(DomainName.parse(name), 'hmac-sha256', Buffer.alloc(32));
    notifier.setSecondaries(zone, [
      { ...plain, key: key('k1') },
      { ...plain, port: 5353, key: key('k2') },
      { ...plain, address: '192.0.2.54' },
    ]);
    notifier.seen(zone.apex.key, plain.address, 5, DomainName.parse('K2'));
    notifier.seen(zone.apex.key, '192.0.2.5', 7);
    notifier.seen(DomainName.parse('example.net').key, '192.0.2.54', 7);
    expect(notifier.status().map(({ held }) => held?.serial)).toEqual([undefined, 5, undefined]);
  });

  it('survives a new configuration; new secondaries get a NOTIFY, those with a problem a retry, removed ones nothing', () => {
    const { notifier, sent, timers, publish, sockets } = lab();
    const zone = makeZone('example.com', 7);
    const other = { ...plain, address: '192.0.2.54' };
    notifier.setSecondaries(zone, [plain, other]);
    sent[0]!.answer();
    timers.advance(3_600_000);
    const before = sent.length;
    notifier.setSecondaries(zone, [plain, other, { ...plain, address: '192.0.2.55' }]);
    expect(sent.slice(before).map(({ to }) => to)).toEqual(['192.0.2.55:53', '192.0.2.54:53'].sort());
    expect(notifier.status()[0]).toMatchObject({ acknowledged: { serial: 7 } });
    notifier.setSecondaries(zone, [plain]);
    expect([sockets.size, timers.pending]).toEqual([0, 0]);
    publish(zone);
    expect(sent.at(-1)).toMatchObject({ to: '192.0.2.53:53', serial: 8 });
    expect(sent).toHaveLength(before + 3);
    notifier.removeZone(zone);
    expect([sockets.size, timers.pending, notifier.status()]).toEqual([0, 0, []]);
    publish(zone);
    expect(sent).toHaveLength(before + 3);
  });

  it('notify: false stops a NOTIFY in flight at once', () => {
    const { notifier, timers, sockets } = lab();
    const zone = makeZone('example.com', 7);
    notifier.setSecondaries(zone, [plain]);
    notifier.setSecondaries(zone, [{ ...plain, notify: false }]);
    expect([sockets.size, timers.pending]).toEqual([0, 0]);
    expect(notifier.status()).toHaveLength(1);
  });

  it('close cancels all timers and closes all sockets', () => {
    const { notifier, sent, timers, publish, sockets } = lab();
    const zone = makeZone('example.com', 7);
    notifier.setSecondaries(zone, [plain, { ...plain, address: '192.0.2.54' }]);
    sent[0]!.answer();
    publish(zone);
    expect([sockets.size, timers.pending]).toEqual([1, 2]);
    notifier.close();
    expect([sockets.size, timers.pending]).toEqual([0, 0]);
    publish(zone);
    expect(sent).toHaveLength(2);
  });
});

describe('over real sockets', () => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  it('uses a new source port each time, and is acknowledged', async () => {
    const ports = new Set<number>();
    const secondary = await listenUdp((request, send, from) => {
      ports.add(from.port);
      send(replyTo(request));
    });
    const notifier = new Notifier(() => undefined);
    cleanups.push(
      () => secondary.close(),
      () => notifier.close(),
    );
    const zone = makeZone('example.com', 7);
    notifier.setSecondaries(zone, [{ address: secondary.host, port: secondary.port, notify: true, poll: false }]);
    await waitUntil('the first', () => notifier.status()[0]!.acknowledged?.serial === 7);
    setAddresses(zone, 'home', ['192.0.2.1']);
    notifier.published(zone);
    await waitUntil('the second', () => notifier.status()[0]!.acknowledged?.serial === 8);
    expect(secondary.requests).toHaveLength(2);
    expect(ports.size).toBe(2);
  });

  it('ignores an answer from another port of the secondary', async () => {
    const forge = createSocket('udp4');
    const warnings: string[] = [];
    const notifier = new Notifier(({ problem }) => warnings.push(problem));
    const secondary = await listenUdp((request, send, from) => {
      forge.send(replyTo(request, { rcode: Rcode.REFUSED }), from.port, from.address, () => send(replyTo(request)));
    });
    cleanups.push(
      () => forge.close(),
      () => secondary.close(),
      () => notifier.close(),
    );
    const place = { address: secondary.host, port: secondary.port, notify: true, poll: false };
    notifier.setSecondaries(makeZone('example.com', 7), [place]);
    await waitUntil('an answer', () => notifier.status()[0]!.acknowledged !== undefined);
    expect(warnings).toEqual([]);
  });

  it('retries while the port is closed', async () => {
    const port = await freePort();
    const notifier = new Notifier(() => undefined);
    cleanups.push(() => notifier.close());
    notifier.setSecondaries(makeZone('example.com', 7), [{ address: '127.0.0.1', port, notify: true, poll: false }]);
    await waitUntil('an attempt', () => notifier.status()[0]!.failures === 1);
    const secondary = await listenUdp((request, send) => send(replyTo(request)), port);
    cleanups.push(() => secondary.close());
    await waitUntil('an answer', () => notifier.status()[0]!.acknowledged !== undefined);
  });
});
