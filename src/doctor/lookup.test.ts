/** Resolvers, queries and the primary's clock over real sockets of 127.0.0.1, with servers that misbehave. */
import { afterEach, describe, expect, it } from 'vitest';
import { frame, listenTcp, listenUdp, replyTo } from '../../test/support/dns-listener.ts';
import { freePort } from '../../test/support/free-port.ts';
import { parseIpAddress } from '../dns/address.ts';
import { DomainName } from '../dns/name.ts';
import { RRType } from '../dns/rdata.ts';
import { checkRequest } from '../dns/tsig.ts';
import { makeTsigKey } from '../dns/tsig-key.ts';
import { ednsRecord, findEdns } from '../dns/wire/edns.ts';
import { decodeMessage, Rcode } from '../dns/wire/message.ts';
import { TcpExchanger } from '../net/tcp.ts';
import { compareClocks } from './clock.ts';
import { reachableHost, tryConnect } from './connect.ts';
import { NameserverLookup } from './nameserver-lookup.ts';
import { parseEndpoint, parseResolvConf } from './resolvers.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const ZONE = DomainName.parse('dyn.example.com');
const LOCALHOST = parseIpAddress('127.0.0.1')!;
type OnRequest = Parameters<typeof listenUdp>[0];

async function serve(onRequest: OnRequest) {
  const server = await listenUdp(onRequest);
  cleanups.push(() => server.close());
  return server;
}

function lookupAt(...ports: readonly number[]) {
  return {
    before: (timeoutMs: number) =>
      new NameserverLookup({
        resolvers: ports.map((port) => ({ host: '127.0.0.1', port })),
        nameserverPort: ports[0]!,
        deadlineMs: performance.now() + timeoutMs,
      }),
  };
}

describe('a query', () => {
  it('requests recursion from a resolver but not from a nameserver, and uses EDNS', async () => {
    const server = await serve((request, send) => send(replyTo(request, { additional: [ednsRecord({})] })));
    const lookup = lookupAt(server.port).before(5000);
    expect(await lookup.resolve(ZONE, RRType.NS)).toMatchObject({ kind: 'reply', rcode: 'NOERROR', edns: true });
    await lookup.query(LOCALHOST, 'udp', ZONE, RRType.SOA);
    const requests = server.requests.map(decodeMessage);
    expect(requests.map(({ recursionDesired }) => recursionDesired)).toEqual([true, false]);
    expect(requests.every((request) => findEdns(request)?.udpPayloadSize === 1232)).toBe(true);
  });

  it('goes to the next resolver if one is silent or fails', async () => {
    const failing = await serve((request, send) => send(replyTo(request, { rcode: Rcode.SERVFAIL })));
    const good = await serve((request, send) => send(replyTo(request)));
    const lookup = lookupAt(await freePort(), failing.port, good.port).before(5000);
    expect(await lookup.resolve(ZONE, RRType.NS)).toMatchObject({ kind: 'reply', rcode: 'NOERROR' });
    const bad = lookupAt(await freePort(), failing.port).before(5000);
    expect(await bad.resolve(ZONE, RRType.NS)).toMatchObject({ kind: 'reply', rcode: 'SERVFAIL' });
  });

  it('RFC 6891 §7: is repeated without EDNS if the server does not support it', async () => {
    const server = await serve((request, send) => {
      const { additional } = decodeMessage(request);
      send(replyTo(request, { rcode: additional.length > 0 ? Rcode.FORMERR : Rcode.NOERROR }));
    });
    const reply = await lookupAt(server.port).before(5000).query(LOCALHOST, 'udp', ZONE, RRType.SOA);
    expect(reply).toMatchObject({ kind: 'reply', rcode: 'NOERROR', edns: false });
    expect(server.requests).toHaveLength(2);
  });

  it('is not sent after the deadline of the run', async () => {
    const server = await serve(() => undefined);
    expect(await lookupAt(server.port).before(-1).query(LOCALHOST, 'udp', ZONE, RRType.SOA)).toMatchObject({
      failure: 'out-of-time',
    });
    expect(server.requests).toEqual([]);
    const cut = await lookupAt(server.port).before(100).query(LOCALHOST, 'udp', ZONE, RRType.SOA);
    expect(cut).toMatchObject({ failure: 'out-of-time' });
  });
});

describe("the primary's clock", () => {
  const key = makeTsigKey(ZONE, 'hmac-sha256', Buffer.from('a secret of some octets'));
  const NOW = 1_700_000_000;

  /** A primary with its own time and key. @param checksTime false: it ignores the time of requests */
  async function compareWith(primaryTime: number, { primaryKey = key, checksTime = true } = {}) {
    const server = await listenTcp((request, socket) => {
      const check = checkRequest(request, decodeMessage(request), () => primaryKey, checksTime ? primaryTime : NOW);
      const rcode = check.kind === 'rejected' ? check.rcode : Rcode.NOERROR;
      const reply = replyTo(request, { rcode });
      socket.write(frame(check.kind === 'unsigned' ? reply : (check.transaction?.sign(reply, primaryTime) ?? reply)));
    });
    const exchanger = new TcpExchanger(server);
    cleanups.push(
      () => server.close(),
      () => exchanger.close(),
    );
    return compareClocks({ zone: ZONE, key, exchanger, now: () => NOW, deadlineMs: performance.now() + 5000 });
  }

  it.each([0, 100, -250, 4000, -4000])('that is %i s behind ours is reported', async (behind) => {
    expect(await compareWith(NOW - behind)).toEqual({ kind: 'compared', aheadSeconds: behind });
  });

  it('is known even if the primary ignores the difference', async () => {
    expect(await compareWith(NOW - 4000, { checksTime: false })).toEqual({ kind: 'compared', aheadSeconds: 4000 });
  });

  it('is not used under another secret', async () => {
    const other = makeTsigKey(ZONE, 'hmac-sha256', Buffer.from('another secret of octets'));
    expect(await compareWith(NOW - 4000, { primaryKey: other })).toMatchObject({ kind: 'unknown' });
  });
});

describe('resolv.conf', () => {
  it('has at most three resolvers, and invalid addresses are ignored', () => {
    const text =
      '# nameserver 192.0.2.9\nnameserver 192.0.2.1\nnameserver nonsense\nsearch x\nnameserver\t2001:DB8::1\n';
    expect(parseResolvConf(`${text}nameserver fe80::1%eth0\nnameserver 192.0.2.4\n`)).toEqual([
      { host: '192.0.2.1', port: 53 },
      { host: '2001:db8::1', port: 53 },
      { host: 'fe80::1%eth0', port: 53 },
    ]);
    expect(parseResolvConf('')).toEqual([{ host: '127.0.0.1', port: 53 }]);
  });

  it.each([
    ['192.0.2.1', { host: '192.0.2.1', port: 53 }],
    ['192.0.2.1:5353', { host: '192.0.2.1', port: 5353 }],
    ['2001:db8::1', { host: '2001:db8::1', port: 53 }],
    ['[2001:db8::1]:5353', { host: '2001:db8::1', port: 5353 }],
    ['[192.0.2.1]:53', undefined],
    ['192.0.2.1:0', undefined],
    ['192.0.2.1:65536', undefined],
    ['resolver.example', undefined],
    ['', undefined],
  ])('--resolver %s', (text, endpoint) => expect(parseEndpoint(text)).toEqual(endpoint));
});

it('a listener is reachable or not', async () => {
  const server = await listenTcp(() => undefined);
  cleanups.push(() => server.close());
  const tcp = (port: number) => ({ kind: 'tcp', host: '0.0.0.0', port, tls: false }) as const;
  expect(await tryConnect(tcp(server.port))).toBeUndefined();
  expect(await tryConnect(tcp(await freePort()))).toBe('nothing listens there');
  expect(await tryConnect({ kind: 'unix', path: '/nonexistent/x.sock' })).toBe('the socket does not exist');
  expect([reachableHost('::'), reachableHost('192.0.2.1')]).toEqual(['::1', '192.0.2.1']);
});
