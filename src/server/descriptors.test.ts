import { expect, it } from 'vitest';
import { MAX_CONTROL_CONNECTIONS } from '../control/socket-server.ts';
import { shareConnections, softDescriptorLimit } from './descriptors.ts';

it.each([128, 256, 300, 512, 1024, 4096, 65_536, 1_048_576])(
  'with %i descriptors all listeners together leave 256, or half of a small limit',
  (softLimit) => {
    for (const dnsListeners of [0, 1, 2, 8]) {
      const { http, metrics, dns } = shareConnections(softLimit, dnsListeners);
      const all = http + metrics + dns * dnsListeners + MAX_CONTROL_CONNECTIONS;
      expect(all).toBeLessThanOrEqual(Math.max(softLimit - 256, softLimit / 2 + 2 + dnsListeners));
      expect(Math.min(http, metrics, dns)).toBeGreaterThanOrEqual(1);
      expect([http, dns].every((part) => part <= 20_000)).toBe(true);
    }
  },
);

it('a usual server has the limits of before', () => {
  expect(shareConnections(1_048_576, 2)).toEqual({ http: 20_000, metrics: 64, dns: 1_000 });
});

it('the soft limit of this process is a number', () => {
  expect(softDescriptorLimit()).toBeGreaterThan(0);
});
