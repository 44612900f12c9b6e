/** TCP exchanges (RFC 7766) with servers that answer out of order, late, in pieces, wrongly or not at all. */
import { afterEach, describe, expect, it } from 'vitest';
import { frame, listenTcp, replyTo, type TcpListener } from '../../test/support/dns-listener.ts';
import { freePort } from '../../test/support/free-port.ts';
import { waitUntil } from '../../test/support/process.ts';
import { DomainName } from '../dns/name.ts';
import { RRClass, RRType } from '../dns/rdata.ts';
import { encodeMessage, makeMessage } from '../dns/wire/message.ts';
import { ExchangeError, messageId, type Reply } from './exchange.ts';
import { TcpExchanger } from './tcp.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type OnRequest = Parameters<typeof listenTcp>[0];

async function serve(onRequest: OnRequest): Promise<{ server: TcpListener; exchanger: TcpExchanger }> {
  const server = await listenTcp(onRequest);
  const exchanger = new TcpExchanger(server);
  cleanups.push(
    () => server.close(),
    () => exchanger.close(),
  );
  return { server, exchanger };
}

function query(name: string) {
  const questions = [{ qname: DomainName.parse(name), qtype: RRType.A, qclass: RRClass.IN }];
  return (id: number) => encodeMessage(makeMessage({ id, questions }));
}

function ask(exchanger: TcpExchanger, name = 'a.example.com', timeoutMs = 5000): Promise<Reply> {
  return exchanger.exchange(query(name), performance.now() + timeoutMs);
}

/** What a failed exchange failed with. */
async function failure(exchange: Promise<Reply>): Promise<{ failure: string; sent: boolean }> {
  const error = await exchange.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ExchangeError)) throw new Error(`no ExchangeError but ${error}`);
  return { failure: error.failure, sent: error.sent };
}

function nameIn(reply: Reply): string {
  return reply.message.questions[0]!.qname.toString();
}

describe('a persistent connection', () => {
  it('carries many requests at once, in few segments', async () => {
    const { server, exchanger } = await serve((request, socket) => socket.write(frame(replyTo(request))));
    const names = Array.from({ length: 300 }, (_, index) => `n${index}.example.com`);
    const replies = await Promise.all(names.map((name) => ask(exchanger, name)));
    expect(replies.map(nameIn)).toEqual(names.map((name) => `${name}.`));
    expect(server.connections).toHaveLength(1);
    expect(new Set(server.requests.map((request) => messageId(request))).size).toBe(300);
  });

  it('accepts replies in any order', async () => {
    const held: Buffer[] = [];
    const { exchanger } = await serve((request, socket) => {
      if (held.push(request) === 5) for (const each of held.toReversed()) socket.write(frame(replyTo(each)));
    });
    const names = ['a', 'b', 'c', 'd', 'e'].map((label) => `${label}.example.com`);
    const order: string[] = [];
    const replies = await Promise.all(
      names.map(async (name) => {
        const reply = await ask(exchanger, name);
        order.push(nameIn(reply));
        return nameIn(reply);
      }),
    );
    expect(replies).toEqual(names.map((name) => `${name}.`));
    expect(order).toEqual(replies.toReversed());
  });

  it('accepts a reply that arrives octet by octet, and two in one segment', async () => {
    const held: Buffer[] = [];
    const { exchanger } = await serve((request, socket) => {
      if (held.push(request) === 1) {
        const octets = frame(replyTo(request));
        const drip = (at: number) => {
          if (at === octets.length) return;
          socket.write(octets.subarray(at, at + 1));
          setImmediate(drip, at + 1);
        };
        drip(0);
      } else if (held.length === 3) {
        socket.write(Buffer.concat(held.slice(1).map((each) => frame(replyTo(each)))));
      }
    });
    expect(nameIn(await ask(exchanger, 'a.example.com'))).toBe('a.example.com.');
    const both = await Promise.all([ask(exchanger, 'b.example.com'), ask(exchanger, 'c.example.com')]);
    expect(both.map(nameIn)).toEqual(['b.example.com.', 'c.example.com.']);
  });

  it('is replaced after the server closed it', async () => {
    const { server, exchanger } = await serve((request, socket) => socket.write(frame(replyTo(request))));
    for (let round = 1; round <= 3; round++) {
      await ask(exchanger);
      expect(server.connections).toHaveLength(round);
      const connection = server.connections.at(-1)!;
      const closed = new Promise((resolve) => connection.on('close', resolve));
      connection.end();
      await closed;
    }
  });

  it('ignores a late reply', async () => {
    let late: (() => void) | undefined;
    const { server, exchanger } = await serve((request, socket) => {
      if (late === undefined) late = () => socket.write(frame(replyTo(request)));
      else {
        late();
        socket.write(frame(replyTo(request)));
      }
    });
    const first = failure(ask(exchanger, 'late.example.com', 60));
    // A second exchange keeps the connection open while the first one times out.
    await waitUntil('the first request', () => late !== undefined);
    expect(await first).toEqual({ failure: 'timeout', sent: true });
    expect(nameIn(await ask(exchanger, 'next.example.com'))).toBe('next.example.com.');
    expect(server.connections.length).toBeGreaterThan(0);
  });

  it('accepts no new requests after a timeout: the next exchange uses a new connection', async () => {
    const silent = new Set<unknown>();
    const { server, exchanger } = await serve((request, socket) => {
      if (silent.size === 0 || silent.has(socket)) silent.add(socket);
      else socket.write(frame(replyTo(request)));
    });
    const patient = ask(exchanger, 'patient.example.com', 2000);
    expect(await failure(ask(exchanger, 'a.example.com', 60))).toEqual({ failure: 'timeout', sent: true });
    await ask(exchanger, 'b.example.com');
    expect(server.connections).toHaveLength(2);
    // The pending request may still be answered on the old connection, which is closed once it is idle.
    server.connections[0]!.write(frame(replyTo(server.requests[0]!)));
    expect(nameIn(await patient)).toBe('patient.example.com.');
    await waitUntil(
      'the old connection to be closed',
      () => server.connections[0]!.destroyed || server.connections[0]!.readableEnded,
      2000,
    );
  });
});

describe('what a server does wrong', () => {
  it.each<[string, (request: Buffer) => Uint8Array, string]>([
    [
      'no DNS at all',
      () => Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'.repeat(600)),
      'garbage',
    ],
    [
      'a short text of another protocol, then the end',
      () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'garbage',
    ],
    ['a frame of no octets', () => frame(Buffer.alloc(0)), 'garbage'],
    ['half a message', (request) => frame(replyTo(request).subarray(0, 20)), 'garbage'],
    ['octets after the message', (request) => frame(Buffer.concat([replyTo(request), Buffer.of(0)])), 'garbage'],
    ['the request itself', (request) => frame(request), 'garbage'],
    ['a reply to another opcode', (request) => frame(replyTo(request, { opcode: 5 })), 'garbage'],
    [
      'a reply to another question',
      (request) => {
        const questions = [{ qname: DomainName.parse('b.example.com'), qtype: 1, qclass: 1 }];
        return frame(replyTo(request, { questions }));
      },
      'garbage',
    ],
    [
      'a reply to another type',
      (request) => {
        const questions = [{ qname: DomainName.parse('a.example.com'), qtype: 28, qclass: 1 }];
        return frame(replyTo(request, { questions }));
      },
      'garbage',
    ],
    ['success without a question', (request) => frame(replyTo(request, { questions: [] })), 'garbage'],
    ['a reply with an unknown id', (request) => frame(replyTo(request, { id: messageId(request) ^ 1 })), 'timeout'],
    ['half a frame', (request) => frame(replyTo(request)).subarray(0, 15), 'timeout'],
    ['a single octet', () => Buffer.of(0), 'timeout'],
  ])('%s', async (title, answer, expected) => {
    const { server, exchanger } = await serve((request, socket) => {
      socket.write(server.connections.length === 1 ? answer(request) : frame(replyTo(request)));
      if (title.endsWith('then the end') && server.connections.length === 1) socket.end();
    });
    expect(await failure(ask(exchanger, 'a.example.com', 200))).toEqual({ failure: expected, sent: true });
    expect(nameIn(await ask(exchanger))).toBe('a.example.com.');
  });

  it('an error without a question is a reply: servers send it for what they cannot read', async () => {
    const { exchanger } = await serve((request, socket) =>
      socket.write(frame(replyTo(request, { questions: [], rcode: 1 }))),
    );
    expect((await ask(exchanger)).message.rcode).toBe(1);
  });

  it('closing with requests pending fails all of them, and only them', async () => {
    const { server, exchanger } = await serve((request, socket) => {
      if (server.connections.length > 1) socket.write(frame(replyTo(request)));
      else if (server.requests.length === 3) socket.destroy();
    });
    const pending = ['a', 'b', 'c'].map((label) => failure(ask(exchanger, `${label}.example.com`)));
    expect(await Promise.all(pending)).toEqual(Array(3).fill({ failure: 'closed', sent: true }));
    expect(nameIn(await ask(exchanger))).toBe('a.example.com.');
  });
});

describe('a server that cannot be reached', () => {
  it('no server is listening: nothing was sent', async () => {
    const exchanger = new TcpExchanger({ host: '127.0.0.1', port: await freePort() });
    const started = performance.now();
    await expect(ask(exchanger)).rejects.toThrow(/cannot connect to 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/);
    expect(await failure(ask(exchanger))).toEqual({ failure: 'unreachable', sent: false });
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('a server that accepts and never reads is a timeout after sending', async () => {
    const { server, exchanger } = await serve(() => undefined);
    const reply = ask(exchanger, 'a.example.com', 200);
    await waitUntil('the connection', () => server.connections.length === 1);
    server.connections[0]!.pause();
    expect(await failure(reply)).toEqual({ failure: 'timeout', sent: true });
  });

  it('a request that timed out before the connection was established is never sent', async () => {
    const { server, exchanger } = await serve((request, socket) => socket.write(frame(replyTo(request))));
    // Sleeps in the callback of a turn: after it the event loop runs its timers first, and then sees the connection.
    const [early, later] = await new Promise<[Promise<unknown>, Promise<Reply>]>((resolve) => {
      setImmediate(() => {
        const exchanges = [ask(exchanger, 'early.example.com', 0), ask(exchanger, 'later.example.com', 5000)] as const;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120);
        resolve([failure(exchanges[0]), exchanges[1]]);
      });
    });
    expect(await early).toEqual({ failure: 'unreachable', sent: false });
    expect(nameIn(await later)).toBe('later.example.com.');
    expect(server.requests).toHaveLength(1);
  });
});

describe('close', () => {
  it('fails requests in flight', async () => {
    const { server, exchanger } = await serve(() => undefined);
    const pending = failure(ask(exchanger));
    await waitUntil('the request', () => server.requests.length === 1);
    exchanger.close();
    expect(await pending).toEqual({ failure: 'closed', sent: true });
  });

  it('leaves nothing that keeps the process alive, and neither does an idle connection', async () => {
    /** Resources that keep the event loop alive, except the server of this test. */
    const alive = () =>
      process
        .getActiveResourcesInfo()
        .filter((kind) => /^(TCPSocketWrap|Timeout)$/.test(kind))
        .sort();
    const { server, exchanger } = await serve((request, socket) => {
      socket.unref();
      if (server.requests.length === 1) socket.write(frame(replyTo(request)));
    });
    await waitUntil('the sockets of other tests to be gone', () => !alive().includes('TCPSocketWrap'));
    const before = alive();
    await ask(exchanger);
    expect(alive()).toEqual(before);
    const pending = failure(ask(exchanger));
    await waitUntil('the request', () => server.requests.length === 2);
    expect(alive()).not.toEqual(before);
    exchanger.close();
    await pending;
    expect(alive()).toEqual(before);
  });
});
