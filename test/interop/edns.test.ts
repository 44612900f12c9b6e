/** EDNS options of the embedded nameserver with dig and kdig, and the options of `dns` that concern them, over a reload. */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { kdig } from '../support/kdig.ts';
import { waitUntil } from '../support/process.ts';
import { rawMessage, rawOpt, rawQuestion, rawSoa } from '../support/raw-message.ts';
import { BIND_PROGRAMS, describeWith, KNOT_PROGRAMS } from '../support/require-server.ts';
import { connectStream } from '../support/stream-client.ts';

const ZONE = 'edns.example.com';
const KEY = { name: 'edns.key', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 3).toString('base64') };
const PROGRAMS = [...BIND_PROGRAMS, ...KNOT_PROGRAMS, { command: 'kdig', debianPackage: 'knot-dnsutils' }];
const SIGNED = ['-y', `${KEY.algorithm}:${KEY.name}:${KEY.secret}`];
const NAME = `www.${ZONE}`;

const start = (dns: Readonly<Record<string, unknown>>, records = 'www 300 IN A 192.0.2.1\n') =>
  startEmbedded({ zone: ZONE, keys: [KEY], records, dns: { nsid: 'here', ...dns } });

/** Writes the configuration with other options of `dns` and sends SIGHUP. */
async function reload({ dyndns }: EmbeddedServer, dns: Readonly<Record<string, unknown>>): Promise<void> {
  const config = JSON.parse(readFileSync(dyndns.configFile, 'utf8'));
  const log = await dyndns.reload({ ...config, dns: { ...config.dns, ...dns } });
  expect(log.some(({ msg }) => msg === 'Configuration reloaded.')).toBe(true);
}

/** Sends datagrams at once, and one more until the server has answered it. @returns the other replies */
async function flood(server: EmbeddedServer, datagrams: readonly Buffer[]): Promise<readonly Buffer[]> {
  const socket = createSocket('udp4');
  const replies: Buffer[] = [];
  const probe = rawMessage({ questions: [rawQuestion(NAME, 1)], additional: [rawOpt([[10, 'ab'.repeat(8)]])] });
  probe.writeUInt16BE(0xffff, 0);
  try {
    await new Promise<void>((resolve) => {
      socket.bind(0, '127.0.0.1', resolve);
    });
    let isDone = false;
    socket.on('message', (reply) => {
      if (reply.readUInt16BE(0) === 0xffff) isDone = true;
      else replies.push(reply);
    });
    for (const octets of datagrams) socket.send(octets, server.port, server.host);
    await waitUntil('the reply to the last datagram', () => {
      if (!isDone) socket.send(probe, server.port, server.host);
      return isDone;
    });
    return replies;
  } finally {
    socket.close();
  }
}

describeWith(PROGRAMS, 'EDNS options for dig and kdig', () => {
  let server: EmbeddedServer;
  beforeAll(async () => {
    server = await start({});
  });
  afterAll(() => server?.stop());

  it('RFC 7873 §5.4: dig gets a cookie without a question', async () => {
    const { rcode, text } = await dig(server, ['+header-only', '+cookie=0123456789abcdef']);
    expect(rcode).toBe('NOERROR');
    expect(text).toMatch(/COOKIE: 0123456789abcdef01000000[0-9a-f]{24} \(good\)/);
    expect(text).toContain('QUERY: 0, ANSWER: 0');
  });

  it.each([
    ['a query', [NAME, 'A'], 'NOERROR'],
    ['over TCP', [NAME, 'A', '+tcp'], 'NOERROR'],
    ['signed', [...SIGNED, NAME, 'A'], 'NOERROR'],
    ['signed, over TCP', [...SIGNED, NAME, 'A', '+tcp'], 'NOERROR'],
    ['REFUSED', ['www.example.net', 'A'], 'REFUSED'],
    ['NOTIMP', [NAME, 'A', '+opcode=status'], 'NOTIMP'],
    ['BADVERS', [NAME, 'A', '+edns=1', '+noednsnegotiation'], 'BADVERS'],
    ['FORMERR', [NAME, 'A', '+ednsopt=8:00'], 'FORMERR'],
    ['an UPDATE', [ZONE, 'SOA', '+opcode=update'], 'REFUSED'],
    ['a wrong key', ['-y', `hmac-sha256:other.key:${KEY.secret}`, NAME, 'A'], 'NOTAUTH'],
  ])('%s has NSID and a cookie', async (_title, args, rcode) => {
    const reply = await dig(server, ['+nsid', '+cookie=0123456789abcdef', ...args]);
    expect(reply.rcode).toBe(rcode);
    expect(reply.text).toContain('("here")');
    expect(reply.text).toMatch(/COOKIE: 0123456789abcdef01000000[0-9a-f]{24}/);
  });

  it('RFC 7314: dig and kdig get EXPIRE with the SOA', async () => {
    const { short } = await dig(server, [ZONE, 'SOA']);
    const expire = short[0]!.split(' ')[5];
    expect((await dig(server, [ZONE, 'SOA', '+expire'])).text).toMatch(new RegExp(`^; EXPIRE: ${expire} `, 'm'));
    expect((await dig(server, [...SIGNED, ZONE, 'SOA', '+expire', '+tcp'])).text).toContain(`; EXPIRE: ${expire} `);
    expect((await dig(server, [NAME, 'A', '+expire'])).text).not.toContain('EXPIRE');
    expect((await kdig(server, [ZONE, 'SOA', '+ednsopt=9'])).text).toMatch(/OPTION.*9|EXPIRE/i);
  });

  it('RFC 7828: dig gets the idle time over TCP alone', async () => {
    expect((await dig(server, [NAME, 'A', '+keepalive', '+tcp'])).text).toContain('; TCP KEEPALIVE: 10.0 secs');
    expect((await dig(server, [NAME, 'A', '+keepalive', '+notcp'])).text).not.toContain('KEEPALIVE');
    expect((await dig(server, [NAME, 'A', '+tcp'])).text).not.toContain('KEEPALIVE');
  });

  it('RFC 7830 §6: a padded query gets an answer without padding', async () => {
    for (const transport of ['+tcp', '+notcp']) {
      for (const reply of [
        await dig(server, [NAME, 'A', '+padding=128', transport]),
        await kdig(server, [NAME, 'A', '+padding=128', transport]),
      ]) {
        expect(reply).toMatchObject({ rcode: 'NOERROR', short: ['192.0.2.1'] });
        expect(reply.text).not.toMatch(/^;+ PAD/m);
      }
    }
  });

  it('RFC 7871: a client subnet does not change the answer and is not returned; a malformed one is FORMERR', async () => {
    for (const subnet of ['192.0.2.0/24', '2001:db8::/56', '0.0.0.0/0']) {
      const reply = await dig(server, [NAME, 'A', `+subnet=${subnet}`]);
      expect(reply).toMatchObject({ rcode: 'NOERROR', short: ['192.0.2.1'] });
      expect(reply.text).not.toContain('CLIENT-SUBNET');
    }
    for (const transport of ['+tcp', '+notcp']) {
      const reply = await dig(server, [NAME, 'A', '+ednsopt=8:00011800c0000201', transport]);
      expect(reply.rcode).toBe('FORMERR');
      expect(reply.text).toContain('EDNS: version: 0');
    }
  });
});

describe('the options of dns', () => {
  const servers: EmbeddedServer[] = [];
  const started = async (...args: Parameters<typeof start>) => {
    const server = await start(...args);
    servers.push(server);
    return server;
  };
  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  it('a cookie is valid after SIGHUP (RFC 9018 §5)', async () => {
    const server = await started({ rate_limit: { exempt: [], responses_per_second: 1, slip: 0 } });
    const text = async (cookie: string) => (await dig(server, [NAME, 'A', `+cookie=${cookie}`])).text;
    const cookie = /COOKIE: ([0-9a-f]{48})/.exec(await text('0123456789abcdef'))![1]!;
    await reload(server, { nsid: 'there' });
    await reload(server, { nsid: 'everywhere' });
    // A valid cookie is returned unchanged, and its answers are not limited.
    for (let i = 0; i < 5; i++) expect(await text(cookie)).toContain(`COOKIE: ${cookie} (good)`);
  });

  it('dns.tcp_idle_seconds closes idle connections, is sent to clients, and is changed by a reload', async () => {
    const server = await started({ tcp_idle_seconds: 600 });
    const query = rawMessage({ questions: [rawQuestion(NAME, 1)], additional: [rawOpt([[11, '']])] });
    const framed = Buffer.concat([Buffer.from([0, query.length]), query]);
    const client = await connectStream(server.port);
    client.socket.write(framed);
    expect((await client.received(1))[0]!.toString('hex').slice(-12)).toBe('000b00021770');
    await reload(server, { tcp_idle_seconds: 1 });
    client.socket.write(framed);
    expect((await client.received(2))[1]!.toString('hex').slice(-12)).toBe('000b0002000a');
    const began = performance.now();
    await client.ended();
    expect(performance.now() - began).toBeGreaterThan(900);
    expect(performance.now() - began).toBeLessThan(10_000);
    client.socket.destroy();
  });

  it('dns.rate_limit.all_per_second bounds different answers; responses_per_second bounds IXFR over UDP', async () => {
    const rate_limit = { exempt: [], responses_per_second: 100, all_per_second: 20, slip: 0 };
    const server = await started({ rate_limit });
    const names = Array.from({ length: 200 }, (_, i) => rawMessage({ questions: [rawQuestion(NAME, 1_000 + i)] }));
    const before = performance.now();
    const many = await flood(server, names);
    const seconds = (performance.now() - before) / 1000;
    expect(many.length).toBeGreaterThanOrEqual(19);
    expect(many.length).toBeLessThanOrEqual(20 + 20 * seconds);
    await reload(server, { rate_limit: { ...rate_limit, all_per_second: 0, responses_per_second: 5 } });
    const ixfr = rawMessage({ questions: [rawQuestion(ZONE, 251)], authority: [rawSoa(ZONE)] });
    const start = performance.now();
    const transfers = await flood(
      server,
      Array.from({ length: 200 }, () => ixfr),
    );
    expect(transfers.length).toBeGreaterThanOrEqual(4);
    expect(transfers.length).toBeLessThanOrEqual(5 + (5 * (performance.now() - start)) / 1000);
  });

  it('dns.tsig_fudge_max bounds how far the clock of a client may differ', async () => {
    const server = await started({ tsig_fudge_max: 60 });
    const seconds = Math.floor(Date.now() / 1000);
    const at = (time: number) => dig(server, [...SIGNED, NAME, 'A', `+fuzztime=${time}`]);
    expect((await at(seconds - 30)).text).toContain('status: NOERROR');
    expect((await at(seconds - 90)).text).toContain('BADTIME');
    await reload(server, { tsig_fudge_max: 300 });
    expect((await at(seconds - 90)).text).toContain('status: NOERROR');
  });
});
