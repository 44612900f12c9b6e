/**
 * Rollover, change of the algorithm and leaving, against a parent that is a real BIND: it takes over the CDS records late, and its second
 * nameserver later still. Meanwhile a resolver that validates, with a cache, is queried all the time, and each step is checked with
 * delv and dnssec-verify.
 */
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { RRType } from '../../src/dns/rdata.ts';
import { decodeMessage, encodeMessage, makeMessage, Opcode, Rcode } from '../../src/dns/wire/message.ts';
import type { Nameserver } from '../../src/nameserver/nameserver.ts';
import { freePort } from '../support/free-port.ts';
import {
  CHILD,
  CHILD_ADDRESS,
  CHILD_KEY,
  CHILD_SECONDARY,
  childZone,
  openChildNameserver,
  openParentLab,
  type ParentLab,
  CHILD_TTL as TTL,
} from '../support/parent-lab.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runOrThrow, waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type SecondaryServer, startSecondary } from '../support/secondary.ts';

const APEX = DomainName.parse(CHILD);
const HOSTS = 150;
const LIMIT_MS = 30_000;

describeWith([...BIND_PROGRAMS, { command: 'delv', debianPackage: 'bind9-dnsutils' }], 'with a real parent', () => {
  let parent: ParentLab;
  let directory: string;
  let nameserver: Nameserver;
  let secondary: SecondaryServer | undefined;
  let primaryPort: number;
  let secondaryPort: number;
  let notifyPort: number;
  let warnings: string[];
  let watching: { stop(): Promise<readonly string[]> } | undefined;

  beforeEach(async () => {
    directory = freshDirectory('procedures');
    [primaryPort, secondaryPort, notifyPort] = [await freePort(), await freePort(), await freePort()];
    parent = await openParentLab({ secondaryPort, notifyPort });
    warnings = [];
    await open();
  }, 60_000);

  afterEach(async () => {
    await watching?.stop();
    watching = undefined;
    await nameserver.close();
    await secondary?.stop();
    secondary = undefined;
    await parent.stop();
    removeNow(directory);
  });

  async function open(): Promise<void> {
    const hosts = Array.from({ length: HOSTS }, (_, i) => [`h${i}`, `192.0.2.${i}`] as const);
    const zone = childZone({
      apex: CHILD,
      ns: [`ns1.${CHILD}`, `ns2.${CHILD}`],
      chain: 'nsec3',
      hosts: [['ns1', CHILD_ADDRESS], ['ns2', CHILD_SECONDARY], ...hosts],
      secondaryPort,
    });
    const onWarning = (text: string) => warnings.push(text);
    nameserver = await openChildNameserver({
      parent,
      database: join(directory, 'zones.db'),
      zones: [zone],
      port: primaryPort,
      onWarning,
    });
  }

  async function startSlowSecondary(): Promise<void> {
    const primary = { host: '127.0.0.1', port: primaryPort };
    secondary = await startSecondary('bind', { zone: CHILD, key: CHILD_KEY, primary, port: secondaryPort });
  }

  async function importHosts(count: number): Promise<void> {
    async function* lines() {
      for (let i = 0; i < count; i++) yield `more${i} ${TTL} IN A 192.0.2.1\n`;
    }
    await nameserver.admin.importZone(APEX, lines(), { replace: false, dryRun: false });
  }

  const status = async () => (await nameserver.admin.dnssec()).status(APEX);
  const step = async () => (await status()).procedure?.step ?? 'none';

  /** The zone is valid, as a transfer and through the resolver. */
  async function check(isSecure = true): Promise<void> {
    const key = `${CHILD_KEY.algorithm}:${CHILD_KEY.name}:${CHILD_KEY.secret}`;
    const at = [`@${CHILD_ADDRESS}`, '-p', `${parent.port}`, '+noall', '+answer', '+onesoa', '-y', key];
    const text = await runOrThrow('dig', [...at, CHILD, 'AXFR']);
    const file = join(directory, 'zone');
    writeFileSync(file, text.replace(/^.*\tTSIG\t.*$/gm, ''));
    await runOrThrow('dnssec-verify', ['-z', '-o', CHILD, file]);
    const [there, missing] = await Promise.all([parent.delv(`h1.${CHILD}`, 'A'), parent.delv(`none.${CHILD}`, 'A')]);
    expect(there).toMatch(isSecure ? /^; fully validated/m : /^; unsigned answer/m);
    expect(missing).toMatch(isSecure ? /^; negative response, fully validated/m : /^; negative response, unsigned/m);
  }

  async function reach(expected: string): Promise<void> {
    await waitUntil(`the step ${expected}`, async () => (await step()) === expected, LIMIT_MS);
    await check();
  }

  /** Queries the resolver until it is stopped. @returns what was not as it should be */
  function watch(): { isSecure: boolean; queries: number; stop(): Promise<readonly string[]> } {
    const faults: string[] = [];
    let isStopped = false;
    const watched = {
      isSecure: true,
      queries: 0,
      stop: async () => {
        isStopped = true;
        await done;
        return faults;
      },
    };
    const done = (async () => {
      for (let i = 0; !isStopped; i++) {
        const [label, type, rcode] = (
          [
            [`h${i % HOSTS}.`, RRType.A, Rcode.NOERROR],
            [`none${i}.`, RRType.A, Rcode.NXDOMAIN],
            ['', RRType.SOA, Rcode.NOERROR],
            [`h${(i * 7) % HOSTS}.`, RRType.AAAA, Rcode.NOERROR],
          ] as const
        )[i % 4]!;
        const { isSecure } = watched;
        const reply = await parent.resolve(`${label}${CHILD}`, type);
        watched.queries += 1;
        if (reply.rcode !== rcode) faults.push(`${label} ${type}: RCODE ${reply.rcode} at ${await step()}`);
        else if (isSecure && watched.isSecure && !reply.secure)
          faults.push(`${label} ${type}: without AD at ${await step()}`);
        await delay(10);
      }
    })();
    watching = watched;
    return watched;
  }

  /** The first DS is at both nameservers of the parent, and the resolver has the zone with AD. */
  async function becomeSecure(): Promise<void> {
    await startSlowSecondary();
    await waitUntil('the first CDS', async () => (await step()) === 'none', LIMIT_MS);
    await parent.takeCds();
    await parent.catchUp();
    await waitUntil('AD', async () => (await parent.resolve(`h1.${CHILD}`, RRType.A)).secure, LIMIT_MS);
    await check();
  }

  it('a zone is rolled to a new key, and stays valid at each step and over restarts', async () => {
    await becomeSecure();
    const [before] = (await status()).keys;
    const watched = watch();
    await secondary!.stop();
    await (await nameserver.admin.dnssec()).roll(APEX, undefined, false);
    await reach('secondaries');
    await startSlowSecondary();
    await reach('caches');
    await reach('parent');
    const { keys } = await status();
    expect(keys.map(({ keyTag, ds }) => [keyTag === before!.keyTag, ds !== undefined])).toEqual(
      expect.arrayContaining([
        [true, false],
        [false, true],
      ]),
    );
    // The parent takes its time, and its second nameserver more.
    await delay(1_500);
    await parent.takeCds();
    await delay(1_500);
    expect((await status()).procedure?.text).toContain('127.0.0.2 has that of the old key');
    await nameserver.close();
    await open();
    await reach('parent');
    await parent.catchUp();
    await reach('caches');
    expect((await status()).keys).toHaveLength(2);
    await waitUntil('the end', async () => (await step()) === 'none', LIMIT_MS);
    await check();
    await delay(TTL * 1_000);
    expect((await status()).keys.map(({ keyTag }) => keyTag)).toEqual([keys.find(({ ds }) => ds)!.keyTag]);
    expect(await watched.stop()).toEqual([]);
    expect(watched.queries).toBeGreaterThan(200);
  }, 120_000);

  it('a zone changes its algorithm, and stays valid at each step', async () => {
    await becomeSecure();
    const watched = watch();
    await (await nameserver.admin.dnssec()).roll(APEX, 'ed25519', false);
    const algorithms = async () => (await status()).keys.map(({ algorithm }) => algorithm).sort();
    await reach('caches');
    expect(await algorithms()).toEqual([13]);
    await waitUntil('the new DNSKEY', async () => (await algorithms()).length === 2, LIMIT_MS);
    await check();
    await reach('parent');
    await delay(1_500);
    await parent.takeCds();
    await delay(1_500);
    expect(await step()).toBe('parent');
    await parent.catchUp();
    await reach('caches');
    await waitUntil('the new DNSKEY alone', async () => (await algorithms()).length === 1, LIMIT_MS);
    expect([await algorithms(), await step()]).not.toEqual([[15], 'none']);
    await check();
    await waitUntil('the end', async () => (await step()) === 'none', LIMIT_MS);
    await check();
    await delay(TTL * 1_000);
    expect(await watched.stop()).toEqual([]);
  }, 120_000);

  it('the parent is notified of a changed CDS where its DSYNC record says (RFC 9859)', async () => {
    const socket = createSocket('udp4');
    const notified: string[] = [];
    socket.on('message', (octets, { port, address }) => {
      const { id, opcode, questions } = decodeMessage(octets);
      notified.push(`${opcode} ${questions.map(({ qname, qtype }) => `${qname} ${qtype}`).join()}`);
      socket.send(encodeMessage(makeMessage({ id, opcode, response: true, questions })), port, address);
    });
    await new Promise<void>((resolve) => socket.bind(notifyPort, '127.0.0.1', resolve));
    try {
      await becomeSecure();
      await (await nameserver.admin.dnssec()).leave(APEX, false);
      await waitUntil('the NOTIFY', async () => notified.length > 0, LIMIT_MS);
      expect(new Set(notified)).toEqual(new Set([`${Opcode.NOTIFY} ${APEX} ${RRType.CDS}`]));
    } finally {
      socket.close();
    }
  }, 60_000);

  it.each([
    ['a zone', 0],
    // Unsigned apart from what is served (unsigning.ts), and transferred as a whole.
    ['a large zone', 1_200],
  ])(
    '%s leaves DNSSEC, and can be resolved at each step',
    async (_, more) => {
      await becomeSecure();
      if (more > 0) await importHosts(more);
      const watched = watch();
      await (await nameserver.admin.dnssec()).leave(APEX, false);
      await reach('parent');
      await delay(1_500);
      watched.isSecure = false;
      await parent.takeCds();
      await delay(1_500);
      expect((await status()).procedure?.text).toContain('127.0.0.2 has one');
      await nameserver.close();
      await open();
      await waitUntil('the parent', async () => (await step()) === 'parent', LIMIT_MS);
      await parent.catchUp();
      await waitUntil('the wait for caches', async () => (await step()) === 'caches', LIMIT_MS);
      await waitUntil('the unsigned zone', async () => (await status()).state === 'unsigned', LIMIT_MS);
      await waitUntil('the end of the TTL', async () =>
        /^; unsigned answer/m.test(await parent.delv(`h2.${CHILD}`, 'A')),
      );
      expect(warnings.at(-1)).toMatch(/is not signed any more\. Remove 'dnssec'/);
      expect(await (await nameserver.admin.dnssec()).keys(APEX)).toEqual([]);
      await waitUntil('the secondary', async () => (await secondary!.serial()) === (await status()).serial);
      const at = ['@127.0.0.1', '-p', `${secondaryPort}`, '+dnssec', '+noall', '+answer', '+authority'];
      for (const name of [`h1.${CHILD}`, `none.${CHILD}`]) {
        const answer = await runOrThrow('dig', [...at, name, 'A']);
        expect(answer).toMatch(/\t(A|SOA)\t/);
        expect(answer).not.toMatch(/RRSIG|NSEC/);
      }
      expect(await watched.stop()).toEqual([]);
    },
    120_000,
  );
});
