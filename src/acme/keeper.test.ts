/**
 * When a certificate is ordered, with a manual clock and a scripted authority. test/e2e/own-certificate.test.ts orders
 * from a real one.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeCertificateOf } from '../../test/support/own-certificate.ts';
import { waitUntil } from '../../test/support/process.ts';
import { testDirectory } from '../../test/support/test-directory.ts';
import type { Timers } from '../core/timers.ts';
import { formatCertificate, type KeyType, makeCertificate } from './certificate.ts';
import { AcmeFolder } from './folder.ts';
import { CertificateKeeper, type KeeperOptions } from './keeper.ts';
import type { KeyAndChain } from './thread-messages.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const NAMES = ['dyndns.example.com', '*.lab.example.com'];
const DIRECTORY = 'https://ca.example/directory';

/** Time passes only when a test calls `pass`. */
class ManualTimers implements Timers {
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

  /** Moves the clock to the next timer, and fires it. */
  pass(): void {
    this.nowMs += this.delaysMs.at(-1)!;
    const call = this.#waiting;
    this.#waiting = undefined;
    call?.();
  }
}

type Order = KeeperOptions['order'];

async function setUp(
  onDisk?: { ageDays: number; leftDays: number; names?: readonly string[]; directory?: string },
  keyTypes: readonly KeyType[] = ['ec'],
) {
  const path = join(testDirectory('keeper'), 'acme');
  mkdirSync(path);
  const folder = new AcmeFolder(path);
  if (onDisk !== undefined) {
    const { key, chain } = await makeCertificateOf(onDisk.names ?? NAMES, onDisk.ageDays, onDisk.leftDays);
    const text = formatCertificate(makeCertificate(key, chain, onDisk.directory ?? DIRECTORY));
    writeFileSync(folder.certificateFile('ec'), text);
  }
  const timers = new ManualTimers();
  const reported = { warnings: [] as string[], infos: [] as string[], changes: 0, orders: 0 };
  const challenges = { published: [] as string[], withdrawals: 0 };
  const world = {
    /** The authority. */
    order: (async () => makeCertificateOf(NAMES, 0, 90)) as Order,
    publishing: async () => undefined as undefined,
    propagationMs: 0,
  };
  const keeper = new CertificateKeeper({
    requested: { names: NAMES, directory: DIRECTORY, keyTypes },
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
      reported.orders += 1;
      return world.order(...parameters);
    },
    makeSelfSigned: (names) => makeCertificateOf(names, 0, 30),
    timers,
    random: () => 0.5,
    changed: () => {
      reported.changes += 1;
    },
    warn: (text) => reported.warnings.push(text),
    inform: (text) => reported.infos.push(text),
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
  return { keeper, folder, timers, reported, challenges, world, start, pass, idle };
}

describe('without a certificate', () => {
  it('serves a self-signed one, warns, and orders one at once', async () => {
    const { keeper, reported, timers, folder } = await setUp();
    await keeper.load();
    const selfSigned = keeper.served[0];
    expect(keeper.certificates[0]).toBeUndefined();
    expect(reported.warnings).toEqual([
      'http.tls.acme: There is no certificate for dyndns.example.com, *.lab.example.com yet. Clients do not trust this server until there is one.',
    ]);
    keeper.start();
    await waitUntil('the certificate', () => timers.isWaiting);
    expect(keeper.served[0]).not.toEqual(selfSigned);
    expect(keeper.served).toEqual(keeper.certificates);
    expect(reported).toMatchObject({
      changes: 1,
      orders: 1,
      infos: [expect.stringContaining('Installed a new certificate for')],
    });
    expect(await folder.findCertificate('ec')).toBe(formatCertificate(keeper.certificates[0]!));
    expect(timers.delaysMs).toEqual([HOUR_MS]);
  });

  it('replaces one that it cannot read, and names the file', async () => {
    const { keeper, reported, folder } = await setUp();
    writeFileSync(folder.certificateFile('ec'), 'rubbish');
    await keeper.load();
    expect(reported.warnings[0]).toContain(
      `Cannot read ${folder.certificateFile('ec')}, which will be replaced: The directory, the key or the certificate is missing.`,
    );
    expect(keeper.served[0]?.chain).toContain('CERTIFICATE');
  });
});

describe('with a certificate', () => {
  it('checks once an hour, and orders nothing before a third of the lifetime is left', async () => {
    const { reported, timers, start, pass, keeper } = await setUp({ ageDays: 59, leftDays: 31 });
    await start();
    const served = keeper.served[0];
    // It is due in a day, less the duration of the test.
    for (let hours = 0; hours < 22; hours++) await pass();
    expect(reported).toMatchObject({ orders: 0, warnings: [] });
    expect(keeper.served[0]).toBe(served);
    expect(new Set(timers.delaysMs)).toEqual(new Set([HOUR_MS]));
    await pass();
    await pass();
    expect(reported).toMatchObject({ orders: 1, changes: 1, warnings: [] });
    expect(keeper.served[0]).not.toBe(served);
  });

  it.each([
    ['it has expired', { ageDays: 91, leftDays: -1 }],
    ['a name is missing', { ageDays: 1, leftDays: 89, names: NAMES.slice(1) }],
    ['it is from another authority', { ageDays: 1, leftDays: 89, directory: 'https://staging.ca.example/' }],
  ])('orders one at start if %s', async (_what, onDisk) => {
    const { reported, start } = await setUp(onDisk);
    await start();
    expect(reported).toMatchObject({ orders: 1, changes: 1, warnings: [] });
  });
});

describe('a failure', () => {
  const refuse: Order = async () => {
    throw new Error('too many certificates already issued.');
  };

  it('leaves the old one in use, and is reported with reason, state and time; the backoff grows and ends with a success', async () => {
    const { reported, timers, start, pass, keeper, world, challenges } = await setUp({ ageDays: 80, leftDays: 10 });
    const { order } = world;
    world.order = refuse;
    await start();
    const served = keeper.served[0];
    for (let attempts = 2; attempts <= 8; attempts++) await pass();
    expect(timers.delaysMs.map((delay) => Math.round(delay / MINUTE_MS))).toEqual([1, 3, 9, 27, 81, 243, 360, 360]);
    expect(keeper.served[0]).toBe(served);
    expect(reported.warnings).toHaveLength(8);
    expect(reported.warnings[0]).toBe(
      'http.tls.acme: Could not get a new certificate for dyndns.example.com, *.lab.example.com from https://ca.example/directory: ' +
        'too many certificates already issued. The current one is valid for 9 days more. The next attempt is in 1 min, or at SIGHUP.',
    );
    expect(challenges.withdrawals).toBeGreaterThanOrEqual(8);
    world.order = order;
    await pass();
    expect(reported.changes).toBe(1);
    world.order = refuse;
    timers.nowMs += 80 * DAY_MS;
    await pass();
    expect(timers.delaysMs.at(-1)).toBe(MINUTE_MS);
  });

  it('is retried at once by wake()', async () => {
    const { reported, start, idle, keeper, world, timers } = await setUp({ ageDays: 80, leftDays: 10 });
    world.order = refuse;
    await start();
    keeper.wake();
    expect(timers.isWaiting).toBe(false);
    await idle();
    expect(reported.orders).toBe(2);
  });

  it('does not start a second order while the first is in flight', async () => {
    const { reported, keeper, world, idle } = await setUp();
    let answer: (result: KeyAndChain) => void = () => undefined;
    world.order = () => new Promise((resolve) => (answer = resolve));
    await keeper.load();
    keeper.start();
    await waitUntil('the order', () => reported.orders === 1);
    keeper.wake();
    answer(await makeCertificateOf(NAMES, 0, 90));
    await idle();
    expect(reported.orders).toBe(1);
  });

  it('is a certificate for other names, or one that is due at once', async () => {
    const { reported, start, pass, keeper, world, timers } = await setUp({ ageDays: 80, leftDays: 10 });
    world.order = () => makeCertificateOf(['other.example.com'], 0, 90);
    await start();
    expect(reported.changes).toBe(0);
    expect(reported.warnings.at(-1)).toContain(
      'The new certificate does not cover dyndns.example.com, *.lab.example.com.',
    );
    world.order = () => makeCertificateOf(NAMES, 80, 10);
    await pass();
    expect(reported.changes).toBe(1);
    expect(keeper.certificates[0]?.names).toEqual(NAMES);
    expect(reported.warnings.at(-1)).toContain('Check the clock of this machine.');
    expect(timers.delaysMs).toEqual([MINUTE_MS, 3 * MINUTE_MS]);
  });
});

describe('with keys of two types', () => {
  const both = ['ec', 'rsa'] as const;
  const orderOf: Order = async ({ keyType }) => makeCertificateOf(NAMES, 0, 90, keyType);
  const typesOf = (keeper: CertificateKeeper) => keeper.certificates.map(({ keyType }) => keyType);

  it('has a certificate for each, in files of their own, and reads both again', async () => {
    const { keeper, world, start, reported, folder, pass } = await setUp(undefined, both);
    world.order = orderOf;
    await start();
    expect([typesOf(keeper), reported.orders]).toEqual([both, 2]);
    expect(keeper.served).toEqual(keeper.certificates);
    expect(reported.infos[1]).toMatch(/^http\.tls\.acme: Installed a new certificate for .* with an RSA key\. /);
    expect(readdirSync(folder.path).sort()).toEqual(['account-key.pem', 'certificate-rsa.pem', 'certificate.pem']);
    for (const [index, keyType] of both.entries()) {
      expect(await folder.findCertificate(keyType)).toBe(formatCertificate(keeper.certificates[index]!));
    }
    await pass();
    expect(reported.orders).toBe(2);
  });

  it('an option that was added orders what is missing, and the old one is served meanwhile', async () => {
    const { keeper, world, start, reported } = await setUp({ ageDays: 1, leftDays: 89 }, both);
    world.order = orderOf;
    await keeper.load();
    expect([typesOf(keeper), reported.warnings]).toEqual([['ec'], []]);
    await start();
    expect([typesOf(keeper), reported.orders]).toEqual([both, 1]);
  });

  it('renews each when it is due', async () => {
    const { keeper, world, start, reported } = await setUp({ ageDays: 80, leftDays: 10 }, both);
    world.order = orderOf;
    await start();
    expect([typesOf(keeper), reported.orders]).toEqual([both, 2]);
  });

  it('one that fails does not hold up the other', async () => {
    for (const failing of both) {
      const { keeper, world, start, reported, pass } = await setUp(undefined, both);
      world.order = (order, ...rest) => {
        if (order.keyType === failing) throw new Error('no');
        return orderOf(order, ...rest);
      };
      await start();
      await pass();
      expect(typesOf(keeper)).toEqual(both.filter((keyType) => keyType !== failing));
      expect(reported.warnings.at(-1)).toContain('The server has only one with a key of another type yet.');
      world.order = orderOf;
      await pass();
      expect(typesOf(keeper)).toEqual(both);
    }
  });

  it('a certificate of another type than its file is for is replaced', async () => {
    const { keeper, world, start, folder, reported } = await setUp({ ageDays: 1, leftDays: 89 }, ['rsa']);
    writeFileSync(folder.certificateFile('rsa'), (await folder.findCertificate('ec'))!);
    world.order = orderOf;
    await start();
    expect(reported.warnings[0]).toContain("key of another type than 'rsa'");
    expect(typesOf(keeper)).toEqual(['rsa']);
  });
});

describe('a folder that cannot be written', () => {
  it('does not prevent that the new certificate is served; it is written later, and not ordered again', async () => {
    const { reported, start, pass, keeper, folder, world } = await setUp({ ageDays: 80, leftDays: 10 });
    const old = await folder.findCertificate('ec');
    world.order = async () => {
      rmSync(folder.path, { recursive: true });
      writeFileSync(folder.path, 'a file in the way');
      return makeCertificateOf(NAMES, 0, 90);
    };
    await start();
    expect(reported).toMatchObject({ orders: 1, changes: 1 });
    expect(reported.warnings).toEqual([expect.stringContaining('After a restart, the server must order another one.')]);
    expect(formatCertificate(keeper.certificates[0]!)).not.toBe(old);
    rmSync(folder.path);
    mkdirSync(folder.path);
    await pass();
    expect(await folder.findCertificate('ec')).toBe(formatCertificate(keeper.certificates[0]!));
    await pass();
    expect(reported).toMatchObject({ orders: 1, changes: 1 });
  });

  it('is an error at start', async () => {
    const { keeper, folder } = await setUp();
    rmSync(folder.path, { recursive: true });
    writeFileSync(folder.path, 'a file in the way');
    await expect(keeper.load()).rejects.toThrow('EEXIST');
  });
});

describe('the records', () => {
  it('are published for the order, given the time that secondaries need, and removed', async () => {
    const { world, challenges, start, timers, keeper, reported } = await setUp();
    world.propagationMs = 30_000;
    let wasPublished = false;
    world.order = async (order, publish) => {
      expect(order).toMatchObject({ names: NAMES, directory: DIRECTORY, email: 'hostmaster@example.com' });
      await publish([{ name: 'dyndns.example.com', value: 'proof' }]);
      wasPublished = true;
      expect(challenges).toEqual({ published: ['dyndns.example.com proof'], withdrawals: 1 });
      return makeCertificateOf(NAMES, 0, 90);
    };
    await start();
    expect([timers.delaysMs, wasPublished]).toEqual([[30_000], false]);
    timers.pass();
    await waitUntil('the certificate', () => reported.changes === 1);
    await keeper.close();
    expect(challenges.withdrawals).toBe(2);
  });

  it('that are being published when the server stops are removed after that', async () => {
    const { world, challenges, keeper, reported, folder } = await setUp();
    let published: () => void = () => undefined;
    world.publishing = () => new Promise((resolve) => (published = () => resolve(undefined)));
    world.order = (_order, publish, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        publish([{ name: 'dyndns.example.com', value: 'proof' }]).catch(() => undefined);
      });
    await keeper.load();
    keeper.start();
    await waitUntil('the order', () => reported.orders === 1);
    let isClosed = false;
    const closed = keeper.close().then(() => {
      isClosed = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([isClosed, challenges.withdrawals]).toEqual([false, 1]);
    published();
    await closed;
    expect(challenges).toEqual({ published: ['dyndns.example.com proof'], withdrawals: 2 });
    expect(reported.warnings).toHaveLength(1);
    expect(readdirSync(folder.path)).toEqual(['account-key.pem']);
  });
});
