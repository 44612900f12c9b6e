/** nsupdate and knsupdate with our embedded nameserver (RFC 2136, RFC 8945). */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { knsupdate } from '../support/knsupdate.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const ZONE = 'updated.example.com';
const SECRET = 'bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2ggZm9yIGV2ZXJ5IGhhc2ggdGhhdCB0aGVyZSBpcyBoZXJl';
const ALGORITHMS = ['hmac-md5', 'hmac-sha1', 'hmac-sha224', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'];
const KEYS = ALGORITHMS.map((algorithm) => ({ name: `${algorithm}.key`, algorithm, secret: SECRET }));
const KEY = { name: 'hmac-sha256.key', algorithm: 'hmac-sha256', secret: SECRET };
const NARROW = { name: 'narrow.key', algorithm: 'hmac-sha256', secret: SECRET, hosts: [`*.lab.${ZONE}`], types: ['A'] };
const PROGRAMS = [...BIND_PROGRAMS, { command: 'knsupdate', debianPackage: 'knot-dnsutils' }];

describeWith(PROGRAMS, 'the embedded nameserver and update tools', () => {
  let server: EmbeddedServer;
  let number = 0;

  beforeAll(async () => {
    server = await startEmbedded({
      zone: ZONE,
      keys: [...KEYS, NARROW],
      records: 'www 300 IN A 192.0.2.1\nsub 300 IN NS ns.example.net.\n',
    });
  });
  afterAll(() => server?.stop());

  const freshName = () => `host${number++}.${ZONE}`;
  const published = async (name: string, type = 'A') => (await dig(server, [name, type])).short;

  it.each([
    ['with a zone, by UDP', ZONE, []],
    ['with a zone, by TCP', ZONE, ['-v']],
    ['without a zone, by UDP', undefined, []],
    ['without a zone, by TCP', undefined, ['-v']],
  ] as const)('nsupdate %s: add, replace, delete', async (_title, zone, args) => {
    const name = freshName();
    const update = (...lines: string[]) => nsupdate(server, KEY, zone, lines, args);
    expect(await update(`update add ${name} 60 A 192.0.2.7`)).toMatchObject({ code: 0 });
    expect(await published(name)).toEqual(['192.0.2.7']);
    expect(await update(`update delete ${name} A`, `update add ${name} 60 A 192.0.2.8`)).toMatchObject({ code: 0 });
    expect(await published(name)).toEqual(['192.0.2.8']);
    expect(await update(`update delete ${name}`)).toMatchObject({ code: 0 });
    expect((await dig(server, [name, 'A'])).rcode).toBe('NXDOMAIN');
  });

  it.each(KEYS)('RFC 8945 §6: nsupdate and knsupdate sign with $algorithm', async (key) => {
    const [first, second] = [freshName(), freshName()];
    expect(await nsupdate(server, key, ZONE, [`update add ${first} 60 A 192.0.2.9`])).toMatchObject({ code: 0 });
    expect(await published(first)).toEqual(['192.0.2.9']);
    expect(await knsupdate(server, key, ZONE, [`add ${second}. 60 A 192.0.2.10`])).toMatchObject({ code: 0 });
    expect(await published(second)).toEqual(['192.0.2.10']);
  });

  it('RFC 8945 §5.2.2.1: a MAC truncated to half its length gets BADTRUNC, as with BIND', async () => {
    const name = freshName();
    const key = { ...KEY, algorithm: 'hmac-sha256-128' };
    const reply = await nsupdate(server, key, ZONE, [`update add ${name} 60 A 192.0.2.9`]);
    expect(reply.stderr).toContain('BADTRUNC');
    expect(await published(name)).toEqual([]);
  });

  it('hmac-md5 is accepted only for a key that names it', async () => {
    const name = freshName();
    const reply = await nsupdate(server, { ...KEY, algorithm: 'hmac-md5' }, ZONE, [
      `update add ${name} 60 A 192.0.2.9`,
    ]);
    expect(reply.code).not.toBe(0);
    expect(reply.stderr).toMatch(/BADKEY/);
    expect(await published(name)).toEqual([]);
  });

  it('RFC 8945 §5.2: an unknown key gets BADKEY, a wrong secret BADSIG, no key REFUSED', async () => {
    const name = freshName();
    const lines = [`update add ${name} 60 A 192.0.2.9`];
    const unknown = await nsupdate(server, { ...KEY, name: 'unknown.key' }, ZONE, lines);
    expect(unknown.stderr).toContain('BADKEY');
    const wrong = await nsupdate(server, { ...KEY, secret: 'd3JvbmcgYnV0IGxvbmcgZW5vdWdo' }, ZONE, lines);
    expect(wrong.stderr).toContain('BADSIG');
    expect((await nsupdate(server, undefined, ZONE, lines)).stderr).toContain('REFUSED');
    expect(await published(name)).toEqual([]);
  });

  it('knsupdate over TCP: add, replace, delete, and prerequisites', async () => {
    const name = freshName();
    const update = (...lines: string[]) => knsupdate(server, KEY, ZONE, lines, ['-v']);
    expect(await update(`nxdomain ${name}.`, `add ${name}. 60 A 192.0.2.7`)).toMatchObject({ code: 0 });
    expect(await published(name)).toEqual(['192.0.2.7']);
    const again = await update(`nxdomain ${name}.`, `add ${name}. 60 A 192.0.2.8`);
    expect(again.stdout + again.stderr).toContain('YXDOMAIN');
    expect(await update(`yxrrset ${name}. A 192.0.2.7`, `del ${name}. A`, `add ${name}. 60 A 192.0.2.8`)).toMatchObject(
      {
        code: 0,
      },
    );
    expect(await published(name)).toEqual(['192.0.2.8']);
    expect(await update(`del ${name}. A`)).toMatchObject({ code: 0 });
    expect(await published(name)).toEqual([]);
  });

  it.each([
    ['YXDOMAIN', (name: string) => `prereq nxdomain ${name}`, true],
    ['YXRRSET', (name: string) => `prereq nxrrset ${name} A`, true],
    ['NXDOMAIN', (name: string) => `prereq yxdomain ${name}`, false],
    ['NXRRSET', (name: string) => `prereq yxrrset ${name} A`, false],
    ['NXRRSET', (name: string) => `prereq yxrrset ${name} A 192.0.2.1`, true],
  ] as const)(
    'RFC 2136 §3.2: %s where a prerequisite does not hold, and nothing is changed',
    async (rcode, prereq, exists) => {
      const name = freshName();
      if (exists) await nsupdate(server, KEY, ZONE, [`update add ${name} 60 A 192.0.2.7`]);
      const before = await published(name);
      const reply = await nsupdate(server, KEY, ZONE, [prereq(name), `update add ${name} 60 A 192.0.2.9`]);
      expect(reply.stderr).toContain(`update failed: ${rcode}`);
      expect(await published(name)).toEqual(before);
    },
  );

  it('a key with hosts and types may change only these, and a message is refused as a whole', async () => {
    const inside = `a.lab.${ZONE}`;
    const add = (...lines: string[]) => nsupdate(server, NARROW, ZONE, lines);
    expect(await add(`update add ${inside} 60 A 192.0.2.7`)).toMatchObject({ code: 0 });
    for (const line of [
      `update add ${freshName()} 60 A 192.0.2.7`,
      `update add ${inside} 60 TXT text`,
      `update add lab.${ZONE} 60 A 192.0.2.7`,
    ]) {
      const refused = await add(`update add b.lab.${ZONE} 60 A 192.0.2.7`, line);
      expect(refused.stderr).toContain('REFUSED');
    }
    expect(await published(`b.lab.${ZONE}`)).toEqual([]);
    expect(await published(inside)).toEqual(['192.0.2.7']);
  });

  it('static records, names below a zone cut and other zones cannot be changed', async () => {
    const change = (zone: string, line: string) => nsupdate(server, KEY, zone, [line]);
    expect((await change(ZONE, `update delete www.${ZONE} A`)).stderr).toContain('REFUSED');
    expect((await change(ZONE, `update add host.sub.${ZONE} 60 A 192.0.2.7`)).stderr).toContain('REFUSED');
    expect((await change('example.net', 'update add a.example.net 60 A 192.0.2.7')).stderr).toContain('NOTAUTH');
    expect(await published(`www.${ZONE}`)).toEqual(['192.0.2.1']);
  });

  it('changes by UPDATE and over HTTP alternate at the same name', async () => {
    const name = freshName();
    const put = async (address: string) =>
      (await server.dyndns.ask(`/update-by-path/${server.secret}/${name}/${address}`)).body;
    expect(await nsupdate(server, KEY, ZONE, [`update add ${name} 60 A 192.0.2.7`])).toMatchObject({ code: 0 });
    expect(await put('192.0.2.7')).toContain('UNCHANGED');
    expect(await put('192.0.2.8')).toContain('192.0.2.7 -> 192.0.2.8');
    expect(await published(name)).toEqual(['192.0.2.8']);
    const change = [
      `prereq yxrrset ${name} A 192.0.2.8`,
      `update delete ${name} A`,
      `update add ${name} 60 AAAA 2001:db8::1`,
    ];
    expect(await nsupdate(server, KEY, ZONE, change)).toMatchObject({ code: 0 });
    expect(await published(name)).toEqual([]);
    expect(await published(name, 'AAAA')).toEqual(['2001:db8::1']);
  });
});
