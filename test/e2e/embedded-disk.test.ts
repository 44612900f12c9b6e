// The embedded nameserver when the disk of its database is full, read-only, or does not answer, under load, on real disks:
// clients are told so, queries are answered all the time, nothing acknowledged is lost and nothing refused is there later.
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { RRClass, RRType } from '../../src/dns/rdata.ts';
import { ClientTransaction } from '../../src/dns/tsig.ts';
import { makeTsigKey } from '../../src/dns/tsig-key.ts';
import { updateMessage } from '../../src/dns/update.ts';
import { encodeMessage, makeMessage, Rcode } from '../../src/dns/wire/message.ts';
import { TcpExchanger } from '../../src/net/tcp.ts';
import { UdpExchanger } from '../../src/net/udp.ts';
import { openDatabase } from '../../src/sqlite/database.ts';
import { runDyndns } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { freePort } from '../support/free-port.ts';
import { describeWithImageDisks, mountImageDisk } from '../support/image-disk.ts';
import { waitUntil } from '../support/process.ts';
import { describeWithMounts, mountReadOnly, mountSmallDisk, unmount } from '../support/small-disk.ts';
import { makeKey } from './lab.ts';

const ZONE = 'dyn.example.com';
const apex = DomainName.parse(ZONE);
const keySpec = makeKey(`key.${ZONE}`);
const key = makeTsigKey(DomainName.parse(keySpec.name), 'hmac-sha512', Buffer.from(keySpec.secret, 'base64'));
const seconds = () => Math.floor(Date.now() / 1000);
const WRITERS_OF_EACH_KIND = 8;
/** Two cores with all of this on them: what a query may take where the disk has no part in it. */
const LONGEST_ANSWER_MS = 1_000;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(directory: string, config: Readonly<Record<string, unknown>> = {}): Promise<EmbeddedServer> {
  const server = await startEmbedded({
    zone: ZONE,
    keys: [keySpec],
    config,
    dns: { database: join(directory, 'zones.db') },
  });
  cleanups.push(() => server.stop());
  return server;
}

/** What a writer was told of one counter. */
type Told = 'done' | 'refused' | 'in doubt';

type Send = (counter: number) => Promise<{ readonly told: Told; readonly text: string }>;

class Writer {
  readonly name: DomainName;
  readonly outcomes: { readonly counter: number; readonly told: Told; readonly text: string }[] = [];
  readonly #send: Send;
  counter = 0;
  constructor(name: string, send: Send) {
    this.name = DomainName.parse(name);
    this.#send = send;
  }

  async write(goOn: () => boolean): Promise<void> {
    while (goOn()) {
      this.counter += 1;
      this.outcomes.push({ counter: this.counter, ...(await this.#send(this.counter)) });
    }
  }

  /** Values that the name may have: the last one that was acknowledged, and what came later and is in doubt. */
  allowed(): readonly string[] {
    const last = this.outcomes.findLastIndex(({ told }) => told === 'done');
    const later = this.outcomes.slice(last + 1).filter(({ told }) => told === 'in doubt');
    return [this.outcomes[last], ...later].map((outcome) =>
      outcome === undefined ? 'none' : address(outcome.counter),
    );
  }
}

const address = (counter: number) => `10.${(counter >> 16) & 255}.${(counter >> 8) & 255}.${counter & 255}`;

function httpWriter(server: EmbeddedServer, name: string): Writer {
  return new Writer(name, async (counter) => {
    const { status, body } = await server.dyndns.ask(`/update-by-path/${server.secret}/${name}/${address(counter)}`);
    if (status === 200) return { told: 'done', text: body };
    if (status !== 512) throw new Error(`${status} ${body}`);
    return { told: body.includes('Nothing was changed') ? 'refused' : 'in doubt', text: body };
  });
}

function updateWriter(exchanger: TcpExchanger, name: string): Writer {
  const ownerName = DomainName.parse(name);
  return new Writer(name, async (counter) => {
    const rdatas = [{ kind: 'A', address: address(counter) }] as const;
    const edits = [{ kind: 'replace-rrset', rrset: { ownerName, type: RRType.A, ttl: 60, rdatas } }] as const;
    const message = updateMessage(apex, [{ zone: apex, ownerName, prerequisites: [], edits }]);
    const transaction = new ClientTransaction(key);
    const build = (id: number) => transaction.sign(encodeMessage({ ...message, id }), seconds());
    const reply = await exchanger.exchange(build, performance.now() + 20_000);
    transaction.verify(reply.octets, reply.message, seconds());
    const { rcode } = reply.message;
    if (rcode !== Rcode.NOERROR && rcode !== Rcode.SERVFAIL) throw new Error(`RCODE ${rcode}`);
    // SERVFAIL alone does not say which of the two it is.
    return { told: rcode === Rcode.NOERROR ? 'done' : 'in doubt', text: `RCODE ${rcode}` };
  });
}

async function lookUp(exchanger: UdpExchanger | TcpExchanger, qname: DomainName): Promise<string> {
  const questions = [{ qname, qtype: RRType.A, qclass: RRClass.IN }];
  const build = (id: number) => encodeMessage(makeMessage({ id, questions }));
  const { message } = await exchanger.exchange(build, performance.now() + 20_000);
  const found = message.answers.map(({ rdata }) => (rdata.kind === 'A' ? rdata.address : rdata.kind));
  return message.rcode === 0 && found.length > 0 ? found.join() : 'none';
}

/** Writers over HTTP and by UPDATE, and a reader who asks without a pause. */
function startLoad(server: EmbeddedServer) {
  let running = true;
  const goOn = () => running;
  const tcp = new TcpExchanger(server);
  const udp = new UdpExchanger(server);
  const http = Array.from({ length: WRITERS_OF_EACH_KIND }, (_, i) => httpWriter(server, `h${i}.${ZONE}`));
  const updates = Array.from({ length: WRITERS_OF_EACH_KIND }, (_, i) => updateWriter(tcp, `u${i}.${ZONE}`));
  const writers = [...http, ...updates];
  const reader = { answers: 0, longestMs: 0 };
  const read = async () => {
    const ns1 = DomainName.parse(`ns1.${ZONE}`);
    while (running) {
      const startMs = performance.now();
      expect(await lookUp(udp, ns1)).toBe('127.0.0.1');
      reader.longestMs = Math.max(reader.longestMs, performance.now() - startMs);
      reader.answers += 1;
    }
  };
  const work = Promise.all([read(), ...writers.map((writer) => writer.write(goOn))]);
  work.catch(() => {});
  const told = (of: readonly Writer[], kind: Told) =>
    of.flatMap(({ outcomes }) => outcomes).filter((outcome) => outcome.told === kind);
  const end = async () => {
    running = false;
    await work;
    tcp.close();
    udp.close();
  };
  cleanups.push(() => {
    running = false;
    tcp.close();
    udp.close();
  });
  return {
    http,
    updates,
    writers,
    reader,
    told,
    end,
    /** Changes of each writer are acknowledged again. */
    async goesOn() {
      const before = writers.map(({ counter }) => counter);
      const last = (writer: Writer) => writer.outcomes.at(-1);
      await Promise.race([
        work,
        waitUntil('changes of all to be acknowledged', () =>
          writers.every((writer, i) => writer.counter > before[i]! + 1 && last(writer)?.told === 'done'),
        ),
      ]);
    },
    /** Resolves when the condition holds; fails with the load. */
    until: (what: string, condition: () => boolean) => Promise.race([work, waitUntil(what, condition)]),
  };
}

/** The server anew on the same database: what each writer was told is true, and the database is sound. */
async function checkAfterRestart(writers: readonly Writer[], server: EmbeddedServer, directory: string): Promise<void> {
  await server.stop();
  const again = await start(directory);
  const tcp = new TcpExchanger(again);
  for (const writer of writers) expect(writer.allowed()).toContain(await lookUp(tcp, writer.name));
  tcp.close();
  await again.stop();
  const database = await openDatabase(join(directory, 'zones.db'), { readOnly: true });
  expect(database.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  database.close();
}

/** Writes until nothing fits any more. */
function fill(file: string): void {
  const descriptor = openSync(file, 'a');
  try {
    for (const octets of [65_536, 4_096]) {
      try {
        for (;;) writeSync(descriptor, Buffer.alloc(octets));
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' });
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

describeWithMounts('a full disk', () => {
  it('clients are told to free some space, queries are answered, and with room changes go on by themselves', async () => {
    const directory = mountSmallDisk(3_072);
    cleanups.push(() => unmount(directory));
    const server = await start(directory);
    const load = startLoad(server);
    await load.goesOn();
    const filler = join(directory, 'filler');
    const refused = () =>
      load.told(load.http, 'refused').length > 20 && load.told(load.updates, 'in doubt').length > 20;
    await load.until('both kinds of clients to be refused', () => {
      fill(filler);
      return refused();
    });
    const [first] = load.told(load.http, 'refused');
    expect(first?.text).toBe(
      'DNS_SERVER_ERROR: The zone database could not be written: the disk is full; free some space. Nothing was changed.\n',
    );
    const answers = load.reader.answers;
    await load.until('answers meanwhile', () => load.reader.answers > answers + 100);
    rmSync(filler);
    await load.goesOn();
    await load.end();
    expect(load.reader.longestMs).toBeLessThan(LONGEST_ANSWER_MS);
    const warnings = server.dyndns.log().filter(({ level }) => level === 30);
    expect(warnings.map(({ msg }) => msg)).toContainEqual(
      expect.stringMatching(/zones\.db.*no space is left on its disk/),
    );
    await checkAfterRestart(load.writers, server, directory);
  });
});

describeWithMounts('a disk that is read-only at the start', () => {
  it('the error names the file and says what to do', async () => {
    const base = mountSmallDisk(1_024);
    cleanups.push(() => unmount(base));
    mkdirSync(join(base, 'data'));
    const first = await start(join(base, 'data'));
    await first.stop();
    const view = mountReadOnly(join(base, 'data'));
    cleanups.push(() => unmount(view));
    const file = join(base, 'dyndns.yml');
    const config = {
      secret: 'notUsed12345',
      http: { listen: ['127.0.0.1:0'] },
      dns: { listen: [`127.0.0.1:${await freePort()}`], database: join(view, 'zones.db') },
      zones: [{ name: ZONE, nameserver: 'embedded', ns: [`ns1.${ZONE}`], records: 'ns1 IN A 127.0.0.1' }],
    };
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    const { code, stdout, stderr } = await runDyndns(['--config', file, 'serve']);
    expect([code, stdout + stderr]).toEqual([
      expect.toSatisfy((status) => status !== 0),
      expect.stringContaining(join(view, 'zones.db')),
    ]);
    expect(stdout + stderr).toContain('mounted read-only');
  });
});

describeWithImageDisks('a disk that fails while the server runs', () => {
  it('becomes read-only: clients are told so, queries are answered, and what was acknowledged is there afterwards', async () => {
    const disk = mountImageDisk();
    cleanups.push(() => disk.remove());
    const server = await start(disk.directory);
    const load = startLoad(server);
    await load.goesOn();
    disk.fail();
    await load.until('both kinds of clients to be refused', () => {
      return load.told(load.http, 'in doubt').length > 20 && load.told(load.updates, 'in doubt').length > 20;
    });
    // Kernels do not agree on whether a file system that has ended itself says so when it is asked (access(2)).
    expect(load.told(load.http, 'in doubt').at(-1)?.text).toMatch(
      /could not be written: (it is read-only; .*|reading or writing its disk failed; see .*)may be after the next start/,
    );
    expect(load.told(load.http, 'refused')).toEqual([]);
    const answers = load.reader.answers;
    await load.until('answers meanwhile', () => load.reader.answers > answers + 100);
    await load.end();
    expect(load.reader.longestMs).toBeLessThan(LONGEST_ANSWER_MS);
    await server.stop();
    disk.remount();
    await checkAfterRestart(load.writers, server, disk.directory);
  });

  it('does not answer for 1.5 s: queries are answered, nothing is acknowledged, changes are in doubt, then all goes on', async () => {
    const disk = mountImageDisk();
    cleanups.push(() => disk.remove());
    const server = await start(disk.directory, { nameserver_timeout_seconds: 1 });
    const load = startLoad(server);
    await load.goesOn();
    disk.freeze();
    // A reply may be on its way from before.
    await delay(200);
    const done = load.told(load.writers, 'done').length;
    const { answers } = load.reader;
    await delay(1_300);
    expect(load.told(load.writers, 'done')).toHaveLength(done);
    expect(load.reader.answers).toBeGreaterThan(answers + 100);
    disk.thaw();
    await load.goesOn();
    await load.end();
    expect(load.told(load.http, 'in doubt').map(({ text }) => text)).toContainEqual(
      expect.stringContaining('did not confirm the change in time'),
    );
    expect(load.reader.longestMs).toBeLessThan(LONGEST_ANSWER_MS);
    await checkAfterRestart(load.writers, server, disk.directory);
  });
});
