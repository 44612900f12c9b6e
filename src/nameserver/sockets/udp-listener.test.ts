/** DNS over UDP as a server: datagrams of any size and number, synchronous and late replies, limits. */
import { createSocket, type Socket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../test/support/free-port.ts';
import { waitUntil } from '../../../test/support/process.ts';
import type { DnsPeer, DnsService } from '../answer/dns-service.ts';
import { UdpListener } from './udp-listener.ts';

type Answer = DnsService['answerDatagram'];

const OPCODE_UPDATE = 5 << 3;

function message(id: number, octets = 40, flags = 0): Buffer {
  const data = Buffer.alloc(octets, id & 0xff);
  data.writeUInt16BE(id, 0);
  data[2] = flags;
  return data;
}

const echo: Answer = (octets) => {
  const reply = Buffer.from(octets);
  reply[2]! |= 0x80;
  return reply;
};

let listener: UdpListener;
let port = 0;
let socket: Socket;
let replies: Buffer[] = [];
let peers: DnsPeer[] = [];
let faults: unknown[] = [];
let asked = 0;

async function start(answer: Answer = echo, host = '127.0.0.1', sharers = 1) {
  listener = new UdpListener(
    {
      answerDatagram(octets, peer) {
        asked += 1;
        peers.push(peer);
        return answer(octets, peer);
      },
    },
    (error) => faults.push(error),
    sharers,
  );
  port = await freePort();
  await listener.open(host, port);
  socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 });
  socket.on('message', (data) => replies.push(data));
  await new Promise<void>((resolve) => socket.bind(0, host, resolve));
}

const send = (data: Uint8Array, host = '127.0.0.1') =>
  new Promise<void>((resolve) => socket.send(data, port, host, () => resolve()));

const idsOf = (messages: readonly Buffer[]) => messages.map((data) => data.readUInt16BE(0));

beforeEach(() => {
  [replies, peers, faults, asked] = [[], [], [], 0];
});

afterEach(async () => {
  socket.close();
  await listener.close(0);
});

describe('a datagram', () => {
  it('is answered at once, also on IPv6, and the peer is passed', async () => {
    await start(echo, '::1');
    await send(message(7), '::1');
    await waitUntil('the reply', () => replies.length === 1);
    expect(replies).toEqual([message(7, 40, 0x80)]);
    expect(peers).toMatchObject([{ address: '::1', port: socket.address().port }]);
  });

  it('is answered later, in the order in which replies are ready, or not at all', async () => {
    const resolvers: ((reply: Uint8Array | undefined) => void)[] = [];
    await start(() => new Promise((resolve) => resolvers.push(resolve)));
    for (const id of [0, 1, 2]) await send(message(id));
    await waitUntil('three questions', () => resolvers.length === 3);
    resolvers[2]!(message(2));
    await waitUntil('one reply', () => replies.length === 1);
    resolvers[1]!(undefined);
    resolvers[0]!(message(0));
    await waitUntil('two replies', () => replies.length === 2);
    expect(idsOf(replies)).toEqual([2, 0]);
  });

  it.each([0, 1, 2, 11])('of %i octets is not a message', async (octets) => {
    await start();
    await send(Buffer.alloc(octets));
    await send(message(5, 12));
    await waitUntil('the reply', () => replies.length === 1);
    expect(asked).toBe(1);
    expect(replies[0]).toEqual(message(5, 12, 0x80));
  });

  it('of the largest size is answered', async () => {
    await start();
    await send(message(9, 65_507));
    await waitUntil('the reply', () => replies.length === 1);
    expect(replies[0]!.length).toBe(65_507);
  });
});

describe('errors', () => {
  it('an exception and a rejection are reported, and the next datagram is answered', async () => {
    await start((octets, peer) => {
      if (octets[1] === 1) throw new Error('at once');
      if (octets[1] === 2) return Promise.reject(new Error('later'));
      return echo(octets, peer);
    });
    for (const id of [1, 2, 3]) await send(message(id));
    await waitUntil('the reply', () => replies.length === 1);
    expect(idsOf(replies)).toEqual([3]);
    expect(faults.map(String).sort()).toEqual(['Error: at once', 'Error: later']);
  });

  it('a reply that does not fit into a datagram is lost, and nothing else', async () => {
    await start((octets, peer) => (octets[1] === 1 ? Buffer.alloc(70_000) : echo(octets, peer)));
    await send(message(1));
    await send(message(2));
    await waitUntil('the reply', () => replies.length === 1);
    expect(idsOf(replies)).toEqual([2]);
  });

  it('clients that have closed their socket do no harm', async () => {
    await start();
    for (let i = 0; i < 50; i++) {
      const gone = createSocket('udp4');
      await new Promise<void>((resolve) => gone.send(message(i), port, '127.0.0.1', () => gone.close(resolve)));
    }
    await send(message(77));
    await waitUntil('the reply', () => replies.length === 1);
    expect(asked).toBe(51);
  });
});

describe('many', () => {
  it('20,000 datagrams, as fast as they are answered, all get their reply', async () => {
    await start();
    const count = 20_000;
    for (let id = 0; id < count; id += 50) {
      for (let i = 0; i < 50; i++) socket.send(message(id + i), port, '127.0.0.1');
      await new Promise(setImmediate);
      // Each burst is answered before the next, so that the kernel's buffers do not overflow.
      while (replies.length < id + 50) await new Promise(setImmediate);
    }
    expect(idsOf(replies).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, id) => id));
    expect(faults).toEqual([]);
  });

  it.each([
    [10_000, 12_000, 1],
    [2_500, 3_000, 4],
  ])(
    'above %i waiting datagrams only queries are accepted, above %i none, until they are answered (%i sockets share an address)',
    async (most, mostInAll, sharers) => {
      const resolvers: (() => void)[] = [];
      let wait = true;
      await start(
        (octets, peer) => {
          if (!wait) return echo(octets, peer);
          return new Promise((resolve) => resolvers.push(() => resolve(undefined)));
        },
        '127.0.0.1',
        sharers,
      );
      const fill = async (until: number, flags: number) => {
        for (let id = 0; asked < until; id++) {
          socket.send(message(id & 0xffff, 12, flags), port, '127.0.0.1');
          if (id % 50 === 0) await new Promise(setImmediate);
          if (id > 100_000) throw new Error('too many are dropped');
        }
      };
      const settle = async (flags: number) => {
        // Sent after all others: when these have been dropped or accepted, so have the others.
        for (let i = 0; i < 200; i++) await send(message(i, 12, flags));
        await new Promise(setImmediate);
        return asked;
      };
      await fill(most, OPCODE_UPDATE);
      expect(await settle(OPCODE_UPDATE)).toBe(most);
      await fill(mostInAll, 0);
      expect(await settle(0)).toBe(mostInAll);
      for (const resolve of resolvers) resolve();
      wait = false;
      await waitUntil('a reply', async () => {
        await send(message(3, 12, OPCODE_UPDATE));
        return replies.length > 0;
      });
    },
  );
});

describe('close()', () => {
  it('sends pending replies, accepts nothing new, and frees the port', async () => {
    let resolve: (reply: Uint8Array) => void = () => {};
    await start(
      () =>
        new Promise((done) => {
          resolve = done;
        }),
    );
    await send(message(1));
    await waitUntil('the question', () => asked === 1);
    const closed = listener.close(10_000);
    await send(message(2));
    resolve(message(1));
    await closed;
    await waitUntil('the reply', () => replies.length === 1);
    expect(asked).toBe(1);
    const again = createSocket('udp4');
    await new Promise<void>((bound) => again.bind({ port, address: '127.0.0.1', exclusive: true }, bound));
    await new Promise<void>((done) => again.close(done));
  });

  it('does not wait longer than the grace time', async () => {
    await start(() => new Promise(() => {}));
    await send(message(1));
    await waitUntil('the question', () => asked === 1);
    const began = performance.now();
    await listener.close(200);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
