/** The metrics listener: whatever the target, it answers and goes on. */
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Monitoring } from '../../core/monitoring.ts';
import { MetricsListener } from './metrics-listener.ts';

let listener: MetricsListener;
let port: number;
const warnings: string[] = [];

const monitoring = {
  isApart: true,
  notReady: () => Promise.reject(new Error('a defect')),
  metrics: async () => ({ body: 'x 1\n', contentType: 'text/plain' }),
} as unknown as Monitoring;

beforeEach(async () => {
  warnings.length = 0;
  listener = new MetricsListener(monitoring, (text) => warnings.push(text));
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 0, tls: false } as const;
  await listener.open(listen, {
    listen: [listen],
    socketMode: 0o600,
    trustedProxies: [],
    clientAddressHeader: 'x-forwarded-for',
    lenient: false,
  });
  port = Number(/:(\d+)$/.exec(listener.address ?? '')?.[1]);
});
afterEach(() => listener.close(0));

async function statusOf(text: string): Promise<number> {
  const client = connect({ host: '127.0.0.1', port });
  let reply = '';
  client.on('data', (chunk) => {
    reply += chunk;
  });
  client.on('error', () => undefined);
  client.write(text, 'latin1');
  await new Promise((resolve) => client.once('close', resolve));
  return Number(/^HTTP\/1\.1 (\d+)/.exec(reply)?.[1]);
}

it('answers every target', async () => {
  const fixed = [
    '//',
    '//[',
    '*',
    '/\\',
    'http://',
    'http://[',
    '/%',
    '/metrics?%',
    '/metrics%',
    '/healthz//',
    '/__proto__',
  ];
  const made = Array.from({ length: 200 }, (_, seed) =>
    Array.from({ length: 1 + (seed % 9) }, (_, at) => '/:@[]%?#\\.*a0'[(seed * 7 + at * (seed % 13)) % 14]).join(''),
  );
  for (const target of [...fixed, ...made]) {
    for (const method of ['GET', 'POST', 'HEAD']) {
      const status = await statusOf(`${method} ${target} HTTP/1.1\r\nConnection: close\r\n\r\n`);
      expect([200, 400, 404, 405], `${method} ${target}`).toContain(status);
    }
  }
  expect(await statusOf('GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n')).toBe(200);
  expect(warnings).toEqual([]);
});

it('answers a defect with 500, and reports it', async () => {
  expect(await statusOf('GET /readyz HTTP/1.1\r\nConnection: close\r\n\r\n')).toBe(500);
  expect(warnings).toEqual([expect.stringContaining('a defect')]);
});
