/** The server with several answering threads: updates, reload, a second server on its port, a thread that dies; and the refusal of Node.js. */
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RRType } from '../../src/dns/rdata.ts';
import { runDyndns } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { freePort } from '../support/free-port.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, waitUntil } from '../support/process.ts';
import { rawMessage, rawQuestion } from '../support/raw-message.ts';
import { CAN_SHARE_PORTS, describeShared } from '../support/reuse-port.ts';

const ZONE = 'threads.example.com';
/** Each from a port of its own, so that they meet both threads. */
const CLIENTS = 40;

let server: EmbeddedServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** The end of each reply: an address, if there is one. */
async function askFromManyPorts(port: number, label: string): Promise<readonly string[]> {
  const query = rawMessage({ questions: [rawQuestion(`${label}.${ZONE}`, RRType.A)] });
  const replies: string[] = [];
  const sockets = Array.from({ length: CLIENTS }, () => createSocket('udp4'));
  for (const socket of sockets) {
    socket.on('message', (reply) => replies.push(reply.subarray(-4).join('.')));
    socket.send(query, port, '127.0.0.1');
  }
  await waitUntil('all replies', () => replies.length === CLIENTS);
  await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(resolve))));
  return replies;
}

const all = (address: string) => Array.from({ length: CLIENTS }, () => address);

async function update({ dyndns, secret }: EmbeddedServer, label: string, address: string): Promise<void> {
  const { status, body } = await dyndns.ask(`/update-by-path/${secret}/${label}.${ZONE}/${address}`);
  expect([status, body]).toMatchObject([200, expect.stringMatching(/^UPDATED/)]);
}

/** Runs a server on the port of another one. @returns its exit code and what it says */
async function runOn(port: number): Promise<readonly [number | null, string]> {
  const directory = freshDirectory('second');
  const file = join(directory, 'dyndns.yml');
  const config = {
    secret: 'masterSecretOfTests',
    http: { listen: ['127.0.0.1:0'] },
    dns: { listen: [`127.0.0.1:${port}`], database: 'zones.db', threads: 2 },
    zones: [{ name: ZONE, nameserver: 'embedded', ns: ['ns1.example.com'] }],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  const { code, stderr } = await runDyndns(['--config', file, 'serve']);
  removeNow(directory);
  return [code, stderr];
}

describeShared('a server with two answering threads', () => {
  it('both threads see each update and a reload', async () => {
    server = await startEmbedded({ zone: ZONE, dns: { threads: 2 }, config: { metrics: { listen: '127.0.0.1:0' } } });
    for (let round = 1; round <= 5; round++) {
      await update(server, 'host', `192.0.2.${round}`);
      expect(await askFromManyPorts(server.port, 'host')).toEqual(all(`192.0.2.${round}`));
    }
    const { dyndns, port } = server;
    const lines = await dyndns.reload({
      secret: server.secret,
      log_level: 20,
      metrics: { listen: '127.0.0.1:0' },
      dns: { listen: [`127.0.0.1:${port}`], database: 'zones.db', threads: 1 },
      zones: [
        { name: ZONE, nameserver: 'embedded', ns: [`ns1.${ZONE}`], records: 'ns1 IN A 127.0.0.1\nwww IN A 192.0.2.80' },
      ],
    });
    expect(lines.map(({ msg }) => msg)).toContain(
      "Changing 'dns.threads' needs a restart. Until then the old value stays in force.",
    );
    expect(await askFromManyPorts(port, 'www')).toEqual(all('192.0.2.80'));
    expect(await askFromManyPorts(port, 'host')).toEqual(all('192.0.2.5'));
  });

  it('a second server on its port is refused, and the first one still answers', async () => {
    server = await startEmbedded({ zone: ZONE, dns: { threads: 2 } });
    const [code, text] = await runOn(server.port);
    expect([code, text]).toEqual([1, expect.stringContaining(`Cannot listen on '127.0.0.1:${server.port}' (TCP): `)]);
    await update(server, 'host', '192.0.2.1');
    expect(await askFromManyPorts(server.port, 'host')).toEqual(all('192.0.2.1'));
  });

  it('a program that has only the UDP port, and shares it, is named', async () => {
    const port = await freePort();
    const options = { type: 'udp4', reusePort: true } as const;
    const other = createSocket(options);
    await new Promise<void>((resolve) => other.bind(port, '127.0.0.1', resolve));
    const [code, text] = await runOn(port);
    expect([code, text]).toEqual([1, expect.stringContaining(`Cannot listen on '127.0.0.1:${port}' (UDP): `)]);
    expect(text).toContain(`(process ${process.pid})`);
    await new Promise<void>((resolve) => other.close(resolve));
  });

  it('the death of one thread ends the process', async () => {
    const directory = freshDirectory('preload');
    const preload = join(directory, 'preload.mjs');
    // As a lack of memory would end it.
    writeFileSync(
      preload,
      `import { syncBuiltinESMExports } from 'node:module';
      import threads from 'node:worker_threads';
      let answering;
      threads.Worker = class extends threads.Worker {
        constructor(url, options) { super(url, options); if (String(url).includes('answering-worker')) answering = this; }
      };
      syncBuiltinESMExports();
      process.on('SIGUSR2', () => answering.terminate());`,
    );
    server = await startEmbedded({ zone: ZONE, dns: { threads: 2 }, env: { NODE_OPTIONS: `--import=${preload}` } });
    server.dyndns.process.signal('SIGUSR2');
    expect(await server.dyndns.process.ended).toBe(1);
    expect(server.dyndns.process.output()).toMatch(/The thread that answers DNS died: it has ended/);
    removeNow(directory);
  });
});

describe.skipIf(CAN_SHARE_PORTS)('a Node.js that cannot share a UDP port', () => {
  it('is named, with the versions that can', async () => {
    const [code, text] = await runOn(await freePort());
    expect([code, text]).toEqual([
      2,
      expect.stringContaining(
        `dns.threads: more than 1 needs Node.js 22.12 or later (of version 23: 23.1); this is ${process.versions.node}.`,
      ),
    ]);
  });
});
