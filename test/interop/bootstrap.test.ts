/**
 * Authenticated bootstrapping (RFC 9615) of a zone whose nameservers are in another zone of this server. The test is the parental agent: it
 * takes the CDS records of the zone only where a resolver that validates has the same ones below the name of each nameserver.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RRType } from '../../src/dns/rdata.ts';
import type { Nameserver } from '../../src/nameserver/nameserver.ts';
import { dig } from '../support/dig.ts';
import { freePort } from '../support/free-port.ts';
import {
  CHILD,
  CHILD_ADDRESS,
  CHILD_KEY,
  CHILD_SECONDARY,
  CHILD_TTL,
  childZone,
  openChildNameserver,
  openParentLab,
  type ParentLab,
  SHOP,
} from '../support/parent-lab.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runOrThrow, runProgram, waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { SECONDARY_KINDS, SECONDARY_PROGRAMS, startSecondary } from '../support/secondary.ts';

const NAMESERVERS = [`ns1.${CHILD}`, `ns2.${CHILD}`];
const LIMIT_MS = 30_000;
const PROGRAMS = [
  ...BIND_PROGRAMS,
  ...SECONDARY_PROGRAMS,
  { command: 'delv', debianPackage: 'bind9-dnsutils' },
  { command: 'ldns-verify-zone', debianPackage: 'ldnsutils' },
  { command: 'kzonecheck', debianPackage: 'knot-dnssecutils' },
];

describeWith(PROGRAMS, 'bootstrapping', () => {
  let parent: ParentLab;
  let directory: string;
  let nameserver: Nameserver;
  let warnings: string[];
  let port: number;

  beforeEach(async () => {
    directory = freshDirectory('bootstrap');
    const secondaryPort = await freePort();
    warnings = [];
    parent = await openParentLab({ secondaryPort });
    port = secondaryPort;
    await open('nsec3');
  }, 60_000);

  afterEach(async () => {
    await nameserver.close();
    await parent.stop();
    removeNow(directory);
  });

  async function open(chain: 'nsec' | 'nsec3'): Promise<void> {
    const ns = NAMESERVERS;
    const zones = [
      childZone({
        apex: CHILD,
        ns,
        chain,
        hosts: [
          ['ns1', CHILD_ADDRESS],
          ['ns2', CHILD_SECONDARY],
        ],
      }),
      childZone({ apex: SHOP, ns, chain, hosts: [] }),
    ];
    const onWarning = (text: string) => warnings.push(text);
    nameserver = await openChildNameserver({
      parent,
      database: join(directory, `${chain}.db`),
      zones,
      port,
      onWarning,
    });
  }

  const at = (address: string) => ({ host: address, port: parent.port });
  const signalOf = (nameserverName: string) => `_dsboot.${SHOP}._signal.${nameserverName}`;

  /** What the parent does (RFC 9615 §4.2). @returns DS records in presentation form, or why it has none */
  async function bootstrap(): Promise<readonly string[] | string> {
    const taken = new Set<string>();
    for (const [i, address] of [CHILD_ADDRESS, CHILD_SECONDARY].entries()) {
      for (const type of ['CDS', 'CDNSKEY']) {
        const own = (await dig(at(address), [SHOP, type])).short.toSorted().join('\n');
        const validated = await parent.delv(signalOf(NAMESERVERS[i]!), type);
        if (!/^; fully validated/m.test(validated)) return `${type} at ${NAMESERVERS[i]}: ${validated}`;
        const reply = await dig(parent.resolver, [signalOf(NAMESERVERS[i]!), type, '+dnssec']);
        const data = reply.answers.filter((record) => record.type === type).map(({ rdata }) => rdata);
        expect(data.toSorted().join('\n')).toBe(own);
        if (!reply.flags.includes('ad')) return `${type} at ${NAMESERVERS[i]}: without AD`;
        if (type === 'CDS') taken.add(own);
      }
    }
    expect(taken.size).toBe(1);
    return [...taken].join().split('\n');
  }

  /** The zone of the nameservers, as BIND, Knot and ldns see it. */
  async function verify(): Promise<void> {
    const { name, algorithm, secret } = CHILD_KEY;
    const arguments_ = ['+noall', '+answer', '+onesoa', '-y', `${algorithm}:${name}:${secret}`, CHILD, 'AXFR'];
    const text = await runOrThrow('dig', [`@${CHILD_ADDRESS}`, '-p', `${parent.port}`, ...arguments_]);
    const file = join(directory, 'zone');
    writeFileSync(file, text.replace(/^.*\tTSIG\t.*$/gm, ''));
    await runOrThrow('dnssec-verify', ['-z', '-o', CHILD, file]);
    await runOrThrow('ldns-verify-zone', [file]);
    // It takes any CDS record for one of the zone itself; a Knot server does not check that (`serveCopies`).
    const { stderr, stdout } = await runProgram('kzonecheck', ['-o', CHILD, file]);
    const faults = `${stderr}${stdout}`.split('\n').filter((line) => line.startsWith('['));
    expect(faults.filter((line) => !/^\[_dsboot\..*\] (CDS|CDNSKEY) not match /.test(line))).toEqual([]);
  }

  /** Secondaries of all kinds have the copies. */
  async function serveCopies(): Promise<void> {
    const expected = (await dig(at(CHILD_ADDRESS), [SHOP, 'CDS'])).short;
    for (const kind of SECONDARY_KINDS) {
      const primary = { host: '127.0.0.1', port };
      const secondary = await startSecondary(kind, { zone: CHILD, key: CHILD_KEY, primary, port: await freePort() });
      try {
        const reply = await dig(secondary, [signalOf(NAMESERVERS[1]!), 'CDS', '+dnssec']);
        expect(reply.answers.filter(({ type }) => type === 'CDS').map(({ rdata }) => rdata)).toEqual(expected);
        expect(reply.answers.filter(({ type }) => type === 'RRSIG')).toHaveLength(1);
      } finally {
        await secondary.stop();
      }
    }
  }

  const putHostDs = async () => {
    await waitUntil('the CDS', async () => (await dig(at(CHILD_ADDRESS), [CHILD, 'CDS'])).short.length > 0, LIMIT_MS);
    await parent.takeCds();
    await parent.catchUp();
  };
  const copies = async () => (await dig(at(CHILD_ADDRESS), [signalOf(NAMESERVERS[0]!), 'CDS'])).rcode;

  it.each(['nsec3', 'nsec'] as const)(
    'a zone gets its DS record by records in the zone of its nameservers, %s',
    async (chain) => {
      if (chain === 'nsec') {
        await nameserver.close();
        await open(chain);
      }
      await waitUntil('the copies', async () => (await copies()) === 'NOERROR', LIMIT_MS);
      await verify();
      await serveCopies();
      expect(await bootstrap()).toMatch(/unsigned answer/);
      await putHostDs();
      let ds: readonly string[] = [];
      await waitUntil(
        'a secure zone of the nameservers',
        async () => {
          const found = await bootstrap();
          if (typeof found !== 'string') ds = found;
          return ds.length > 0;
        },
        LIMIT_MS,
      );
      await parent.putDs(ds, SHOP);
      await waitUntil('AD', async () => (await parent.resolve(SHOP, RRType.SOA)).secure, LIMIT_MS);
      // The second nameserver of the parent does not have it yet.
      await delay(1_500);
      expect(await copies()).toBe('NOERROR');
      await parent.catchUp();
      await waitUntil('the end of the copies', async () => (await copies()) === 'NXDOMAIN', LIMIT_MS);
      await verify();
      await delay(CHILD_TTL * 1_000);
      expect(await parent.delv(signalOf(NAMESERVERS[0]!), 'CDS')).toMatch(/^; negative response, fully validated/m);
      expect(warnings.filter((text) => !/CDS record of the key/.test(text))).toEqual([]);
    },
    120_000,
  );
});
