/** Counting of replies: by transport and RCODE, without allocation. */
import { expect, it } from 'vitest';
import { Rcode } from '../dns/wire/message.ts';
import { NameserverCounts } from './counts.ts';

it('counts replies by transport and RCODE, also extended RCODEs, and verdicts of the limiter', () => {
  const counts = new NameserverCounts();
  counts.reply(Rcode.NOERROR, false);
  counts.reply(Rcode.NOERROR, false);
  counts.reply(Rcode.NXDOMAIN, true);
  counts.reply(Rcode.BADVERS, false);
  counts.reply(4095, false);
  const verdicts = ['send', 'drop', 'slip', 'drop'] as const;
  let next = 0;
  const limiter = counts.limiter({ check: () => verdicts[next++]! });
  expect(verdicts.map(() => limiter.check('192.0.2.1', 'answer', ''))).toEqual(verdicts);
  const { replies, rateLimited } = counts.read();
  expect(replies).toEqual([
    { transport: 'udp', rcode: 'NOERROR', count: 2 },
    { transport: 'udp', rcode: 'BADVERS', count: 1 },
    { transport: 'tcp', rcode: 'NXDOMAIN', count: 1 },
  ]);
  expect(rateLimited).toEqual({ dropped: 2, truncated: 1 });
});

it('counts a reply and a verdict without allocating', () => {
  const counts = new NameserverCounts();
  const limiter = counts.limiter({ check: () => 'drop' });
  const calls = 50_000;
  const run = () => {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < calls; i++) {
      counts.reply(i % 6, (i & 1) === 0);
      limiter.check('192.0.2.1', 'answer', '');
    }
    return process.memoryUsage().heapUsed - before;
  };
  const octets = Array.from({ length: 10 }, run).slice(3).map(Math.abs);
  // The smallest object has 16 octets.
  expect(Math.min(...octets) / calls).toBeLessThan(2);
});
