/**
 * Data that no one would see, and names that grow too large, at every door of the embedded nameserver: UPDATE, HTTP, import,
 * reload and start.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { runDyndns } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { freshDirectory, writeInto } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const ZONE = 't.example';
const SECRET = 'bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2ggZm9yIGV2ZXJ5IGhhc2ggdGhhdCB0aGVyZSBpcyBoZXJl';
const KEY = { name: 'all.key', algorithm: 'hmac-sha256', secret: SECRET };
const HOME = { name: 'home.key', algorithm: 'hmac-sha256', secret: SECRET, hosts: ['home'] };
const STATIC = '_acme-challenge.home 300 IN CNAME challenge.example.net.\nwww 300 IN A 192.0.2.80\n';

describeWith(BIND_PROGRAMS, 'data that would be hidden, and names that are too large', () => {
  let directory: string;
  let server: EmbeddedServer;

  /** The database stays from one start to the next. */
  async function start(records: string, config: Record<string, unknown> = {}): Promise<void> {
    await server?.stop();
    server = await startEmbedded({
      zone: ZONE,
      keys: [KEY, HOME],
      records,
      config: { ...config, control: `unix:${join(directory, 'control.sock')}` },
      dns: { database: join(directory, 'zones.db') },
    });
  }

  beforeEach(() => {
    directory = freshDirectory('hidden');
  });
  afterEach(async () => {
    await server?.stop();
    removeNow(directory);
  });

  const update = async (key: typeof KEY, ...lines: string[]) => {
    const { code, stderr } = await nsupdate(server, key, ZONE, lines);
    return code === 0 ? 'NOERROR' : (/update failed: (\w+)/.exec(stderr)?.[1] ?? stderr);
  };
  const run = (...args: string[]) => runDyndns(['-c', server.dyndns.configFile, ...args]);
  const answer = async (name: string, type: string) => (await dig(server, [`${name}.${ZONE}`, type])).short;
  const original = (name: string, address: string) =>
    server.dyndns.ask(`/update-by-path/${server.secret}/${name}.${ZONE}/${address}`);

  it('UPDATE: neither a cut above static or dynamic data, nor data below a cut', async () => {
    await start(STATIC);
    expect(await update(HOME, `update add home.${ZONE} 60 NS ns.example.net.`)).toBe('REFUSED');
    expect(await update(KEY, `update add ${ZONE} 60 DNAME example.net.`)).toBe('REFUSED');
    expect(await update(KEY, `update add www.${ZONE} 60 NS ns.example.net.`)).toBe('REFUSED');
    expect(await update(KEY, `update add a.sub.${ZONE} 60 A 192.0.2.1`)).toBe('NOERROR');
    expect(await update(KEY, `update add sub.${ZONE} 60 NS ns.example.net.`)).toBe('REFUSED');
    const delegate = [`update delete a.sub.${ZONE}`, `update add sub.${ZONE} 60 NS ns.sub.${ZONE}.`];
    expect(await update(KEY, ...delegate, `update add ns.sub.${ZONE} 60 A 192.0.2.53`)).toBe('NOERROR');
    expect(await update(KEY, `update add a.sub.${ZONE} 60 A 192.0.2.1`)).toBe('REFUSED');
    await start(STATIC);
    expect(await answer('_acme-challenge.home', 'CNAME')).toEqual(['challenge.example.net.']);
  });

  it('HTTP: no address at or below a cut, nor below a DNAME', async () => {
    await start(STATIC);
    await update(KEY, `update add sub.${ZONE} 60 NS ns.sub.${ZONE}.`, `update add moved.${ZONE} 60 DNAME example.net.`);
    for (const name of ['a.sub', 'ns.sub', 'sub', 'a.moved']) {
      expect(await original(name, '192.0.2.9')).toMatchObject({
        status: 512,
        body: expect.stringMatching(/would not be seen: (the name 'sub|a DNAME record is at 'moved)/),
      });
    }
    expect(await original('moved', '192.0.2.53')).toMatchObject({ status: 200 });
  });

  it('a start serves the static records and tells what it does not serve; a reload is refused', {
    timeout: 120_000,
  }, async () => {
    await start('');
    expect(await update(KEY, `update add home.${ZONE} 60 NS ns.example.net.`)).toBe('NOERROR');
    expect(await update(KEY, `update add www.${ZONE} 60 A 192.0.2.7`)).toBe('NOERROR');
    const { configFile } = server.dyndns;
    const withStatic = JSON.parse(readFileSync(configFile, 'utf8'));
    withStatic.zones[0].records += STATIC;
    const lines = await server.dyndns.reload(withStatic);
    expect(lines.map(({ msg }) => msg).join('\n')).toMatch(/static .*(home|www)\.t\.example/);
    expect(await answer('www', 'A')).toEqual(['192.0.2.7']);

    await start(STATIC);
    const warning = server.dyndns.log().find(({ msg }) => msg.includes('kept but not served'))!.msg;
    expect(warning).toMatch(/NS RRset of 'home\.t\.example\.'.*'_acme-challenge\.home\.t\.example\.'/);
    expect(warning).toMatch(/A RRset of 'www\.t\.example\.'.*dyndns zone discard t\.example\. NAME/);
    expect(await answer('www', 'A')).toEqual(['192.0.2.80']);
    expect(await answer('_acme-challenge.home', 'CNAME')).toEqual(['challenge.example.net.']);
    const status = await run('status');
    expect(status.stdout).toMatch(/NOT SERVED: NS of home\.t\.example\. \(1 record\): /);
    expect(status.stdout).toMatch(/NOT SERVED: A of www\.t\.example\. \(1 record\): a static RRset has the same name/);
    const doctor = await run('doctor', ZONE, '--resolver', '127.0.0.1:1', '--json');
    const findings = JSON.parse(doctor.stdout) as { status: string; text: string; advice: string }[];
    expect(findings.flatMap(({ text, advice }) => (text.includes('kept and not served') ? advice : [])).sort()).toEqual(
      [
        expect.stringContaining(`dyndns zone discard ${ZONE}. home.${ZONE}. NS`),
        expect.stringContaining(`dyndns zone discard ${ZONE}. www.${ZONE}. A`),
      ],
    );
    // Nothing new: the reload is accepted, an export works.
    expect((await run('reload')).code).toBe(0);
    expect((await run('zone', 'export', ZONE)).stdout).toContain('challenge.example.net.');

    expect(await run('zone', 'discard', ZONE, `home.${ZONE}`, 'NS')).toMatchObject({
      code: 0,
      stdout: '1 RRset was discarded.\n',
    });
    expect(await run('zone', 'discard', ZONE, `home.${ZONE}`)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/has no data of this type.*There is at: www\.t\.example/s),
    });
    await start('');
    expect(server.dyndns.log().filter(({ msg }) => msg.includes('not served'))).toEqual([]);
    expect([await answer('www', 'A'), await answer('home', 'NS')]).toEqual([['192.0.2.7'], []]);
  });

  it('import: the zone after the whole file counts', async () => {
    await start(STATIC);
    await update(KEY, `update add a.old.${ZONE} 60 A 192.0.2.1`, `update add gone.${ZONE} 60 NS ns.example.net.`);
    const importFile = async (text: string, ...flags: string[]) => {
      const file = writeInto(directory, 'import.zone', `$ORIGIN ${ZONE}.\n$TTL 60\n${text}`);
      const { code, stdout, stderr } = await run('zone', 'import', ...flags, ZONE, file);
      return { code, text: stdout + stderr };
    };
    for (const flags of [[], ['--dry-run'], ['--replace']]) {
      const hidden = await importFile('home NS ns.example.net.\nnew A 192.0.2.3\nwww NS ns\n', ...flags);
      expect(hidden).toMatchObject({
        code: 1,
        text: expect.stringMatching(/Nothing was imported.*home\.t\.example.*www/s),
      });
    }
    expect(await answer('new', 'A')).toEqual([]);
    expect(await importFile('old NS ns.old\nns.old A 192.0.2.53\n')).toMatchObject({ code: 1 });
    expect(await importFile('sub NS ns\na.sub A 192.0.2.1\n')).toMatchObject({ code: 1 });
    // With what the file removes, all is well: a.old goes, and the delegation above b.gone.
    const whole = 'old NS ns.old\nns.old A 192.0.2.53\nb.gone A 192.0.2.1\n';
    expect(await importFile(whole, '--replace')).toMatchObject({ code: 0 });
    expect(await answer('b.gone', 'A')).toEqual(['192.0.2.1']);
    const many = Array.from({ length: 101 }, (_, i) => `many A 192.0.2.${i}\n`).join('');
    expect(await importFile(many)).toMatchObject({
      code: 1,
      text: expect.stringContaining('limits.records_per_rrset'),
    });
    expect(await answer('many', 'A')).toEqual([]);
  });

  it('limits: REFUSED over DNS; 454 and dnserr over HTTP', async () => {
    await start(STATIC, { limits: { records_per_rrset: 3, types_per_name: 2 } });
    const addresses = (count: number) =>
      Array.from({ length: count }, (_, i) => `update add many.${ZONE} 60 A 192.0.2.${i}`);
    expect(await update(KEY, ...addresses(4))).toBe('REFUSED');
    expect(await update(KEY, ...addresses(3))).toBe('NOERROR');
    expect(await update(KEY, `update add many.${ZONE} 60 A 192.0.2.99`)).toBe('REFUSED');
    expect(await answer('many', 'A')).toHaveLength(3);
    await update(KEY, `update add full.${ZONE} 60 TXT x`, `update add full.${ZONE} 60 MX 0 .`);
    expect(await original('full', '192.0.2.1')).toMatchObject({
      status: 454,
      body: expect.stringMatching(/^IP_ADDRESS_ERROR: .*would have 3 types, more than limits\.types_per_name \(2\)/),
    });
    const dyndns2 = await server.dyndns.ask(`/nic/update?hostname=full.${ZONE}&myip=192.0.2.1`, {
      headers: { authorization: `Basic ${Buffer.from(`x:${server.secret}`).toString('base64')}` },
    });
    expect([dyndns2.status, dyndns2.body]).toEqual([200, 'dnserr\n']);
    await start(STATIC, { limits: { records_per_rrset: 2 } });
    const warning = server.dyndns.log().find(({ msg }) => msg.includes('limits.records_per_rrset'));
    expect(warning?.msg).toMatch(/the A RRset of 'many\.t\.example\.' has 3 records/);
    expect(await answer('many', 'A')).toHaveLength(3);
    expect(await update(KEY, `update delete many.${ZONE} A 192.0.2.1`)).toBe('NOERROR');
  });
});
