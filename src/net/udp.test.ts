/** UDP exchanges (RFC 1035 §4.2.1) with servers that truncate, lose, repeat and forge. */
import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { frame, listenTcp, listenUdp, replyTo } from '../../test/support/dns-listener.ts';
import { freePort } from '../../test/support/free-port.ts';
import { waitUntil } from '../../test/support/process.ts';
import { DomainName } from '../dns/name.ts';
import { RRClass, RRType } from '../dns/rdata.ts';
import { addressRdata, textRdata } from '../dns/rrset.ts';
import { encodeMessage, makeMessage } from '../dns/wire/message.ts';
import { ExchangeError, messageId, type Reply, type RequestBuilder } from './exchange.ts';
import { UdpExchanger } from './udp.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serveUdp(onRequest: Parameters<typeof listenUdp>[0], port?: number) {
  const server = await listenUdp(onRequest, port);
  cleanups.push(() => server.close());
  return server;
}

async function serveTcp(onRequest: Parameters<typeof listenTcp>[0]) {
  const server = await listenTcp(onRequest);
  cleanups.push(() => server.close());
  return server;
}

function exchangerTo(endpoint: { host: string; port: number }): UdpExchanger {
  const exchanger = new UdpExchanger(endpoint);
  cleanups.push(() => exchanger.close());
  return exchanger;
}

const qname = DomainName.parse('a.example.com');
const questions = [{ qname, qtype: RRType.A, qclass: RRClass.IN }];
const query: RequestBuilder = (id) => encodeMessage(makeMessage({ id, questions }));

function ask(exchanger: UdpExchanger, timeoutMs = 3000, build = query): Promise<Reply> {
  return exchanger.exchange(build, performance.now() + timeoutMs);
}

async function failure(exchange: Promise<Reply>): Promise<{ failure: string; sent: boolean }> {
  const error = await exchange.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ExchangeError)) throw new Error(`no ExchangeError but ${error}`);
  return { failure: error.failure, sent: error.sent };
}

function answer(request: Buffer, address = '192.0.2.1', fields = {}): Buffer {
  const rdata = addressRdata(RRType.A, address);
  const answers = [{ ownerName: qname, type: RRType.A, class: RRClass.IN, ttl: 60, rdata }];
  return replyTo(request, { answers, ...fields });
}

describe('an exchange by UDP', () => {
  it('has a source port and an id of its own each time (RFC 5452 §9)', async () => {
    const ports = new Set<number>();
    const server = await serveUdp((request, send, from) => {
      ports.add(from.port);
      send(answer(request));
    });
    const exchanger = exchangerTo(server);
    for (let round = 0; round < 20; round++) await ask(exchanger);
    expect(ports.size).toBeGreaterThan(15);
    expect(new Set(server.requests.map((request) => messageId(request))).size).toBeGreaterThan(15);
  });

  it('sends the same octets again after a second, and says so', async () => {
    const server = await serveUdp((request, send) => {
      if (server.requests.length === 2) send(answer(request));
    });
    const reply = await ask(exchangerTo(server));
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]).toEqual(server.requests[0]);
    expect(reply.resent).toBe(true);
  });

  it('was not resent when the first datagram is answered', async () => {
    const server = await serveUdp((request, send) => send(answer(request)));
    expect((await ask(exchangerTo(server))).resent).toBe(false);
  });

  it('uses TCP when the reply is truncated', async () => {
    const tcp = await serveTcp((request, socket) => socket.write(frame(answer(request, '192.0.2.2'))));
    const udp = await serveUdp((request, send) => send(replyTo(request, { truncated: true })), tcp.port);
    const reply = await ask(exchangerTo(udp));
    expect(reply.message.answers[0]?.rdata).toEqual({ kind: 'A', address: '192.0.2.2' });
    expect(reply.resent).toBe(true);
    expect([udp.requests.length, tcp.requests.length]).toEqual([1, 1]);
  });

  it('uses TCP at once when the request does not fit into a datagram of 1232 octets', async () => {
    const tcp = await serveTcp((request, socket) => socket.write(frame(replyTo(request))));
    const udp = await serveUdp((request, send) => send(replyTo(request)), tcp.port);
    const large = (size: number): RequestBuilder => {
      const rdata = textRdata('x'.repeat(size));
      const additional = [{ ownerName: qname, type: RRType.TXT, class: RRClass.IN, ttl: 0, rdata }];
      return (id) => encodeMessage(makeMessage({ id, questions, additional }));
    };
    const fits = 1232 - large(255)(0).length + 255 - 4;
    expect(large(fits)(0)).toHaveLength(1232);
    await ask(exchangerTo(udp), 3000, large(fits));
    expect([udp.requests.length, tcp.requests.length]).toEqual([1, 0]);
    const reply = await ask(exchangerTo(udp), 3000, large(fits + 1));
    expect([udp.requests.length, tcp.requests.length]).toEqual([1, 1]);
    expect(reply.resent).toBe(false);
  });
});

describe('anything but the reply is ignored, and the real one accepted', () => {
  it.each<[string, (request: Buffer) => Uint8Array]>([
    ['another id', (request) => answer(request, '192.0.2.66', { id: messageId(request) ^ 1 })],
    ['another question', (request) => answer(request, '192.0.2.66', { questions: [{ ...questions[0]!, qtype: 28 }] })],
    [
      'another name',
      (request) => {
        const other = [{ ...questions[0]!, qname: DomainName.parse('b.example.com') }];
        return answer(request, '192.0.2.66', { questions: other });
      },
    ],
    ['a request', (request) => answer(request, '192.0.2.66', { response: false })],
    ['success without a question', (request) => answer(request, '192.0.2.66', { questions: [] })],
    ['octets that are not a message', () => Buffer.from('no message')],
    ['half a message', (request) => answer(request, '192.0.2.66').subarray(0, 30)],
    ['nothing', () => Buffer.alloc(0)],
  ])('%s', async (_, forged) => {
    const server = await serveUdp((request, send) => {
      send(forged(request));
      send(answer(request));
    });
    const reply = await ask(exchangerTo(server));
    expect(reply.message.answers[0]?.rdata).toEqual({ kind: 'A', address: '192.0.2.1' });
  });

  it('a right reply from another port', async () => {
    const server = await serveUdp((request, send, from) => {
      const stranger = createSocket('udp4');
      stranger.send(answer(request, '192.0.2.66'), from.port, from.address, () => {
        stranger.close();
        send(answer(request));
      });
    });
    const reply = await ask(exchangerTo(server));
    expect(reply.message.answers[0]?.rdata).toEqual({ kind: 'A', address: '192.0.2.1' });
  });
});

describe('an exchange that fails', () => {
  it('no server is listening: nothing was received', async () => {
    const exchanger = exchangerTo({ host: '127.0.0.1', port: await freePort() });
    const started = performance.now();
    expect(await failure(ask(exchanger))).toEqual({ failure: 'unreachable', sent: false });
    expect(performance.now() - started).toBeLessThan(900);
  });

  it('an address without a route fails only its own exchange, and nothing was sent', async () => {
    // The kernel refuses to connect to the broadcast address, as to an address without a route.
    const exchanger = exchangerTo({ host: '255.255.255.255', port: 53 });
    expect(await failure(ask(exchanger))).toEqual({ failure: 'unreachable', sent: false });
  });

  it('no answer is a timeout after sending', async () => {
    const server = await serveUdp(() => undefined);
    expect(await failure(ask(exchangerTo(server), 100))).toEqual({ failure: 'timeout', sent: true });
  });

  it('only octets that are not a message: garbage', async () => {
    const server = await serveUdp((_, send) => send(Buffer.from('what do you want?')));
    expect(await failure(ask(exchangerTo(server), 100))).toEqual({ failure: 'garbage', sent: true });
  });

  it('close fails exchanges in flight, and leaves nothing that keeps the process alive', async () => {
    const server = await serveUdp(() => undefined);
    const alive = () => process.getActiveResourcesInfo().filter((kind) => /^(UDPWrap|Timeout)$/.test(kind)).length;
    const sockets = () => process.getActiveResourcesInfo().filter((kind) => kind === 'UDPWrap').length;
    await waitUntil('the sockets of other tests to be gone', () => sockets() === 1);
    const before = alive();
    const exchanger = exchangerTo(server);
    const pending = failure(ask(exchanger));
    await waitUntil('the request', () => server.requests.length === 1);
    expect(alive()).toBeGreaterThan(before);
    exchanger.close();
    expect(await pending).toEqual({ failure: 'closed', sent: true });
    await waitUntil('the socket to be gone', () => alive() <= before);
  });
});
