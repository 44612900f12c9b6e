/** One POST to a real receiver on 127.0.0.1. */
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startWebhookReceiver, type WebhookReceiver } from '../../test/support/webhook-receiver.ts';
import { HttpPoster, parseRetryAfter } from './http-post.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 10);

let receiver: WebhookReceiver;
const posters: HttpPoster[] = [];

function poster(url = receiver.url, timeoutMs = 5_000): HttpPoster {
  const opened = new HttpPoster(url, timeoutMs, 2);
  posters.push(opened);
  return opened;
}

beforeEach(async () => {
  receiver = await startWebhookReceiver();
});
afterEach(async () => {
  for (const opened of posters.splice(0)) opened.close();
  await receiver.close();
});

describe('a POST', () => {
  it('sends body and headers, with the credential of the URL, whatever its characters are', async () => {
    const url = receiver.url.replace('//', '//us%65r:100%25%zz@');
    expect(await poster(`${url}/a/b?c=d`).post('ä', { 'X-Test': '1' }, NOW_MS)).toEqual({
      kind: 'answered',
      status: 200,
    });
    expect(receiver.received[0]).toMatchObject({
      method: 'POST',
      path: '/a/b?c=d',
      body: 'ä',
      headers: { 'x-test': '1', 'content-length': '2' },
    });
    const [, credential] = receiver.received[0]!.headers.authorization!.split(' ');
    expect(Buffer.from(credential!, 'base64').toString()).toBe('user:100%25%zz');
  });

  it('does not follow a redirect', async () => {
    const target = await startWebhookReceiver();
    receiver.answer((response) => response.writeHead(307, { Location: target.url }).end());
    expect(await poster().post('x', {}, NOW_MS)).toEqual({ kind: 'answered', status: 307 });
    expect([receiver.received.length, target.received.length]).toEqual([1, 0]);
    await target.close();
  });

  it('ends after its timeout', async () => {
    receiver.answer(() => undefined);
    const startMs = performance.now();
    expect(await poster(receiver.url, 100).post('x', {}, NOW_MS)).toEqual({ kind: 'unanswered', reason: 'TIMEOUT' });
    expect(performance.now() - startMs).toBeLessThan(3_000);
  });

  it('returns the status, and does not read an endless response', async () => {
    let ended: Promise<unknown> | undefined;
    receiver.answer((response) => {
      ended = new Promise((resolve) => response.once('close', resolve));
      response.writeHead(200);
      const write = () => {
        while (response.write(Buffer.alloc(65_536))) if (response.destroyed) return;
        response.once('drain', write);
      };
      write();
    });
    expect(await poster(receiver.url, 600_000).post('x', {}, NOW_MS)).toMatchObject({ status: 200 });
    // Long before the timeout.
    await ended;
  });

  it('is sent again on a new connection if the keep-alive connection was closed', async () => {
    const reused = poster();
    await reused.post('1', {}, NOW_MS);
    receiver.answer((response) => response.socket?.destroy());
    expect(await reused.post('2', {}, NOW_MS)).toMatchObject({ status: 200 });
    expect(receiver.received.map(({ body }) => body)).toEqual(['1', '2', '2']);
    receiver.answer(
      (response) => response.socket?.destroy(),
      (response) => response.socket?.destroy(),
    );
    expect(await reused.post('3', {}, NOW_MS)).toEqual({ kind: 'unanswered', reason: 'ECONNRESET' });
  });

  it('returns the reason when there is no answer, without the URL', async () => {
    const closed = createTcpServer();
    const port = await new Promise<number>((resolve) =>
      closed.listen(0, '127.0.0.1', () => resolve((closed.address() as AddressInfo).port)),
    );
    await new Promise((resolve) => closed.close(resolve));
    const refused = await poster(`http://127.0.0.1:${port}/secret`).post('x', {}, NOW_MS);
    expect(refused).toEqual({ kind: 'unanswered', reason: 'ECONNREFUSED' });
    // TLS towards a server that speaks none.
    const plain = await poster(receiver.url.replace('http:', 'https:')).post('x', {}, NOW_MS);
    expect(plain).toEqual({ kind: 'unanswered', reason: expect.stringMatching(/^(EPROTO|ERR_SSL)/) });
  });
});

it('RFC 9110 §10.2.3: Retry-After is a number of seconds or a date', () => {
  expect(parseRetryAfter('120', NOW_MS)).toBe(120_000);
  expect(parseRetryAfter('Mon, 23 Nov 2026 10:01:00 GMT', NOW_MS)).toBe(60_000);
  expect(parseRetryAfter('Mon, 23 Nov 2026 09:00:00 GMT', NOW_MS)).toBe(0);
  for (const text of ['soon', '-5', '1e9', '', undefined]) expect(parseRetryAfter(text, NOW_MS)).toBeUndefined();
});
