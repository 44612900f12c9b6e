// When the keeper asks for a certificate, with a clock that stands still until it is moved and an authority that does what
// a test says. Orders with a real authority are in test/e2e/own-certificate.test.ts.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeCertificateOf } from '../../test/support/own-certificate.ts';
import { waitUntil } from '../../test/support/process.ts';
import { testDirectory } from '../../test/support/test-directory.ts';
import { formatCertificate, makeCertificate } from './certificate.ts';
import { AcmeFolder } from './folder.ts';
import { CertificateKeeper, type KeeperOptions, type KeeperTimers } from './keeper.ts';
import type { KeyAndChain } from './thread-messages.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const NAMES = ['dyndns.example.com', '*.lab.example.com'];
const DIRECTORY = 'https://ca.example/directory';

/** Time passes when a test says so. */
class ManualTimers implements KeeperTimers {
  nowMs = Date.now();
  delaysMs: number[] = [];
  #waiting: (() => void) | undefined;

  now(): number {
    return this.nowMs;
  }

  after(delayMs: number, call: () => void): () => void {
    this.delaysMs.push(delayMs);
    this.#waiting = call;
    return () => {
      if (this.#waiting === call) this.#waiting = undefined;
    };
  }

  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** Lets what waits be due. */
  pass(): void {
    this.nowMs += this.delaysMs.at(-1)!;
    const call = this.#waiting;
    this.#waiting = undefined;
    call?.();
  }
}

type Order = KeeperOptions['order'];

async function setUp(onDisk?: { ageDays: number; leftDays: number; names?: readonly string[]; directory?: string }) {
  const path = join(testDirectory('keeper'), 'acme');
  mkdirSync(path);
  const folder = new AcmeFolder(path);
  if (onDisk !== undefined) {
    const { key, chain } = await makeCertificateOf(onDisk.names ?? NAMES, onDisk.ageDays, onDisk.leftDays);
    const text = formatCertificate(makeCertificate(key, chain, onDisk.directory ?? DIRECTORY));
    writeFileSync(folder.certificateFile, text);
  }
  const timers = new ManualTimers();
  const told = { warnings: [] as string[], infos: [] as string[], changes: 0, orders: 0 };
  const challenges = { published: [] as string[], withdrawals: 0 };
  const world = {
    /** What the authority does. */
    order: (async () => makeCertificateOf(NAMES, 0, 90)) as Order,
    publishing: async () => undefined as undefined,
    propagationMs: 0,
  };
  const keeper = new CertificateKeeper({
    requested: { names: NAMES, directory: DIRECTORY },
    email: 'hostmaster@example.com',
    folder,
    challenges: {
      publish: async (values) => {
        await world.publishing();
        challenges.published.push(...values.map(({ name, value }) => `${name} ${value}`));
        return [];
      },
      withdraw: async () => {
        challenges.withdrawals += 1;
      },
    },
    propagationMs: () => world.propagationMs,
    order: (...parameters) => {
      told.orders += 1;
      return world.order(...parameters);
    },
    makeSelfSigned: (names) => makeCertificateOf(names, 0, 30),
    timers,
    random: () => 0.5,
    changed: () => {
      told.changes += 1;
    },
    warn: (text) => told.warnings.push(text),
    inform: (text) => told.infos.push(text),
  });
  const idle = () => waitUntil('the keeper to wait', () => timers.isWaiting);
  const start = async () => {
    await keeper.load();
    keeper.start();
    await idle();
  };
  const pass = async () => {
    timers.pass();
    await idle();
  };
  return { keeper, folder, timers, told, challenges, world, start, pass, idle };
}

describe('without a certificate', () => {
  it('makes one that is served, says so, and asks for one at once', async () => {
    const { keeper, told, timers, folder } = await setUp();
    await keeper.load();
    const selfSigned = keeper.served;
    expect(keeper.certificate).toBeUndefined();
    expect(told.warnings).toEqual([
      'http.tls.acme: there is no certificate for dyndns.example.com, *.lab.example.com yet; until there is one, clients will not trust this server.',
    ]);
    keeper.start();
    await waitUntil('the certificate', () => timers.isWaiting);
    expect(keeper.served).not.toEqual(selfSigned);
    expect(keeper.served).toEqual(keeper.certificate);
    expect(told).toMatchObject({ changes: 1, orders: 1, infos: [expect.stringContaining('a new certificate for')] });
    expect(await folder.findCertificate()).toBe(formatCertificate(keeper.certificate!));
    expect(timers.delaysMs).toEqual([HOUR_MS]);
  });

  it('takes one that cannot be read for none, and says which file it is', async () => {
    const { keeper, told, folder } = await setUp();
    writeFileSync(folder.certificateFile, 'rubbish');
    await keeper.load();
    expect(told.warnings[0]).toContain(
      `${folder.certificateFile} cannot be used, and is replaced: a part of it is missing`,
    );
    expect(keeper.served.chain).toContain('CERTIFICATE');
  });
});

describe('with a certificate', () => {
  it('asks for nothing before a third of its life is left, and looks once an hour', async () => {
    const { told, timers, start, pass, keeper } = await setUp({ ageDays: 59, leftDays: 31 });
    await start();
    const served = keeper.served;
    // It is due in a day, less the time that the test has taken so far.
    for (let hours = 0; hours < 22; hours++) await pass();
    expect(told).toMatchObject({ orders: 0, warnings: [] });
    expect(keeper.served).toBe(served);
    expect(new Set(timers.delaysMs)).toEqual(new Set([HOUR_MS]));
    await pass();
    await pass();
    expect(told).toMatchObject({ orders: 1, changes: 1, warnings: [] });
    expect(keeper.served).not.toBe(served);
  });

  it.each([
    ['it is over', { ageDays: 91, leftDays: -1 }],
    ['a name is missing', { ageDays: 1, leftDays: 89, names: NAMES.slice(1) }],
    ['it comes from another authority', { ageDays: 1, leftDays: 89, directory: 'https://staging.ca.example/' }],
  ])('asks at the start where %s', async (_what, onDisk) => {
    const { told, start } = await setUp(onDisk);
    await start();
    expect(told).toMatchObject({ orders: 1, changes: 1, warnings: [] });
  });
});

describe('a failure', () => {
  const refuse: Order = async () => {
    throw new Error('too many certificates already issued.');
  };

  it('leaves the old one served and is told with reason, state and time; the pauses grow, and end with a success', async () => {
    const { told, timers, start, pass, keeper, world, challenges } = await setUp({ ageDays: 80, leftDays: 10 });
    const { order } = world;
    world.order = refuse;
    await start();
    const served = keeper.served;
    for (let attempts = 2; attempts <= 8; attempts++) await pass();
    expect(timers.delaysMs.map((delay) => Math.round(delay / MINUTE_MS))).toEqual([1, 3, 9, 27, 81, 243, 360, 360]);
    expect(keeper.served).toBe(served);
    expect(told.warnings).toHaveLength(8);
    expect(told.warnings[0]).toBe(
      'http.tls.acme: no new certificate for dyndns.example.com, *.lab.example.com from https://ca.example/directory: ' +
        'too many certificates already issued. The one that is served goes on for 9 days. The next attempt is in 1 min, or at SIGHUP.',
    );
    expect(challenges.withdrawals).toBeGreaterThanOrEqual(8);
    world.order = order;
    await pass();
    expect(told.changes).toBe(1);
    world.order = refuse;
    timers.nowMs += 80 * DAY_MS;
    await pass();
    expect(timers.delaysMs.at(-1)).toBe(MINUTE_MS);
  });

  it('is tried again at once when it is woken', async () => {
    const { told, start, idle, keeper, world, timers } = await setUp({ ageDays: 80, leftDays: 10 });
    world.order = refuse;
    await start();
    keeper.wake();
    expect(timers.isWaiting).toBe(false);
    await idle();
    expect(told.orders).toBe(2);
  });

  it('does not ask a second time while the first one is under way', async () => {
    const { told, keeper, world, idle } = await setUp();
    let answer: (result: KeyAndChain) => void = () => undefined;
    world.order = () => new Promise((resolve) => (answer = resolve));
    await keeper.load();
    keeper.start();
    await waitUntil('the order', () => told.orders === 1);
    keeper.wake();
    answer(await makeCertificateOf(NAMES, 0, 90));
    await idle();
    expect(told.orders).toBe(1);
  });

  it('is a certificate for other names, and one that would be due at once', async () => {
    const { told, start, pass, keeper, world, timers } = await setUp({ ageDays: 80, leftDays: 10 });
    world.order = () => makeCertificateOf(['other.example.com'], 0, 90);
    await start();
    expect(told.changes).toBe(0);
    expect(told.warnings.at(-1)).toContain('the new certificate is not for dyndns.example.com, *.lab.example.com');
    world.order = () => makeCertificateOf(NAMES, 80, 10);
    await pass();
    expect(told.changes).toBe(1);
    expect(keeper.certificate?.names).toEqual(NAMES);
    expect(told.warnings.at(-1)).toContain('is the clock of this machine right?');
    expect(timers.delaysMs).toEqual([MINUTE_MS, 3 * MINUTE_MS]);
  });
});

describe('a disk that takes nothing', () => {
  it('does not stop the new one from being served, nor is another one asked for; it is written when it can be', async () => {
    const { told, start, pass, keeper, folder, world } = await setUp({ ageDays: 80, leftDays: 10 });
    const old = await folder.findCertificate();
    world.order = async () => {
      rmSync(folder.path, { recursive: true });
      writeFileSync(folder.path, 'a file in the way');
      return makeCertificateOf(NAMES, 0, 90);
    };
    await start();
    expect(told).toMatchObject({ orders: 1, changes: 1 });
    expect(told.warnings).toEqual([expect.stringContaining('a restart would have to ask for another one')]);
    expect(formatCertificate(keeper.certificate!)).not.toBe(old);
    rmSync(folder.path);
    mkdirSync(folder.path);
    await pass();
    expect(await folder.findCertificate()).toBe(formatCertificate(keeper.certificate!));
    await pass();
    expect(told).toMatchObject({ orders: 1, changes: 1 });
  });

  it('at the start is an error', async () => {
    const { keeper, folder } = await setUp();
    rmSync(folder.path, { recursive: true });
    writeFileSync(folder.path, 'a file in the way');
    await expect(keeper.load()).rejects.toThrow('EEXIST');
  });
});

describe('the records', () => {
  it('are published for the order, have the time that secondaries need, and are taken away', async () => {
    const { world, challenges, start, timers, keeper, told } = await setUp();
    world.propagationMs = 30_000;
    let isTold = false;
    world.order = async (order, publish) => {
      expect(order).toMatchObject({ names: NAMES, directory: DIRECTORY, email: 'hostmaster@example.com' });
      await publish([{ name: 'dyndns.example.com', value: 'proof' }]);
      isTold = true;
      expect(challenges).toEqual({ published: ['dyndns.example.com proof'], withdrawals: 1 });
      return makeCertificateOf(NAMES, 0, 90);
    };
    await start();
    expect([timers.delaysMs, isTold]).toEqual([[30_000], false]);
    timers.pass();
    await waitUntil('the certificate', () => told.changes === 1);
    await keeper.close();
    expect(challenges.withdrawals).toBe(2);
  });

  it('that are being published when the server ends are taken away after that', async () => {
    const { world, challenges, keeper, told, folder } = await setUp();
    let published: () => void = () => undefined;
    world.publishing = () => new Promise((resolve) => (published = () => resolve(undefined)));
    world.order = (_order, publish, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        publish([{ name: 'dyndns.example.com', value: 'proof' }]).catch(() => undefined);
      });
    await keeper.load();
    keeper.start();
    await waitUntil('the order', () => told.orders === 1);
    let isClosed = false;
    const closed = keeper.close().then(() => {
      isClosed = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([isClosed, challenges.withdrawals]).toEqual([false, 1]);
    published();
    await closed;
    expect(challenges).toEqual({ published: ['dyndns.example.com proof'], withdrawals: 2 });
    expect(told.warnings).toHaveLength(1);
    expect(readdirSync(folder.path)).toEqual(['account-key.pem']);
  });
});
