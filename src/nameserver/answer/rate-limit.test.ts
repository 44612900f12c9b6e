/** Response rate limiting: rates, slips, which replies share a limit, fixed memory, no amplification. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { parseIpPrefix } from '../../dns/address.ts';
import { type AnswerKind, RateLimiter, type RateLimitOptions, type RateVerdict } from './rate-limit.ts';

const KEY = Uint8Array.from({ length: 16 }, (_, i) => i * 7);

function limiter(more: Partial<RateLimitOptions> = {}) {
  const clock = { ms: 5_000 };
  const exempt = ['127.0.0.0/8', '::1', '198.51.100.0/25'].map((text) => parseIpPrefix(text)!);
  const options = { responsesPerSecond: 5, allPerSecond: 0, slip: 0, exempt, key: KEY, now: () => clock.ms, ...more };
  return { limiter: new RateLimiter(options), clock };
}

/** The verdicts on `count` equal replies. */
function many(
  { limiter }: { limiter: RateLimiter },
  count: number,
  peer = '192.0.2.1',
  kind: AnswerKind = 'answer',
  key = 'example',
): RateVerdict[] {
  return Array.from({ length: count }, () => limiter.check(peer, kind, key));
}

const sent = (verdicts: readonly RateVerdict[]) => verdicts.filter((verdict) => verdict === 'send').length;

describe('the rate', () => {
  it('is a burst at first, then the limit in each second', () => {
    const limited = limiter();
    expect(many(limited, 7)).toEqual(['send', 'send', 'send', 'send', 'send', 'drop', 'drop']);
    limited.clock.ms += 199;
    expect(sent(many(limited, 3))).toBe(0);
    limited.clock.ms += 1;
    expect(sent(many(limited, 3))).toBe(1);
    limited.clock.ms += 60_000;
    expect(sent(many(limited, 100))).toBe(5);
  });

  it.each([1, 3, 7, 20, 1_000, 0.5])('%d a second holds over a minute of a hundredfold flood', (responsesPerSecond) => {
    const limited = limiter({ responsesPerSecond });
    let count = 0;
    const step = 10 / responsesPerSecond;
    for (let i = 0; i < 6_000 * responsesPerSecond && i < 20_000; i++, limited.clock.ms += step) {
      if (limited.limiter.check('192.0.2.1', 'answer', 'example') === 'send') count += 1;
    }
    const seconds = (limited.clock.ms - 5_000) / 1_000;
    expect(count).toBeGreaterThanOrEqual(Math.floor(seconds * responsesPerSecond));
    expect(count).toBeLessThanOrEqual(seconds * responsesPerSecond + Math.max(1, responsesPerSecond));
  });

  it('0 is off', () => {
    expect(sent(many(limiter({ responsesPerSecond: 0 }), 1_000))).toBe(1_000);
  });

  it('does not apply to exempt networks', () => {
    const limited = limiter();
    for (const peer of ['127.0.0.1', '127.9.9.9', '::1', '198.51.100.127']) {
      expect(sent(many(limited, 50, peer)), peer).toBe(50);
    }
    expect(sent(many(limited, 50, '198.51.100.128'))).toBe(5);
    expect(sent(many(limited, 50, '::2'))).toBe(5);
  });
});

describe('the limit on all answers to one network', () => {
  /** The verdicts on `count` different replies. */
  const different = ({ limiter }: { limiter: RateLimiter }, count: number, peer = '192.0.2.1', first = 0) =>
    Array.from({ length: count }, (_, i) => limiter.check(peer, 'answer', `name${first + i}`));

  it('applies to answers that are all different, and is refilled with time', () => {
    const limited = limiter({ allPerSecond: 50 });
    expect(sent(different(limited, 500))).toBe(50);
    limited.clock.ms += 100;
    expect(sent(different(limited, 500, '192.0.2.200', 500))).toBe(5);
    limited.clock.ms += 60_000;
    expect(sent(different(limited, 500))).toBe(50);
  });

  it('covers all kinds together, and each network alone', () => {
    const limited = limiter({ allPerSecond: 6, responsesPerSecond: 3 });
    for (const kind of ['answer', 'referral', 'negative', 'error'] as const) many(limited, 3, '192.0.2.1', kind, kind);
    expect(many(limited, 1, '192.0.2.1', 'negative', 'another')).toEqual(['drop']);
    expect(many(limited, 1, '192.0.3.1', 'negative', 'another')).toEqual(['send']);
  });

  it('does not count what the limit on equal answers holds back', () => {
    const limited = limiter({ allPerSecond: 20 });
    expect(sent(many(limited, 1_000))).toBe(5);
    expect(sent(different(limited, 100))).toBe(15);
  });

  it('works alone; slip and exempt are as for equal answers', () => {
    expect(sent(many(limiter({ allPerSecond: 7, responsesPerSecond: 0 }), 100))).toBe(7);
    const slipping = different(limiter({ allPerSecond: 2, slip: 2 }), 6);
    expect(slipping).toEqual(['send', 'send', 'drop', 'slip', 'drop', 'slip']);
    expect(sent(different(limiter({ allPerSecond: 2 }), 100, '198.51.100.1'))).toBe(100);
  });

  it('holds while 100,000 different answers fill the table of equal ones', () => {
    const limited = limiter({ allPerSecond: 100, entries: 4_096 });
    expect(sent(different(limited, 100_000))).toBe(100);
  });
});

describe('replies that share a limit', () => {
  const shares = (one: readonly [string, AnswerKind, string], other: readonly [string, AnswerKind, string]) => {
    const limited = limiter();
    many(limited, 5, ...one);
    return limited.limiter.check(...other) === 'drop';
  };

  it.each([
    ['a /24', '192.0.2.1', '192.0.2.254', true],
    ['two /24', '192.0.2.1', '192.0.3.1', false],
    ['a /56', '2001:db8::1', '2001:db8:0:ff:1::1', true],
    ['two /56', '2001:db8::1', '2001:db8:0:100::1', false],
    ['the same octets in both families', '32.1.13.0', '2001:d00::', false],
  ])('%s: %s and %s: %s', (_title, one, other, together) => {
    expect(shares([one, 'answer', 'example'], [other, 'answer', 'example'])).toBe(together);
  });

  it('have the same kind and key', () => {
    expect(shares(['192.0.2.1', 'answer', 'a'], ['192.0.2.1', 'answer', 'b'])).toBe(false);
    expect(shares(['192.0.2.1', 'answer', 'a'], ['192.0.2.1', 'negative', 'a'])).toBe(false);
    expect(shares(['192.0.2.1', 'referral', 'a'], ['192.0.2.1', 'answer', 'a'])).toBe(false);
    expect(shares(['192.0.2.1', 'error', ''], ['192.0.2.1', 'negative', ''])).toBe(false);
    expect(shares(['192.0.2.1', 'error', ''], ['192.0.2.99', 'error', ''])).toBe(true);
    expect(shares(['192.0.2.1', 'answer', 'x'.repeat(270)], ['192.0.2.1', 'answer', 'x'.repeat(271)])).toBe(false);
  });
});

describe('slip', () => {
  it.each([
    [0, 'drop drop drop drop drop drop'],
    [1, 'slip slip slip slip slip slip'],
    [2, 'drop slip drop slip drop slip'],
    [3, 'drop drop slip drop drop slip'],
    [255, 'drop drop drop drop drop drop'],
  ])('%i: %s', (slip, verdicts) => {
    expect(many(limiter({ slip }), 11).slice(5).join(' ')).toBe(verdicts);
  });

  it('255: every 255th', () => {
    const verdicts = many(limiter({ slip: 255 }), 5 + 1_020).slice(5);
    expect(verdicts.map((verdict, i) => (verdict === 'slip' ? i + 1 : 0)).filter(Boolean)).toEqual([
      255, 510, 765, 1_020,
    ]);
  });
});

/** Memory in use after garbage collection. */
function memoryOctets(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('under attack', () => {
  it.each([0, 1, 2])('with slip %i a long flood gets fewer octets than it sends', (slip) => {
    const limited = limiter({ slip, responsesPerSecond: 20 });
    // A query without EDNS is echoed as header and question: a slip has the same size.
    const query = 12 + 13 + 4;
    let received = 0;
    let replied = 0;
    for (let i = 0; i < 100_000; i++, limited.clock.ms += 0.1) {
      const verdict = limited.limiter.check(`192.0.2.${i % 256}`, 'answer', 'example');
      received += query;
      replied += verdict === 'send' ? 1_232 : verdict === 'slip' ? query : 0;
    }
    // Ten seconds at 20, and 20 at once, of the largest reply: the rest must not add more than it costs.
    const answers = 220 * 1_232;
    expect(replied).toBeLessThanOrEqual(answers + (slip === 0 ? 0 : received / slip));
    expect(replied).toBeGreaterThan(200 * 1_232);
    expect(replied - answers).toBeLessThanOrEqual(received);
  });

  it('a million forged sources need no more memory and do not evict a limited source', () => {
    const limited = limiter({ responsesPerSecond: 20, entries: 4_096 });
    expect(sent(many(limited, 100))).toBe(20);
    const before = memoryOctets();
    let freed = 0;
    for (let i = 0; i < 1_000_000; i++) {
      const network = `${1 + (i % 120)}.${(i >> 7) & 255}.${(i >> 15) & 255}.1`;
      limited.limiter.check(network, 'answer', 'example');
      if (i % 1_000 === 0 && limited.limiter.check('192.0.2.1', 'answer', 'example') === 'send') freed += 1;
    }
    expect(freed).toBe(0);
    // Would detect one octet for each source.
    expect(memoryOctets() - before).toBeLessThan(1_000_000);
  });

  it('few real clients are affected by the entries of others', () => {
    const limited = limiter({ responsesPerSecond: 1, entries: 65_536 });
    let hit = 0;
    for (let i = 0; i < 50_000; i++) {
      if (limited.limiter.check(`10.${i >> 8}.${i & 255}.1`, 'answer', 'example') !== 'send') hit += 1;
    }
    expect(hit).toBeLessThanOrEqual(1);
  });

  it('another key stores the entries in other slots', () => {
    const pushedOut = (key: Uint8Array) => {
      const limited = limiter({ responsesPerSecond: 1, entries: 64, key });
      const peers = Array.from({ length: 64 }, (_, i) => `10.0.${i}.1`);
      for (const peer of peers) limited.limiter.check(peer, 'answer', 'example');
      return peers.filter((peer) => limited.limiter.check(peer, 'answer', 'example') === 'send').join();
    };
    expect(pushedOut(KEY)).not.toBe(pushedOut(KEY.map((octet) => octet ^ 1)));
    expect(pushedOut(KEY)).toBe(pushedOut(KEY));
  });
});

it('options out of range are rejected', () => {
  expect(() => limiter({ responsesPerSecond: -1 })).toThrow(RangeError);
  expect(() => limiter({ allPerSecond: -1 })).toThrow(RangeError);
  expect(() => limiter({ slip: 256 })).toThrow(RangeError);
  expect(() => limiter({ entries: 1_000 })).toThrow(RangeError);
  expect(() => limiter({ key: new Uint8Array(4) })).toThrow(RangeError);
});
