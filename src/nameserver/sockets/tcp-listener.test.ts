/** DNS over TCP as a server: streams split anywhere, pipelining, limits of time, number and memory, transfers. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { frame } from '../../../test/support/dns-listener.ts';
import { waitUntil } from '../../../test/support/process.ts';
import { connectStream, type StreamClient } from '../../../test/support/stream-client.ts';
import type { DnsPeer, DnsService, StreamReply } from '../answer/dns-service.ts';
import type { TcpLimits } from './tcp-limits.ts';
import { TcpListener } from './tcp-listener.ts';

/** A message of the given size: id, QR=0, then octets that depend on their position. */
function message(id: number, octets = 40): Buffer {
  const data = Buffer.from(Array.from({ length: octets }, (_, i) => (i * 31 + id) & 0xff));
  data.writeUInt16BE(id, 0);
  data[2] = 0;
  return data;
}

function replyTo(octets: Uint8Array): Buffer {
  const reply = Buffer.from(octets);
  reply[2]! |= 0x80;
  return reply;
}

const idOf = (octets: Uint8Array) => (octets[0]! << 8) | octets[1]!;

let listener: TcpListener;
let clients: StreamClient[] = [];
let asked: Buffer[] = [];
let peers: DnsPeer[] = [];
let faults: unknown[] = [];

beforeEach(() => {
  clients = [];
  asked = [];
  peers = [];
  faults = [];
});

afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  await listener.close(0);
});

/** Starts a listener whose service answers with `answer`; by default at once with the same octets and QR. */
async function start(limits: Partial<TcpLimits> = {}, answer: (octets: Uint8Array) => StreamReply = replyTo) {
  const service: DnsService = {
    answerDatagram: () => undefined,
    answerStream(octets, peer) {
      asked.push(Buffer.from(octets));
      peers.push(peer);
      return answer(octets);
    },
  };
  listener = new TcpListener(service, (error) => faults.push(error), { sweepMs: 20, ...limits });
  await listener.open('127.0.0.1', 0);
}

async function client(options: Parameters<typeof connectStream>[1] = {}): Promise<StreamClient> {
  const made = await connectStream(listener.port, options);
  clients.push(made);
  return made;
}

/** A promise that the test resolves. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Numbers the turns of the event loop. */
function countTurns() {
  let turn = 0;
  let immediate = setImmediate(function next() {
    turn += 1;
    immediate = setImmediate(next);
  });
  return { turn: () => turn, stop: () => clearImmediate(immediate) };
}

function mostInATurn(turns: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const turn of turns) counts.set(turn, (counts.get(turn) ?? 0) + 1);
  return Math.max(...counts.values());
}

describe('framing (RFC 1035 §4.2.2, RFC 7766 §8)', () => {
  it('a stream of three messages, split at each octet, gives three replies each time', async () => {
    await start();
    const stream = Buffer.concat([frame(message(1, 12)), frame(message(2, 300)), frame(message(3, 17))]);
    const { socket, messages, received } = await client();
    for (let cut = 1; cut < stream.length; cut++) {
      messages.length = 0;
      socket.write(stream.subarray(0, cut));
      // The two parts must arrive one after the other.
      await new Promise(setImmediate);
      socket.write(stream.subarray(cut));
      const replies = await received(3);
      expect(replies, `cut at ${cut}`).toEqual([1, 2, 3].map((id, i) => replyTo(message(id, [12, 300, 17][i]))));
    }
    expect(faults).toEqual([]);
  });

  it('octet by octet', async () => {
    await start();
    const { socket, received } = await client();
    for (const octet of Buffer.concat([frame(message(1, 700)), frame(message(2, 12))])) {
      await new Promise<void>((resolve) => socket.write(Uint8Array.of(octet), () => resolve()));
    }
    expect(await received(2)).toEqual([replyTo(message(1, 700)), replyTo(message(2, 12))]);
  });

  it('the largest message, in parts, and the largest reply', async () => {
    await start();
    const { socket, received } = await client();
    const stream = Buffer.concat([frame(message(1, 65_535)), frame(message(2, 65_535))]);
    for (let at = 0; at < stream.length; at += 1_000) {
      socket.write(stream.subarray(at, at + 1_000));
      await new Promise(setImmediate);
    }
    expect(await received(2)).toEqual([replyTo(message(1, 65_535)), replyTo(message(2, 65_535))]);
  });

  it.each([0, 1, 11])('a length of %i closes the connection after the replies to earlier messages', async (length) => {
    await start();
    const { socket, ended, messages } = await client();
    socket.write(Buffer.concat([frame(message(7)), Uint8Array.of(0, length), Buffer.alloc(60)]));
    await ended();
    expect(asked.map(idOf)).toEqual([7]);
    expect(messages.length).toBeLessThanOrEqual(1);
  });

  it('half a message, then the end or a reset: no message is answered, and the connection is closed', async () => {
    await start();
    const whole = frame(message(1));
    for (let cut = 1; cut < whole.length; cut++) {
      const one = await client();
      one.socket.end(whole.subarray(0, cut));
      await one.ended();
      const other = await client();
      other.socket.write(whole.subarray(0, cut));
      await new Promise(setImmediate);
      other.socket.resetAndDestroy();
    }
    await waitUntil('all connections to be gone', () => listener.connectionCount === 0);
    expect(asked).toEqual([]);
    expect(faults).toEqual([]);
  });

  it('RFC 7766 §6.2.4: a client that closes its side after the queries gets all replies, also late ones', async () => {
    const late = gate();
    await start({}, async (octets) => {
      await late.opened;
      return replyTo(octets);
    });
    const { socket, received, ended } = await client();
    socket.end(Buffer.concat([frame(message(1)), frame(message(2))]));
    await waitUntil('two questions', () => asked.length === 2);
    late.open();
    expect((await received(2)).map(idOf)).toEqual([1, 2]);
    await ended();
  });

  it('passes the peer', async () => {
    await start();
    const { socket, received } = await client();
    socket.write(frame(message(1)));
    await received(1);
    expect(peers).toEqual([{ address: '127.0.0.1', port: socket.localPort }]);
  });
});

describe('pipelining (RFC 7766 §6.2.1)', () => {
  it('replies are sent in the order in which they are ready', async () => {
    const gates = Array.from({ length: 5 }, gate);
    await start({}, async (octets) => {
      await gates[idOf(octets)]!.opened;
      return replyTo(octets);
    });
    const { socket, received } = await client();
    socket.write(Buffer.concat([0, 1, 2, 3, 4].map((id) => frame(message(id)))));
    await waitUntil('five questions', () => asked.length === 5);
    for (const [i, id] of [3, 0, 4, 2, 1].entries()) {
      gates[id]!.open();
      await received(i + 1);
    }
    expect((await received(5)).map(idOf)).toEqual([3, 0, 4, 2, 1]);
  });

  it('replies of one turn are sent in one write', async () => {
    const all = gate();
    await start({}, async (octets) => {
      await all.opened;
      for (let i = 0; i < idOf(octets); i++) await null;
      return replyTo(octets);
    });
    // The server's own side: the kernel may put several writes into one packet.
    const writes: number[] = [];
    const onSocket = (message: unknown) => {
      const { socket: own } = message as { socket: Socket };
      const write = own.write.bind(own) as (data: Buffer, done: () => void) => boolean;
      own.write = ((data: Buffer, done: () => void) => {
        writes.push(data.length);
        return write(data, done);
      }) as Socket['write'];
    };
    subscribe('net.server.socket', onSocket);
    const { socket, received } = await client();
    socket.write(Buffer.concat(Array.from({ length: 20 }, (_, id) => frame(message(id)))));
    await waitUntil('20 questions', () => asked.length === 20);
    all.open();
    await received(20);
    unsubscribe('net.server.socket', onSocket);
    expect(writes).toEqual([20 * 42]);
  });

  it('at most the limit of messages wait at a time; the others are read when there is room', async () => {
    const waiting: (() => void)[] = [];
    await start({ inFlight: 8 }, (octets) => {
      return new Promise((resolve) => waiting.push(() => resolve(replyTo(octets))));
    });
    const { socket, received } = await client();
    const stream = Buffer.concat(Array.from({ length: 600 }, (_, id) => frame(message(id))));
    socket.write(stream);
    let answered = 0;
    while (answered < 600) {
      await waitUntil('questions', () => waiting.length > 0);
      expect(waiting.length).toBeLessThanOrEqual(8);
      for (const reply of waiting.splice(0)) {
        reply();
        answered += 1;
      }
    }
    expect((await received(600)).map(idOf)).toEqual(Array.from({ length: 600 }, (_, id) => id));
  });

  it('at most 256 messages of a connection are answered in one turn', async () => {
    const { turn, stop } = countTurns();
    const turns: number[] = [];
    await start({}, (octets) => {
      turns.push(turn());
      return replyTo(octets);
    });
    const { socket, received } = await client();
    socket.write(Buffer.concat(Array.from({ length: 2_000 }, (_, id) => frame(message(id, 12)))));
    expect((await received(2_000)).map(idOf)).toEqual(Array.from({ length: 2_000 }, (_, id) => id));
    stop();
    expect(mostInATurn(turns)).toBeGreaterThan(20);
    expect(mostInATurn(turns)).toBeLessThanOrEqual(256);
  });

  it('the octets of waiting messages are limited, too', async () => {
    const all = gate();
    await start({}, async (octets) => {
      if (octets.length === 12) return replyTo(octets);
      await all.opened;
      return undefined;
    });
    const { socket } = await client();
    socket.write(Buffer.concat(Array.from({ length: 20 }, (_, id) => frame(message(id, 60_000)))));
    await waitUntil('three questions', () => asked.length === 3);
    // Long enough for the others to arrive, if they were read.
    const other = await client();
    for (let i = 1; i <= 20; i++) {
      other.socket.write(frame(message(99, 12)));
      await other.received(i);
    }
    expect(asked.length).toBe(3 + 20);
    all.open();
    await waitUntil('all questions', () => asked.length === 20 + 20);
  });

  it('an exception and a rejection are reported; the connection stays open', async () => {
    await start({}, (octets) => {
      if (idOf(octets) === 1) throw new Error('at once');
      if (idOf(octets) === 2) return Promise.reject(new Error('later'));
      return idOf(octets) === 3 ? undefined : replyTo(octets);
    });
    const { socket, received } = await client();
    socket.write(Buffer.concat([1, 2, 3, 4].map((id) => frame(message(id)))));
    expect((await received(1)).map(idOf)).toEqual([4]);
    await waitUntil('two faults', () => faults.length === 2);
    expect(faults.map(String)).toEqual(['Error: at once', 'Error: later']);
  });

  it('reading stops for a client that sends many queries and reads nothing, and continues when it reads', async () => {
    await start({}, () => Buffer.alloc(60_000));
    const { socket, received } = await client({ paused: true });
    const count = 2_000;
    socket.write(Buffer.concat(Array.from({ length: count }, (_, id) => frame(message(id)))));
    let before = -1;
    await waitUntil('reading to stop', async () => {
      const same = asked.length > 0 && asked.length === before;
      before = asked.length;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return same;
    });
    // 120 MB of replies are requested; only what fits into the kernel's buffers was sent.
    expect(asked.length).toBeLessThan(count / 2);
    socket.resume();
    await received(count);
    expect(asked.length).toBe(count);
  });
});

describe('time limits (RFC 7766 §6.2.3)', () => {
  it('an idle connection is closed, and an active one is not', async () => {
    await start({ idleMs: 300 });
    const idle = await client();
    const busy = await client();
    const began = performance.now();
    while (!idle.isEnded()) {
      busy.socket.write(frame(message(1)));
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(performance.now() - began).toBeLessThan(5_000);
    }
    expect(performance.now() - began).toBeGreaterThan(250);
    expect(busy.isEnded()).toBe(false);
  });

  it('a message must be complete in time, however many octets trickle in', async () => {
    await start({ messageMs: 300, idleMs: 60_000 });
    const { socket, isEnded } = await client();
    const slow = frame(message(1, 30_000));
    const began = performance.now();
    for (let at = 0; !isEnded(); at++) {
      socket.write(slow.subarray(at, at + 1));
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(performance.now() - began).toBeLessThan(5_000);
    }
    expect(performance.now() - began).toBeGreaterThan(250);
    expect(asked).toEqual([]);
  });

  it('one octet of a length is a started message', async () => {
    await start({ messageMs: 100, idleMs: 60_000 });
    const { socket, ended } = await client();
    socket.write(Uint8Array.of(0));
    await ended();
  });

  it('a connection that waits for a slow reply stays open', async () => {
    const late = gate();
    await start({ idleMs: 50, messageMs: 50, readerMs: 50 }, async (octets) => {
      await late.opened;
      return replyTo(octets);
    });
    const { socket, received, ended } = await client();
    socket.write(frame(message(1)));
    for (let i = 0; i < 3; i++) await (await client()).ended();
    late.open();
    expect((await received(1)).map(idOf)).toEqual([1]);
    await ended();
  });

  it('a client that reads nothing is disconnected', async () => {
    await start({ readerMs: 300 }, () => Buffer.alloc(60_000));
    const { socket } = await client({ paused: true });
    socket.write(Buffer.concat(Array.from({ length: 500 }, (_, id) => frame(message(id)))));
    await waitUntil('the connection to be gone', () => listener.connectionCount === 0);
  });
});

describe('connections', () => {
  it('of one source are limited; a closed one frees its place', async () => {
    await start({ connectionsFromLoopback: 3 });
    const open = [await client(), await client(), await client()];
    const more = await client();
    await more.ended();
    open[1]!.socket.destroy();
    await waitUntil('one to be gone', () => listener.connectionCount === 2);
    const next = await client();
    next.socket.write(frame(message(9)));
    expect((await next.received(1)).map(idOf)).toEqual([9]);
  });

  it('are limited in total: a new one evicts the one that has been idle longest', async () => {
    await start({ connections: 2 });
    const [first, second] = [await client(), await client()];
    first.socket.write(frame(message(1)));
    await first.received(1);
    const third = await client();
    await second.ended();
    third.socket.write(frame(message(3)));
    await third.received(1);
    first.socket.write(frame(message(4)));
    expect((await first.received(2)).map(idOf)).toEqual([1, 4]);
  });

  it('that all wait for replies are not evicted', async () => {
    await start({ connections: 1 }, () => new Promise(() => {}));
    const first = await client();
    first.socket.write(frame(message(1)));
    await waitUntil('the question', () => asked.length === 1);
    await (await client()).ended();
    expect(first.isEnded()).toBe(false);
  });

  it('are all closed after close()', async () => {
    await start();
    const made = [await client(), await client()];
    made[0]!.socket.write(frame(message(1)).subarray(0, 20));
    const began = performance.now();
    await listener.close(5_000);
    expect(performance.now() - began).toBeLessThan(500);
    for (const { ended } of made) await ended();
    expect(listener.connectionCount).toBe(0);
  });

  it('wait at close() for pending replies, at most for the grace time', async () => {
    const late = gate();
    await start({}, async (octets) => {
      if (idOf(octets) === 2) await new Promise(() => {});
      await late.opened;
      return replyTo(octets);
    });
    const [patient, endless] = [await client(), await client()];
    patient.socket.write(frame(message(1)));
    endless.socket.write(frame(message(2)));
    await waitUntil('two questions', () => asked.length === 2);
    const closed = listener.close(300);
    late.open();
    expect((await patient.received(1)).map(idOf)).toEqual([1]);
    await closed;
    await endless.ended();
  });
});

describe('a stream of replies', () => {
  const read = { messages: 0, returned: 0 };

  async function* transfer(count: number, octets: number, id: number) {
    try {
      for (let i = 0; i < count; i++) {
        read.messages += 1;
        yield Buffer.concat([message(id, 12), Buffer.alloc(octets - 12, i)]);
      }
    } finally {
      read.returned += 1;
    }
  }

  beforeEach(() => Object.assign(read, { messages: 0, returned: 0 }));

  it('arrives complete and in order, also several on one connection', async () => {
    await start({}, (octets) => transfer(200, 20_000, idOf(octets)));
    const { socket, received } = await client();
    socket.write(Buffer.concat([frame(message(1)), frame(message(2))]));
    const replies = await received(400);
    expect(replies.map(idOf)).toEqual([...Array(200).fill(1), ...Array(200).fill(2)]);
    expect(replies.every((reply, i) => reply.length === 20_000 && reply[19_999] === ((i % 200) & 0xff))).toBe(true);
    await waitUntil('the end of both', () => read.returned === 2);
    expect(read.messages).toBe(400);
  });

  it('waits for a client that stops reading, and ends when it disconnects', async () => {
    await start({}, (octets) => transfer(100_000, 10_000, idOf(octets)));
    const { socket } = await client({ paused: true });
    socket.write(frame(message(1)));
    let before = -1;
    await waitUntil('the transfer to stop', async () => {
      const same = read.messages > 0 && read.messages === before;
      before = read.messages;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return same;
    });
    // The stream has a gigabyte.
    expect(read.messages).toBeLessThan(5_000);
    expect(read.returned).toBe(0);
    socket.destroy();
    await waitUntil('the end of the transfer', () => read.returned === 1);
    expect(faults).toEqual([]);
  });

  it('yields after 64 KiB, although the kernel would accept more', async () => {
    const { turn, stop } = countTurns();
    const turns: number[] = [];
    await start({}, async function* () {
      for (let i = 0; i < 100; i++) {
        turns.push(turn());
        yield Buffer.alloc(10_000);
      }
    });
    const { socket, received } = await client();
    socket.write(frame(message(1)));
    await received(100);
    stop();
    expect(mostInATurn(turns)).toBeLessThanOrEqual(8);
  });

  it('does not block other connections', async () => {
    await start({}, (octets) => (idOf(octets) === 1 ? transfer(100_000, 10_000, 1) : replyTo(octets)));
    const large = await client();
    large.socket.write(frame(message(1)));
    await large.received(10);
    const small = await client();
    small.socket.write(frame(message(2)));
    await small.received(1);
    expect(read.returned).toBe(0);
    large.socket.destroy();
    await waitUntil('the end of the transfer', () => read.returned === 1);
  });

  it('that fails closes the connection, so that a client does not mistake a part for the whole', async () => {
    await start({ idleMs: 60_000 }, async function* () {
      yield message(1, 12);
      throw new Error('the zone is gone');
    });
    const { socket, ended } = await client();
    socket.write(frame(message(1)));
    await ended();
    expect(faults.map(String)).toEqual(['Error: the zone is gone']);
  });

  it('a reply that does not fit into a message closes the connection and is reported', async () => {
    await start({}, () => Buffer.alloc(65_536));
    const { socket, ended } = await client();
    socket.write(frame(message(1)));
    await ended();
    expect(String(faults[0])).toContain('65536 octets');
  });
});
