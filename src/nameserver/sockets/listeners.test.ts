/** The sockets of the nameserver together: UDP and TCP on one port of each entry, IPv4 beside IPv6, all or none. */
import { createSocket } from 'node:dgram';
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { frame } from '../../../test/support/dns-listener.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { waitUntil } from '../../../test/support/process.ts';
import { connectStream } from '../../../test/support/stream-client.ts';
import type { DnsService } from '../answer/dns-service.ts';
import { type DnsListenAddress, DnsListenError, DnsListeners } from './listeners.ts';

const QUERY = Buffer.from('123400000000000000000000', 'hex');
const REPLY = Buffer.from('123480000000000000000000', 'hex');
const service: DnsService = { answerDatagram: () => REPLY, answerStream: () => REPLY };

const listeners = new DnsListeners();
afterEach(() => listeners.close(0));

async function askUdp(host: string, port: number): Promise<Buffer> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const replies: Buffer[] = [];
  socket.on('message', (data) => replies.push(data));
  socket.send(QUERY, port, host);
  await waitUntil(`a reply of ${host} by UDP`, () => replies.length > 0);
  await new Promise<void>((resolve) => socket.close(resolve));
  return replies[0]!;
}

async function askTcp(host: string, port: number): Promise<Buffer | undefined> {
  const client = await connectStream(port, { host });
  client.socket.write(frame(QUERY));
  const [reply] = await client.received(1);
  client.socket.destroy();
  return reply;
}

async function expectServed(...places: DnsListenAddress[]): Promise<void> {
  for (const { host, port } of places) {
    expect(await askUdp(host, port)).toEqual(REPLY);
    expect(await askTcp(host, port)).toEqual(REPLY);
  }
}

/** True if the port is free for UDP and TCP. */
async function isFree(port: number): Promise<boolean> {
  const probe = new DnsListeners();
  try {
    await probe.open(service, { listen: [{ host: '127.0.0.1', port }] });
    return true;
  } catch {
    return false;
  } finally {
    await probe.close(0);
  }
}

function holdTcp(port: number): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(port, '127.0.0.1', () => resolve(server));
  });
}

describe('open()', () => {
  it('port 0: one port that is free for both, named in addresses', async () => {
    await listeners.open(service, {
      listen: [
        { host: '127.0.0.1', port: 0 },
        { host: '::1', port: 0 },
      ],
    });
    const [v4, v6] = listeners.bound;
    expect(listeners.addresses).toEqual([`127.0.0.1:${v4!.port}`, `[::1]:${v6!.port}`]);
    await expectServed(v4!, v6!);
  });

  it('0.0.0.0 and [::] can use the same port', async () => {
    const port = await freePort();
    await listeners.open(service, {
      listen: [
        { host: '0.0.0.0', port },
        { host: '::', port },
      ],
    });
    expect(listeners.addresses).toEqual([`0.0.0.0:${port}`, `[::]:${port}`]);
    await expectServed({ host: '127.0.0.1', port }, { host: '::1', port });
  });

  it.each(['UDP', 'TCP'])(
    'a port that is taken for %s: an error, and none of the others is left open',
    async (protocol) => {
      const [taken, other] = [await freePort(), await freePort()];
      const udp = createSocket('udp4');
      const tcp = protocol === 'TCP' ? await holdTcp(taken) : undefined;
      if (protocol === 'UDP') await new Promise<void>((resolve) => udp.bind(taken, '127.0.0.1', resolve));
      const listen = [other, taken].map((port) => ({ host: '127.0.0.1', port }));
      const error: unknown = await listeners.open(service, { listen }).catch((caught) => caught);
      udp.close();
      await new Promise((resolve) => (tcp === undefined ? resolve(undefined) : tcp.close(resolve)));
      expect(error).toBeInstanceOf(DnsListenError);
      expect(error).toMatchObject({ code: 'EADDRINUSE' });
      expect(String(error)).toContain(`Cannot listen on '127.0.0.1:${taken}' (${protocol}): `);
      expect(listeners.addresses).toEqual([]);
      expect(await isFree(other)).toBe(true);
      expect(await isFree(taken)).toBe(true);
    },
  );

  it('the same entry twice is reported as an overlap', async () => {
    const port = await freePort();
    const entry = { host: '127.0.0.1', port };
    await expect(listeners.open(service, { listen: [entry, { host: '0.0.0.0', port }] })).rejects.toThrow(
      process.platform === 'linux' ? 'two entries of dns.listen overlap' : 'Cannot listen',
    );
  });

  it('an IPv6 entry without IPv6: a warning for the default, otherwise an error', async () => {
    const port = await freePort();
    // An address of no interface simulates a machine without IPv6: bind fails in both cases.
    const listen = [
      { host: '127.0.0.1', port },
      { host: '2001:db8::77', port },
    ];
    const warnings: string[] = [];
    const onWarning = (text: string) => warnings.push(text);
    await listeners.open(service, { listen, isDefault: true, onWarning });
    expect(listeners.addresses).toEqual([`127.0.0.1:${port}`]);
    expect(warnings).toEqual([
      `This machine has no IPv6. The nameserver does not listen on '[2001:db8::77]:${port}', which is in the default of 'dns.listen'.`,
    ]);
    await listeners.close(0);
    await expect(listeners.open(service, { listen, onWarning })).rejects.toThrow('2001:db8::77');
    expect(warnings.length).toBe(1);
  });
});

/** Open sockets of this process (Linux). */
function socketCount(): number {
  if (process.platform !== 'linux') return 0;
  const isSocket = (file: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${file}`).startsWith('socket:');
    } catch {
      return false;
    }
  };
  return readdirSync('/proc/self/fd').filter(isSocket).length;
}

describe('close()', () => {
  it('an idle server closes at once and leaves no socket', async () => {
    const port = await freePort();
    const before = socketCount();
    await listeners.open(service, { listen: [{ host: '127.0.0.1', port }] });
    const client = await connectStream(port);
    await expectServed({ host: '127.0.0.1', port });
    const began = performance.now();
    await listeners.close();
    expect(performance.now() - began).toBeLessThan(400);
    await client.ended();
    client.socket.destroy();
    expect(await isFree(port)).toBe(true);
    await waitUntil('the system to have closed all', () => socketCount() <= before);
  });

  it('can be called twice, and before open()', async () => {
    await new DnsListeners().close();
    await listeners.close();
    await listeners.close();
  });
});
