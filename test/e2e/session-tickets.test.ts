/** TLS session tickets of real servers and clients: after a restart, at another server, after a new key, and without the store. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type SecureVersion } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TICKET_KEY_OCTETS } from '../../src/core/ticket-keys.ts';
import { openStore } from '../../src/store/open-store.ts';
import { type DyndnsConfig, type RunningDyndns, startDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { type MadeCertificate, makeCertificateOf } from '../support/own-certificate.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, waitUntil } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];

let directory: string;
let made: MadeCertificate;
let primaryPort: number;
const servers: RunningDyndns[] = [];

beforeAll(async () => {
  directory = freshDirectory('tickets');
  made = await makeCertificateOf(['localhost'], 1, 30);
  // Nothing listens there.
  primaryPort = await freePort();
  writeCertificate(made);
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  removeNow(directory);
});

function writeCertificate({ chain, key }: MadeCertificate): void {
  writeFileSync(join(directory, 'cert.pem'), chain);
  writeFileSync(join(directory, 'key.pem'), key, { mode: 0o600 });
}

const configOf = (options: object): DyndnsConfig => ({
  secret: 'Top5ecretWord',
  nameserver: '127.0.0.1',
  port: primaryPort,
  zones: [{ name: 'dyn.example.com', tsig_key: randomBytes(64).toString('base64') }],
  http: {
    listen: ['https://127.0.0.1:0'],
    tls: { certificate: join(directory, 'cert.pem'), key: join(directory, 'key.pem') },
  },
  ...options,
});

async function serve(options: object): Promise<RunningDyndns> {
  const server = await startDyndns(configOf(options));
  servers.push(server);
  return server;
}

interface Visit {
  readonly isResumed: boolean;
  /** For the next visit: the newest ticket, or that of before. */
  readonly session: Buffer | undefined;
}

/** One request over a new connection. */
function visit(port: number, version: SecureVersion, session?: Buffer): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ca: made.chain,
      minVersion: version,
      maxVersion: version,
      session,
    });
    let newest = session;
    let reply = '';
    let isResumed = false;
    socket.on('session', (ticket) => {
      newest = ticket;
    });
    socket.on('data', (octets) => {
      reply += octets.toString('latin1');
    });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      isResumed = socket.isSessionReused();
      socket.write('GET /myip HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    });
    socket.once('close', () => {
      if (!reply.startsWith('HTTP/1.1 200 ')) reject(new Error(reply));
      else resolve({ isResumed, session: newest });
    });
  });
}

describe('on a store in SQLite', () => {
  const file = () => join(directory, 'store.db');
  const storeKey = () => /[A-Za-z0-9+/]{64}/.exec(readFileSync(file(), 'latin1'))?.[0];

  it.each(VERSIONS)(
    '%s: a session is resumed at once, after a reload with a new certificate, and after a restart',
    {
      timeout: 60_000,
    },
    async (version) => {
      writeCertificate(made);
      const first = await serve({ store: `sqlite:${file()}` });
      const full = await visit(first.port, version);
      expect(full.isResumed).toBe(false);
      expect((await visit(first.port, version, full.session)).isResumed).toBe(true);
      const next = await makeCertificateOf(['localhost'], 1, 60);
      writeCertificate(next);
      await first.reload(configOf({ store: `sqlite:${file()}` }));
      const resumed = await visit(first.port, version, full.session);
      expect(resumed.isResumed).toBe(true);
      // A client without a ticket gets the new certificate.
      await expect(visit(first.port, version)).rejects.toThrow();
      writeCertificate(made);
      await first.stop();
      const second = await serve({ store: `sqlite:${file()}` });
      expect((await visit(second.port, version, resumed.session)).isResumed).toBe(true);
      await second.stop();
    },
  );

  it('an old key is overwritten in the file, and a ticket of it costs one full handshake', async () => {
    const first = await serve({ store: `sqlite:${file()}` });
    const { session: old } = await visit(first.port, 'TLSv1.2');
    const output = first.process.output();
    await first.stop();
    const oldKey = storeKey();
    expect(oldKey).toBeDefined();
    expect(output).not.toContain(oldKey);
    const store = await openStore(`sqlite:${file()}`);
    await store.ticketKeys.current(randomBytes(TICKET_KEY_OCTETS), 0);
    await store.close();
    expect(readFileSync(file(), 'latin1')).not.toContain(oldKey);
    expect(storeKey()).toHaveLength(64);
    const second = await serve({ store: `sqlite:${file()}` });
    const full = await visit(second.port, 'TLSv1.2', old);
    expect(full.isResumed).toBe(false);
    expect((await visit(second.port, 'TLSv1.2', full.session)).isResumed).toBe(true);
    await second.stop();
  });
});

describe('without a store', () => {
  it.each(VERSIONS)('%s: a session is resumed as long as the server runs', async (version) => {
    writeCertificate(made);
    const first = await serve({});
    const { session } = await visit(first.port, version);
    expect((await visit(first.port, version, session)).isResumed).toBe(true);
    await first.stop();
    const second = await serve({});
    expect((await visit(second.port, version, session)).isResumed).toBe(false);
    await second.stop();
  });
});

describeWith(POSTGRES_PROGRAMS, 'servers on one PostgreSQL', () => {
  let postgres: PostgresServer;

  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres?.stop());

  it.each(VERSIONS)(
    '%s: a session of one is resumed at the other, and a new key costs one full handshake',
    {
      timeout: 60_000,
    },
    async (version) => {
      writeCertificate(made);
      const [a, b] = await Promise.all([serve({ store: postgres.url }), serve({ store: postgres.url })]);
      const { session: old } = await visit(a.port, version);
      expect((await visit(b.port, version, old)).isResumed).toBe(true);
      const store = await openStore(postgres.url);
      const { secret: before } = await store.ticketKeys.current(randomBytes(TICKET_KEY_OCTETS), 3_600_000);
      const { secret: after } = await store.ticketKeys.current(randomBytes(TICKET_KEY_OCTETS), 0);
      expect(after).not.toEqual(before);
      await store.close();
      for (const { port } of [a, b]) {
        await waitUntil('the new key', async () => !(await visit(port, version, old)).isResumed);
      }
      const full = await visit(a.port, version, old);
      expect(full.isResumed).toBe(false);
      for (const { port } of [b, a]) expect((await visit(port, version, full.session)).isResumed).toBe(true);
      for (const { process } of [a, b]) {
        for (const key of [before, after]) expect(process.output()).not.toContain(key.toString('base64'));
      }
      await Promise.all([a.stop(), b.stop()]);
    },
  );

  it('a server that starts while the store is away has a key of its own, and that of the others afterwards', {
    timeout: 60_000,
  }, async () => {
    writeCertificate(made);
    const a = await serve({ store: postgres.url });
    await postgres.halt();
    const b = await serve({ store: postgres.url });
    const { session: ofB } = await visit(b.port, 'TLSv1.3');
    expect((await visit(b.port, 'TLSv1.3', ofB)).isResumed).toBe(true);
    const { session: ofA } = await visit(a.port, 'TLSv1.3');
    expect((await visit(b.port, 'TLSv1.3', ofA)).isResumed).toBe(false);
    await postgres.restart();
    await waitUntil('the key of the store', async () => (await visit(b.port, 'TLSv1.3', ofA)).isResumed);
    await Promise.all([a.stop(), b.stop()]);
  });
});
