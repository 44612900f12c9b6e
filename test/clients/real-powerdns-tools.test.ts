/**
 * The PowerDNS API with real clients: Debian's lego and lexicon, each with a key for its own names, and pebble, which queries
 * the challenge from our nameserver. What a client changed is what IXFR says.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenSha256 } from '../../src/core/access/token.ts';
import { type DigRecord, dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import type { Answer } from '../support/http-client.ts';
import { LEGO_PROGRAMS } from '../support/lego.ts';
import { LEXICON_PROGRAMS, type Lexicon, lexicon } from '../support/lexicon.ts';
import { PEBBLE_PROGRAMS, type Pebble, startPebble } from '../support/pebble.ts';
import { freshDirectory, writeInto } from '../support/primary-server.ts';
import { removeNow, runProgram } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import { pageBlock } from './client-lab.ts';

/** The zone of the page, whose blocks are used unchanged, except for the address of the server. */
const ZONE = 'dyndns.example.com';
const HOME = `home.${ZONE}`;
const NAS = `nas.${ZONE}`;
const ZONE_PATH = `/api/v1/servers/localhost/zones/${ZONE}.`;
/** A transfer has the differences only where they are smaller than the zone. */
const STATIC = Array.from({ length: 1000 }, (_, at) => `static${at} IN A 192.0.2.80\n`).join('');
/** What a key may not change. */
const REFUSED = 403;
const PAGE = '../api/powerdns.md';
const DIG = { command: 'dig', debianPackage: 'bind9-dnsutils' };

describeWith([DIG, ...PEBBLE_PROGRAMS, ...LEGO_PROGRAMS, ...LEXICON_PROGRAMS], 'the PowerDNS API', () => {
  let server: EmbeddedServer;
  let directory: string;

  beforeAll(async () => {
    directory = freshDirectory('powerdns-tools');
    const token = (name: string, hosts: readonly string[], types: readonly string[]) => {
      return { name, sha256: tokenSha256(`secret-of-${name}`), hosts: hosts.map((host) => `${host}.${ZONE}`), types };
    };
    server = await startEmbedded({
      zone: ZONE,
      records: `www IN A 192.0.2.80\nmail IN A 192.0.2.25\n${STATIC}`,
      secondaries: [{ address: '127.0.0.1', notify: false }],
      config: {
        store: 'sqlite:dyndns.db',
        admin: { enabled: true, powerdns_api: true },
        tokens: [
          token('lego', ['home'], ['TXT']),
          token('house', ['home', 'nas'], ['A', 'TXT']),
          token('lexicon', ['nas', '*.nas'], ['A', 'AAAA', 'TXT', 'CNAME', 'MX']),
          token('batch', ['*.batch'], ['A', 'TXT']),
        ],
      },
    });
  }, 30_000);

  afterAll(async () => {
    await server?.stop();
    removeNow(directory);
  });

  const shell = (text: string, env: NodeJS.ProcessEnv) => {
    const block = text.replaceAll(`https://${ZONE}`, `http://127.0.0.1:${server.dyndns.port}`);
    return runProgram('sh', ['-euc', block], { cwd: directory, timeoutMs: 80_000, env: { ...process.env, ...env } });
  };
  const rdata = async (name: string, type: string) => [...(await dig(server, [name, type, '+norecurse'])).short].sort();
  const serial = async () => Number((await rdata(ZONE, 'SOA'))[0]!.split(' ')[2]);
  const api = (key: string, method: string, path: string, value?: unknown): Promise<Answer> =>
    server.dyndns.ask(path, {
      method,
      headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
      ...(value === undefined ? {} : { body: JSON.stringify(value) }),
    });
  const rrset = (name: string, type: string, ...contents: readonly string[]) => ({
    name: `${name}.`,
    type,
    ttl: 60,
    changetype: 'REPLACE',
    records: contents.map((content) => ({ content, disabled: false })),
  });
  const visible = async (key: string) => {
    const { status, body } = await api(key, 'GET', ZONE_PATH);
    expect(status).toBe(200);
    const { rrsets } = JSON.parse(body) as { rrsets: readonly { readonly name: string; readonly type: string }[] };
    return rrsets.map(({ name, type }) => `${name} ${type}`);
  };
  /** The steps since a serial, each with its records, deletions first. */
  async function steps(since: number): Promise<readonly (readonly DigRecord[])[]> {
    const { answers } = await dig(server, [ZONE, `IXFR=${since}`, '+tcp']);
    expect(answers[1]?.type, 'not the whole zone').toBe('SOA');
    const sequences: DigRecord[][] = [];
    // Between the first and the last SOA there are two sections for each step, which begin with their SOA.
    for (const record of answers.slice(1, -1)) {
      if (record.type === 'SOA') sequences.push([]);
      else sequences.at(-1)!.push(record);
    }
    return Array.from({ length: sequences.length / 2 }, (_, at) => [...sequences[2 * at]!, ...sequences[2 * at + 1]!]);
  }

  describe('lego, with a key for TXT of one name', () => {
    let pebble: Pebble;

    beforeAll(async () => {
      pebble = await startPebble(server);
    }, 30_000);

    afterAll(() => pebble?.stop());

    it('gets a certificate for the name and its wildcard; nothing else changes', { timeout: 90_000 }, async () => {
      const before = await serial();
      writeInto(directory, 'dyndns.token', 'secret-of-lego\n');
      const authority = `--server ${pebble.directoryUrl} --path ${directory}`;
      const resolver = `--dns.resolvers ${server.host}:${server.port} --dns.disable-cp`;
      const block = pageBlock(PAGE, 'sh lego').replace('lego --accept', `lego ${authority} ${resolver} --accept`);
      const { code, stdout, stderr } = await shell(block.replaceAll('/etc/lego', directory), {
        LEGO_CA_CERTIFICATES: pebble.caFile,
        PDNS_POLLING_INTERVAL: '1',
      });
      expect([code, stdout + stderr]).toEqual([0, expect.not.stringContaining('failed to get API version')]);
      const certificate = new X509Certificate(readFileSync(join(directory, 'certificates', `${HOME}.crt`), 'utf8'));
      expect(certificate.subjectAltName?.split(', ').sort()).toEqual([`DNS:*.${HOME}`, `DNS:${HOME}`]);
      // Two challenges, one after the other; then lego deletes both at once.
      expect(await serial()).toBe(before + 3);
      const changes = await steps(before);
      expect(changes).toHaveLength(3);
      for (const { ownerName, type } of changes.flat()) {
        expect([ownerName, type]).toEqual([`_acme-challenge.${HOME}.`, 'TXT']);
      }
      expect(await rdata(`_acme-challenge.${HOME}`, 'TXT')).toEqual([]);
    });

    it('the same key cannot read or change anything else', async () => {
      const challenge = rrset(`_acme-challenge.${HOME}`, 'TXT', '"own"');
      const others = [rrset(HOME, 'A', '192.0.2.1'), rrset(HOME, 'TXT', '"text"'), rrset(NAS, 'A', '192.0.2.2')];
      expect((await api('secret-of-house', 'PATCH', ZONE_PATH, { rrsets: others })).status).toBe(204);
      expect((await api('secret-of-lego', 'PATCH', ZONE_PATH, { rrsets: [challenge] })).status).toBe(204);
      expect(await visible('secret-of-lego')).toEqual([`_acme-challenge.${HOME}. TXT`]);
      expect(await visible('secret-of-house')).toHaveLength(4);
      const before = await serial();
      const foreign = [
        ...others,
        { ...others[0]!, changetype: 'DELETE' },
        rrset(`_acme-challenge.${NAS}`, 'TXT', '"text"'),
        rrset(`_acme-challenge.${ZONE}`, 'TXT', '"text"'),
        rrset(`x._acme-challenge.${HOME}`, 'TXT', '"text"'),
        rrset(ZONE, 'TXT', '"text"'),
        rrset(`www.${ZONE}`, 'A', '192.0.2.1'),
        { ...rrset(`www.${ZONE}`, 'A'), changetype: 'DELETE' },
      ];
      for (const change of foreign) {
        // With a permitted change in front: all or none.
        const rrsets = [rrset(`_acme-challenge.${HOME}`, 'TXT', '"permitted"'), change];
        const { status, body } = await api('secret-of-lego', 'PATCH', ZONE_PATH, { rrsets });
        expect([change.name, change.type, status]).toEqual([change.name, change.type, REFUSED]);
        expect(JSON.parse(body)).toEqual({ error: expect.stringMatching(/\.$/) });
      }
      expect(await serial()).toBe(before);
      expect(await rdata(`_acme-challenge.${HOME}`, 'TXT')).toEqual(['"own"']);
      const rrsets = [...others, challenge].map((change) => ({ ...change, changetype: 'DELETE' }));
      expect((await api('secret-of-house', 'PATCH', ZONE_PATH, { rrsets })).status).toBe(204);
    });
  });

  describe('lexicon', () => {
    let client: Lexicon;
    const contents = async (type: string) => (await client.list(type)).map(({ content }) => content).sort();
    const succeed = async (...args: Parameters<Lexicon['run']>) => {
      const { code, stderr } = await client.run(...args);
      expect([args.join(' '), code, code === 0 ? '' : stderr]).toEqual([args.join(' '), 0, '']);
    };

    beforeAll(() => {
      client = lexicon(ZONE, `http://127.0.0.1:${server.dyndns.port}`, 'secret-of-lexicon', directory);
    });

    it('addresses: create, list, update, delete one, delete all', { timeout: 90_000 }, async () => {
      await succeed('create', 'A', '--name', 'nas', '--content', '192.0.2.10', '--ttl', '300');
      await succeed('create', 'A', '--name', 'nas', '--content', '192.0.2.11');
      expect(await rdata(NAS, 'A')).toEqual(['192.0.2.10', '192.0.2.11']);
      const listed = await client.list('A');
      expect(listed.map(({ name, ttl, content }) => [name, ttl, content]).sort()).toEqual([
        [NAS, 300, '192.0.2.10'],
        [NAS, 300, '192.0.2.11'],
      ]);
      const { id } = listed.find(({ content }) => content === '192.0.2.10')!;
      await succeed('update', 'A', '--identifier', id, '--name', 'nas', '--content', '192.0.2.12');
      expect(await rdata(NAS, 'A')).toEqual(['192.0.2.11', '192.0.2.12']);
      await succeed('delete', 'A', '--name', 'nas', '--content', '192.0.2.11');
      expect(await rdata(NAS, 'A')).toEqual(['192.0.2.12']);
      await succeed('delete', 'A', '--name', 'nas');
      expect(await rdata(NAS, 'A')).toEqual([]);
    });

    it('TXT, CNAME and MX: create, list, delete', { timeout: 90_000 }, async () => {
      const text = 'v=spf1 -all';
      const records = [
        { type: 'TXT', name: 'nas', content: text, published: `"${text}"` },
        { type: 'MX', name: 'nas', content: `10 mail.${ZONE}.`, published: `10 mail.${ZONE}.` },
        { type: 'CNAME', name: 'alias.nas', content: `www.${ZONE}`, published: `www.${ZONE}.` },
      ];
      const chains = records.map(async ({ type, name, content, published }) => {
        const record = ['--name', name, '--content', content];
        if (type === 'TXT') {
          const { code } = await shell(pageBlock(PAGE, 'sh lexicon'), { ...client.env, TOKEN: 'secret-of-lexicon' });
          expect(code).toBe(0);
        } else await succeed('create', type, ...record);
        expect(await rdata(`${name}.${ZONE}`, type)).toEqual([published]);
        expect(await contents(type)).toEqual([content]);
        await succeed('delete', type, ...record);
        expect(await rdata(`${name}.${ZONE}`, type)).toEqual([]);
      });
      await Promise.all(chains);
      expect(await visible('secret-of-lexicon')).toEqual([]);
    });

    it('fails for a name, a type or a key that is not its own', { timeout: 90_000 }, async () => {
      const before = await serial();
      const stranger = lexicon(ZONE, `http://127.0.0.1:${server.dyndns.port}`, 'wrong', directory);
      const [name, type] = await Promise.all([
        client.run('create', 'A', '--name', 'home', '--content', '192.0.2.1'),
        client.run('create', 'SRV', '--name', 'nas', '--content', `1 1 443 www.${ZONE}.`),
        expect(stranger.list('A')).rejects.toThrow('401 Client Error'),
      ]);
      for (const { code, stderr } of [name, type])
        expect([code, stderr]).toEqual([1, expect.stringContaining(`${REFUSED} Client Error`)]);
      expect(await serial()).toBe(before);
    });
  });

  it('a PATCH of 200 RRsets is one step of the serial', async () => {
    const before = await serial();
    const names = Array.from({ length: 100 }, (_, at) => `n${at}.batch.${ZONE}`);
    const rrsets = names.flatMap((name, at) => [rrset(name, 'A', `192.0.2.${at}`), rrset(name, 'TXT', `"${at}"`)]);
    expect((await api('secret-of-batch', 'PATCH', ZONE_PATH, { rrsets })).status).toBe(204);
    expect(await serial()).toBe(before + 1);
    expect((await steps(before)).map((records) => records.length)).toEqual([200]);
    const gone = rrsets.map((change) => ({ ...change, changetype: 'DELETE', records: [] }));
    expect((await api('secret-of-batch', 'PATCH', ZONE_PATH, { rrsets: gone })).status).toBe(204);
    expect(await serial()).toBe(before + 2);
    expect((await steps(before)).map((records) => records.length)).toEqual([200, 200]);
    expect(await visible('secret-of-batch')).toEqual([]);
  });
});
