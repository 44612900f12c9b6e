/** The PROXY protocol: headers of both versions, whole and in pieces, in front of plain HTTP, TLS and a unix socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeCertificates } from '../../../test/openwrt/stub-server.ts';
import { waitUntil } from '../../../test/support/process.ts';
import type { ListenAddress } from '../../config/config.ts';
import { ipv6Octets, parseIpPrefix } from '../../dns/address.ts';
import { callerOf } from './caller.ts';
import type { ConnectionLimits } from './connections.ts';
import { HttpListeners } from './listeners.ts';
import { MAX_PROXY_OCTETS, parseProxyHeader } from './proxy-protocol.ts';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

function version2(command: number, family: number, addresses: readonly number[], tlv = 0): Buffer {
  const length = addresses.length + tlv;
  const fixed = Buffer.from([command, family, length >> 8, length & 255]);
  return Buffer.concat([SIGNATURE, fixed, Buffer.from(addresses), Buffer.alloc(tlv, 4)]);
}

const V4 = [192, 0, 2, 9, 192, 0, 2, 1, 0x12, 0x67, 0, 80];
const V6 = [...ipv6Octets('2001:db8::9'), ...ipv6Octets('2001:db8::1'), 0x12, 0x67, 0, 80];
const MAPPED = [...ipv6Octets('::ffff:192.0.2.9'), ...ipv6Octets('::1'), 0, 1, 0, 2];
const line = (text: string) => Buffer.from(`${text}\r\n`, 'latin1');

const GOOD: readonly (readonly [string, Buffer, string | undefined])[] = [
  ['version 1, IPv4', line('PROXY TCP4 192.0.2.9 192.0.2.1 4711 80'), '192.0.2.9'],
  ['version 1, IPv6', line('PROXY TCP6 2001:db8::9 2001:db8::1 65535 0'), '2001:db8::9'],
  ['version 1, a mapped address', line('PROXY TCP6 ::ffff:192.0.2.9 ::1 1 2'), '192.0.2.9'],
  ['version 1, UNKNOWN', line('PROXY UNKNOWN'), undefined],
  ['version 1, UNKNOWN with addresses', line('PROXY UNKNOWN 2001:db8::9 ffff::1 65535 65535'), undefined],
  ['version 2, IPv4', version2(0x21, 0x11, V4), '192.0.2.9'],
  ['version 2, IPv6', version2(0x21, 0x21, V6), '2001:db8::9'],
  ['version 2, a mapped address', version2(0x21, 0x21, MAPPED), '192.0.2.9'],
  ['version 2 with TLVs', version2(0x21, 0x11, V4, 100), '192.0.2.9'],
  ['version 2, the longest', version2(0x21, 0x11, V4, MAX_PROXY_OCTETS - 16 - 12), '192.0.2.9'],
  ['version 2, LOCAL', version2(0x20, 0x00, []), undefined],
  ['version 2, LOCAL with addresses', version2(0x20, 0x11, V4), undefined],
  ['version 2, unspecified', version2(0x21, 0x00, []), undefined],
  [
    'version 2, a unix socket',
    version2(
      0x21,
      0x31,
      Array.from({ length: 216 }, () => 0),
    ),
    undefined,
  ],
];

const BAD: readonly (readonly [string, Buffer])[] = [
  ['no header', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['a TLS hello', Buffer.from([0x16, 3, 1, 0, 0xa5, 1, 0, 0])],
  ['a word in lower case', line('proxy TCP4 192.0.2.9 192.0.2.1 1 2')],
  ['an address of the other family', line('PROXY TCP4 2001:db8::9 2001:db8::1 1 2')],
  ['another protocol', line('PROXY UDP4 192.0.2.9 192.0.2.1 1 2')],
  ['a port that is too large', line('PROXY TCP4 192.0.2.9 192.0.2.1 65536 2')],
  ['a port with a zero in front', line('PROXY TCP4 192.0.2.9 192.0.2.1 01 2')],
  ['no ports', line('PROXY TCP4 192.0.2.9 192.0.2.1')],
  ['two blanks', line('PROXY  TCP4 192.0.2.9 192.0.2.1 1 2')],
  ['one field more', line('PROXY TCP4 192.0.2.9 192.0.2.1 1 2 3')],
  ['UNKNOWN with a tail', line('PROXY UNKNOWNX')],
  ['a long line', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}\r\n`)],
  ['version 1 in version 2', version2(0x11, 0x11, V4)],
  ['an unknown command', version2(0x22, 0x11, V4)],
  ['an unknown family', version2(0x21, 0x41, V4)],
  ['addresses that are cut', version2(0x21, 0x11, V4.slice(0, 11))],
  ['IPv6 addresses that are cut', version2(0x21, 0x21, V6.slice(0, 35))],
  ['one octet too long', version2(0x21, 0x11, V4, MAX_PROXY_OCTETS - 16 - 11)],
];

describe('a header', () => {
  it.each(GOOD)('%s is read, and not before it is there', (_what, octets, expected) => {
    const behind = Buffer.concat([octets, Buffer.from('GET /')]);
    for (let end = 1; end < octets.length; end++)
      expect(parseProxyHeader(octets.subarray(0, end)), `${end}`).toBe('more');
    const header = parseProxyHeader(behind);
    expect(header).toMatchObject({ length: octets.length });
    expect((header as { source?: { text: string } }).source?.text).toBe(expected);
  });

  it.each(BAD)('%s is invalid', (_what, octets) => expect(parseProxyHeader(octets)).toBe('invalid'));

  it('with any octet changed is a header, a part of one, or invalid', () => {
    for (const [, octets] of GOOD) {
      for (let at = 0; at < octets.length; at++) {
        for (const value of [0, 13, 32, 255, octets[at]! ^ 1]) {
          const changed = Buffer.from(octets);
          changed[at] = value;
          const header = parseProxyHeader(changed);
          if (typeof header !== 'string') expect(header.length).toBeLessThanOrEqual(MAX_PROXY_OCTETS);
          if (header === 'more') expect(changed.length).toBeLessThan(MAX_PROXY_OCTETS);
        }
      }
    }
  });
});

describe('a listener with the PROXY protocol', () => {
  let listeners: HttpListeners;
  let directory: string;
  let trusted: string[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'dyndns-proxy-'));
    trusted = ['127.0.0.0/8'];
  });
  afterEach(async () => {
    await listeners.close(0);
    rmSync(directory, { recursive: true });
  });

  const proxies = () => trusted.map((text) => parseIpPrefix(text)!);

  /** Replies with the caller and the peer. The header is not read here. */
  function reply(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const trust = { trustedProxies: proxies(), clientAddressHeader: 'x-forwarded-for' };
    const { address, peer } = callerOf(request.socket, request.headers, trust);
    const body = `${address?.text} ${peer?.text} ${request.url}\n`;
    response.setHeader('Content-Length', body.length).end(body);
  }

  async function open(kind: 'tcp' | 'tls' | 'unix', limits: Partial<ConnectionLimits> = {}): Promise<() => Socket> {
    const path = join(directory, 'http.sock');
    const address: ListenAddress =
      kind === 'unix'
        ? { kind, path, proxyProtocol: true }
        : { kind: 'tcp', host: '127.0.0.1', port: 0, tls: kind === 'tls', proxyProtocol: true };
    listeners = new HttpListeners({
      limits: () => ({ total: 100, perSource: 256, exempt: proxies(), ...limits }),
      times: { proxyMs: 300, handshakeMs: 300, betweenMs: 20_000, lingerMs: 50, sweepMs: 20 },
    });
    await listeners.open(
      {
        listen: [address],
        socketMode: 0o600,
        trustedProxies: proxies(),
        clientAddressHeader: 'x-forwarded-for',
        lenient: false,
        ...(kind === 'tls' && { tls: makeCertificates(directory, 'localhost') }),
      },
      reply,
    );
    const port = Number(/:(\d+)$/.exec(listeners.addresses[0] ?? '')?.[1] ?? 0);
    return () => {
      const socket = connect(kind === 'unix' ? { path } : { host: '127.0.0.1', port });
      socket.on('error', () => undefined);
      return socket;
    };
  }

  const toEnd = async (socket: Socket) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    await new Promise((resolve) => socket.once('close', resolve));
    return text.split('\r\n\r\n')[1] ?? '';
  };

  async function send(socket: Socket, octets: Buffer, size: number): Promise<void> {
    for (let at = 0; at < octets.length && !socket.destroyed; at += size) {
      await new Promise((resolve) => socket.write(octets.subarray(at, at + size), resolve));
      if (size < 100) await new Promise(setImmediate);
    }
  }

  const REQUEST = Buffer.from('GET /a HTTP/1.1\r\nX-Forwarded-For: 203.0.113.66\r\nConnection: close\r\n\r\n');

  it.each(['tcp', 'unix'] as const)(
    'gives the client that the header names (%s)',
    { timeout: 30_000 },
    async (kind) => {
      const dial = await open(kind);
      const peer = kind === 'unix' ? 'undefined' : '127.0.0.1';
      for (const [what, header, expected] of GOOD) {
        for (const size of [10_000, 40, 7]) {
          const socket = dial();
          const reading = toEnd(socket);
          await send(socket, Buffer.concat([header, REQUEST]), size);
          expect(await reading, `${what}, ${size}`).toBe(`${expected} ${peer} /a\n`);
        }
      }
    },
  );

  it('does so in front of TLS', { timeout: 30_000 }, async () => {
    const dial = await open('tls');
    for (const [what, header, expected] of GOOD) {
      const socket = dial();
      await send(socket, header, 11);
      const tls = connectTls({ socket, rejectUnauthorized: false });
      tls.on('error', () => undefined);
      const reading = toEnd(tls);
      tls.write(REQUEST);
      expect(await reading, what).toBe(`${expected} 127.0.0.1 /a\n`);
    }
  });

  it('does so where the header and the TLS hello are one segment', async () => {
    const dial = await open('tls');
    const socket = dial();
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.cork();
    socket.write(GOOD[0]![1]);
    const tls = connectTls({ socket, rejectUnauthorized: false });
    const reading = toEnd(tls);
    tls.write(REQUEST);
    setImmediate(() => socket.uncork());
    expect(await reading).toBe('192.0.2.9 127.0.0.1 /a\n');
  });

  it('destroys a connection with another beginning, with none, or that ends before', async () => {
    const dial = await open('tcp');
    for (const [what, octets] of BAD) {
      const socket = dial();
      const reading = toEnd(socket);
      await send(socket, Buffer.concat([octets, REQUEST]), 10_000);
      expect(await reading, what).toBe('');
    }
    const silent = dial();
    const half = dial();
    const ended = dial();
    half.write('PROXY TCP4 192');
    ended.end('PROXY TCP4 192');
    await Promise.all([silent, half, ended].map(toEnd));
    await waitUntil('all to be gone', () => listeners.connectionCount === 0);
  });

  it('destroys a connection of a peer that is no trusted proxy', async () => {
    trusted = ['192.0.2.0/24'];
    const dial = await open('tcp');
    const socket = dial();
    const reading = toEnd(socket);
    socket.write(Buffer.concat([GOOD[0]![1], REQUEST]));
    expect(await reading).toBe('');
  });

  it('counts the connections of the client that is named', async () => {
    const dial = await open('tcp', { perSource: 2 });
    const held = [GOOD[0]![1], GOOD[5]![1]].map((header) => {
      const socket = dial();
      socket.write(Buffer.concat([header, Buffer.from('GET /a HTTP/1.1\r\n\r\n')]));
      return socket;
    });
    await Promise.all(held.map((socket) => new Promise((resolve) => socket.once('data', resolve))));
    const third = dial();
    third.write(Buffer.concat([GOOD[0]![1], REQUEST]));
    expect(await toEnd(third)).toBe('');
    const other = dial();
    const reading = toEnd(other);
    other.write(Buffer.concat([GOOD[1]![1], REQUEST]));
    expect(await reading).toBe('2001:db8::9 127.0.0.1 /a\n');
    for (const socket of held) socket.destroy();
  });
});
