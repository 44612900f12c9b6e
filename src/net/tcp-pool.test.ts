/** Queries over a pool of connections: one at a time on each, in order, none after its deadline. */
import { afterEach, expect, it } from 'vitest';
import { frame, listenTcp, replyTo, type TcpListener } from '../../test/support/dns-listener.ts';
import { waitUntil } from '../../test/support/process.ts';
import { DomainName } from '../dns/name.ts';
import { RRClass, RRType } from '../dns/rdata.ts';
import { encodeMessage, makeMessage } from '../dns/wire/message.ts';
import { ExchangeError, type Reply } from './exchange.ts';
import { TcpPool } from './tcp-pool.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(
  onRequest: Parameters<typeof listenTcp>[0],
  isShared: () => boolean = () => true,
): Promise<{ server: TcpListener; pool: TcpPool }> {
  const server = await listenTcp(onRequest);
  const pool = new TcpPool(server, isShared);
  cleanups.push(
    () => server.close(),
    () => pool.close(),
  );
  return { server, pool };
}

function ask(pool: TcpPool, name: string, timeoutMs = 5000): Promise<Reply> {
  const questions = [{ qname: DomainName.parse(name), qtype: RRType.A, qclass: RRClass.IN }];
  return pool.exchange((id) => encodeMessage(makeMessage({ id, questions })), performance.now() + timeoutMs);
}

/** A reply from far away: more connections are worth it. */
const FAR_MS = 8;

it('opens sixteen connections to a server that no others ask, and uses four once they do', async () => {
  let isShared = false;
  const used = new Set<unknown>();
  const { server, pool } = await serve(
    (request, socket) => {
      used.add(socket);
      socket.write(frame(replyTo(request)));
    },
    () => isShared,
  );
  const all = () => Promise.all(Array.from({ length: 60 }, (_, index) => ask(pool, `n${index}.example.com.`)));
  await all();
  expect(server.connections).toHaveLength(16);
  isShared = true;
  await all();
  used.clear();
  await all();
  // A machine that is busy makes any server look farther away.
  expect(used.size).toBeLessThan(9);
});

it('opens four connections to a near server that others ask, too', async () => {
  const { server, pool } = await serve((request, socket) => socket.write(frame(replyTo(request))));
  for (let round = 0; round < 3; round++) {
    const names = Array.from({ length: 60 }, (_, index) => `n${index}.example.com.`);
    await Promise.all(names.map((name) => ask(pool, name)));
  }
  // A machine that is busy makes any server look farther away.
  expect(server.connections.length).toBeLessThan(9);
});

it('sends one query at a time on each of at most sixteen connections to a far one', async () => {
  const underWay = new Map<unknown, number>();
  let most = 0;
  const { server, pool } = await serve((request, socket) => {
    underWay.set(socket, (underWay.get(socket) ?? 0) + 1);
    most = Math.max(most, underWay.get(socket)!);
    setTimeout(() => {
      underWay.set(socket, underWay.get(socket)! - 1);
      socket.write(frame(replyTo(request)));
    }, FAR_MS);
  });
  const names = Array.from({ length: 100 }, (_, index) => `n${index}.example.com.`);
  for (let round = 0; round < 2; round++) {
    const replies = await Promise.all(names.map((name) => ask(pool, name)));
    expect(replies.map((reply) => reply.message.questions[0]!.qname.toString())).toEqual(names);
  }
  expect(most).toBe(1);
  expect(server.connections).toHaveLength(16);
});

it('a query that times out in the queue is never sent', async () => {
  const held: (() => void)[] = [];
  const { server, pool } = await serve((request, socket) => {
    held.push(() => socket.write(frame(replyTo(request))));
  });
  const first = Array.from({ length: 4 }, (_, index) => ask(pool, `n${index}.example.com`));
  const late = ask(pool, 'late.example.com', 0);
  const outcome = late.then(
    () => undefined,
    (error: unknown) => error,
  );
  await waitUntil('four queries', () => held.length === 4);
  for (const answer of held) answer();
  await Promise.all(first);
  const error = await outcome;
  expect(error).toBeInstanceOf(ExchangeError);
  expect(error).toMatchObject({ failure: 'timeout', sent: false });
  expect(server.requests).toHaveLength(4);
});

it('close fails queries in flight and in the queue, and nothing is sent afterwards', async () => {
  const { server, pool } = await serve(() => undefined);
  const replies = Array.from({ length: 20 }, (_, index) => ask(pool, `n${index}.example.com`));
  const outcomes = Promise.allSettled(replies);
  await waitUntil('four queries', () => server.requests.length === 4);
  pool.close();
  for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { failure: 'closed' } });
  await expect(ask(pool, 'after.example.com')).rejects.toMatchObject({ failure: 'closed', sent: false });
  expect(server.requests).toHaveLength(4);
});
