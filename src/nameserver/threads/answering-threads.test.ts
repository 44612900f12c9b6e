/** Two threads on one port: which clients meet which thread, and what both share. */
import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import { afterEach, expect, it } from 'vitest';
import { editedZone } from '../../../test/support/edited-zone.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { waitUntil } from '../../../test/support/process.ts';
import { rawMessage, rawQuestion } from '../../../test/support/raw-message.ts';
import { describeShared } from '../../../test/support/reuse-port.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import type { DnsService } from '../answer/dns-service.ts';
import { RateLimiter } from '../answer/rate-limit.ts';
import { ReplyCounts } from '../answer/reply-counts.ts';
import { NameserverCounts } from '../counts.ts';
import { applyEdits } from '../zone/edit.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import type { ThreadSocket } from './answering-thread.ts';
import { AnsweringThreads } from './answering-threads.ts';
import { monotonicMs } from './monotonic.ts';

const APEX = 'dyn.example.com';
const NOTIFY_FLAGS = 4 << 3;
/** That all of them meet the same thread happens once in 2^39 runs. */
const CLIENTS = 40;

interface Client {
  readonly socket: Socket;
  readonly replies: Buffer[];
}

let threads: AnsweringThreads | undefined;
let socket: ThreadSocket;
let port = 0;
let host = '127.0.0.1';
let counts: NameserverCounts;
/** Of each thread. */
let ofThreads: ReplyCounts[] = [];
let deaths: Error[] = [];
let faults: unknown[] = [];
const clients: Client[] = [];

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.close();
  await threads?.close();
  threads = undefined;
  [ofThreads, deaths, faults, host] = [[], [], [], '127.0.0.1'];
});

const address = (label: string, address: string): ZoneEdit => {
  const rdatas = [{ kind: 'A', address } as const];
  return {
    kind: 'replace-rrset',
    rrset: { ownerName: DomainName.parse(`${label}.${APEX}`), type: RRType.A, ttl: 60, rdatas },
  };
};
const zoneOf = (...labels: string[]) => editedZone(APEX, { edits: labels.map((label) => address(label, '192.0.2.1')) });
const settings = (limiter?: RateLimiter) => {
  const cookieKey = Buffer.alloc(16, 7);
  return { nsid: undefined, chaosVersion: undefined, tcpIdleSeconds: 10, cookieKey, limiter: limiter?.share() };
};

function makeThreads(answerDatagram: DnsService['answerDatagram']): AnsweringThreads {
  return new AnsweringThreads(2, {
    addCounts: () => {
      const memory = counts.addThread();
      ofThreads.push(new ReplyCounts(memory));
      return memory;
    },
    answerDatagram,
    onFault: (fault) => faults.push(fault),
    onDeath: (error) => deaths.push(error),
  });
}

async function start(
  zone: EmbeddedZone,
  limiter?: RateLimiter,
  answerDatagram: DnsService['answerDatagram'] = () => undefined,
): Promise<void> {
  counts = new NameserverCounts();
  threads = makeThreads(answerDatagram);
  threads.setZones([zone], settings(limiter));
  port = await freePort();
  socket = threads.socket();
  await socket.open(host, port);
  for (let n = 0; n < CLIENTS; n++) clients.push(await makeClient());
}

async function makeClient(): Promise<Client> {
  const client = { socket: createSocket(host.includes(':') ? 'udp6' : 'udp4'), replies: [] as Buffer[] };
  client.socket.on('message', (reply) => client.replies.push(reply));
  await new Promise<void>((resolve) => client.socket.bind(0, host, resolve));
  return client;
}

const query = (label: string, id = 0, flags = 0) => {
  const message = rawMessage({ questions: [rawQuestion(`${label}.${APEX}`, RRType.A)] });
  message.writeUInt16BE(id);
  message[2] = flags;
  return message;
};

/** One query of each client. @returns the addresses that they got */
async function askAll(label: string): Promise<readonly string[]> {
  for (const { socket, replies } of clients) {
    replies.length = 0;
    socket.send(query(label), port, host);
  }
  await waitUntil('all replies', () => clients.every(({ replies }) => replies.length === 1));
  return clients.map(({ replies: [reply] }) => reply!.subarray(-4).join('.'));
}

const sent = (rcode = 0) => ofThreads.map((each) => each.sent(rcode, false));
const all = (text: string) => clients.map(() => text);

async function openOther(options: SocketOptions & { readonly reusePort?: boolean }, at: number): Promise<Socket> {
  const other = createSocket(options);
  await new Promise<void>((resolve, reject) => {
    other.once('error', reject);
    other.bind({ port: at, address: '127.0.0.1', exclusive: true }, resolve);
  });
  return other;
}

describeShared('two answering threads', () => {
  it.each(['127.0.0.1', '::1'])('both answer on %s, and the server counts the replies of both', async (listenHost) => {
    host = listenHost;
    await start(zoneOf('host'));
    expect(await askAll('host')).toEqual(all('192.0.2.1'));
    expect(Math.min(...sent())).toBeGreaterThan(0);
    expect(counts.read().replies).toEqual([{ transport: 'udp', rcode: 'NOERROR', count: CLIENTS }]);
  });

  it('both see each published version, also when the table has other memory, and other zones', async () => {
    const zone = zoneOf('host');
    await start(zone);
    for (let round = 2; round < 12; round++) {
      const more = Array.from({ length: 300 }, (_, i) => address(`h${round}-${i}`, `10.0.${round}.${i & 255}`));
      applyEdits(zone.draft, [address('host', `192.0.2.${round}`), ...more]);
      zone.publish(zone.seal()!);
      threads!.published(zone);
      expect(await askAll('host')).toEqual(all(`192.0.2.${round}`));
    }
    threads!.setZones([], settings());
    await askAll('host');
    expect(sent(5).reduce((sum, each) => sum + each)).toBe(CLIENTS);
    expect(Math.min(...sent(5))).toBeGreaterThan(0);
  });

  it('what the main thread answers returns through the socket that it came from', async () => {
    await start(zoneOf('host'), undefined, async (octets, peer) => {
      await new Promise(setImmediate);
      const reply = Buffer.from(octets);
      reply.writeUInt16BE(peer.port, 4);
      return reply;
    });
    for (const [n, { socket }] of clients.entries()) {
      for (let i = 0; i < 20; i++) socket.send(query('host', n * 20 + i, NOTIFY_FLAGS), port, host);
    }
    await waitUntil('all replies', () => clients.every(({ replies }) => replies.length === 20));
    for (const [n, { socket, replies }] of clients.entries()) {
      const ids = Array.from({ length: 20 }, (_, i) => n * 20 + i);
      // In order: one client has one thread.
      expect(replies.map((reply) => reply.readUInt16BE(0))).toEqual(ids);
      expect(new Set(replies.map((reply) => reply.readUInt16BE(4)))).toEqual(new Set([socket.address().port]));
    }
    expect(faults).toEqual([]);
  });

  it('have one rate limit', async () => {
    const perSecond = 50;
    const limits = { responsesPerSecond: perSecond, allPerSecond: 0, slip: 0, exempt: [], key: Buffer.alloc(16) };
    await start(zoneOf('host'), new RateLimiter({ ...limits, now: monotonicMs }));
    const beginMs = performance.now();
    for (let i = 0; i < 10; i++) for (const { socket } of clients) socket.send(query('host'), port, host);
    const dropped = () => ofThreads.map((each) => each.dropped);
    await waitUntil('the last query', () => [...sent(), ...dropped()].reduce((sum, n) => sum + n) === CLIENTS * 10);
    const seconds = (performance.now() - beginMs) / 1_000;
    expect(Math.min(...dropped())).toBeGreaterThan(0);
    // Some may be counted once where both threads take at the same moment.
    expect(counts.read().replies[0]!.count).toBeLessThanOrEqual(perSecond * (1 + seconds) + perSecond / 5);
    expect(counts.read().rateLimited.dropped).toBe(dropped()[0]! + dropped()[1]!);
  });

  it('do not open a port that another program has, also if it shares the port', async () => {
    counts = new NameserverCounts();
    threads = makeThreads(() => undefined);
    for (const reusePort of [false, true]) {
      port = await freePort();
      const other = await openOther({ type: 'udp4', reusePort }, port);
      socket = threads.socket();
      await expect(socket.open(host, port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
      await socket.close(0);
      await new Promise<void>((resolve) => other.close(resolve));
    }
    await threads.socket().open(host, port);
    const second = makeThreads(() => undefined);
    try {
      await expect(second.socket().open(host, port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    } finally {
      await second.close();
    }
  });

  it('a stop sends the replies that wait in both threads, and frees the port', async () => {
    const resolvers: (() => void)[] = [];
    await start(zoneOf('host'), undefined, (octets) => {
      return new Promise((resolve) => resolvers.push(() => resolve(Buffer.from(octets))));
    });
    for (const { socket } of clients) socket.send(query('host', 1, NOTIFY_FLAGS), port, host);
    await waitUntil('all requests', () => resolvers.length === CLIENTS);
    const closed = socket.close(10_000);
    for (const resolve of resolvers) resolve();
    await closed;
    await waitUntil('all replies', () => clients.every(({ replies }) => replies.length === 1));
    const other = await openOther({ type: 'udp4' }, port);
    await new Promise<void>((resolve) => other.close(resolve));
  });

  it('that die are reported, and a stop does not wait for them', async () => {
    const zone = zoneOf('host');
    await start(zone);
    const limits = { responsesPerSecond: 1, allPerSecond: 0, slip: 1, exempt: [], key: Buffer.alloc(3) };
    const broken = { options: limits, equal: new SharedArrayBuffer(1), all: undefined };
    threads!.setZones([zone], { ...settings(), limiter: broken });
    await waitUntil('both deaths', () => deaths.length === 2);
    await socket.close(10_000);
    expect(deaths[0]?.message).toMatch(/^the thread that answers DNS died: /);
  });
});
