// TXT records for DNS-01 over HTTP: httpreq and acme-dns on the whole server with the embedded nameserver, to the octet.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACME_TRANSCRIPTS } from '../clients/acme-transcripts.ts';
import { dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { type Answer, type AskOptions, exchangeRaw, parseRaw } from '../support/http-client.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const ZONE = 'dyn.example.com';
const KEY = { name: 'operator', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 7).toString('base64') } as const;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const token = (name: string, more: object) => ({ name, sha256: sha256(`${name}-secret`), ...more });
/** What a challenge looks like. */
const value = (text: string) => createHash('sha256').update(text).digest('base64url');

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';

describeWith(BIND_PROGRAMS, 'TXT records over HTTP', () => {
  let server: EmbeddedServer;

  beforeAll(async () => {
    server = await startEmbedded({
      zone: ZONE,
      keys: [KEY],
      records: `_acme-challenge.away IN CNAME home.elsewhere.example.\nsub IN NS ns.elsewhere.example.\n`,
      config: {
        store: 'sqlite:dyndns.db',
        limits: { refused_per_minute_per_source: 0 },
        http: { trusted_proxies: ['127.0.0.1'] },
        protocols: { acme_dns: true },
        acme_dns: { zone: `challenges.${ZONE}`, register: ['192.0.2.0/24'], max_accounts: 60 },
        tokens: [
          token('challenger', { hosts: [`home.${ZONE}`, `away.${ZONE}`, `sub.${ZONE}`], types: ['TXT'] }),
          token('both', { hosts: [`both.${ZONE}`], types: ['A', 'TXT'] }),
          token('router', { hosts: [`home.${ZONE}`] }),
          token('inside', { hosts: [`inside.${ZONE}`], types: ['A', 'TXT'], sources: ['198.51.100.0/24'] }),
          token('off', { hosts: [`off.${ZONE}`], types: ['TXT'] }),
          token('registrar', { hosts: [`nothing.${ZONE}`], register: true }),
        ],
        hosts: [{ name: `off.${ZONE}`, enabled: false }],
      },
    });
  });
  afterAll(() => server?.stop());

  const look = async (name: string) =>
    (await dig(server, [`${name}.${ZONE}`, 'TXT', '+norecurse'])).short.map((text) => text.replaceAll('"', '')).sort();
  const serial = async () => (await dig(server, [ZONE, 'SOA'])).short[0]?.split(' ')[2];

  const said = ({ status, body }: Answer) => `${status} ${body}`;
  const post = async (target: string, body: unknown, headers: AskOptions['headers'] = {}): Promise<Answer> =>
    server.dyndns.ask(target, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const basic = (name: string) => `Basic ${Buffer.from(`x:${name}-secret`).toString('base64')}`;

  describe('by httpreq', () => {
    const present = (name: string, text: string, by = 'challenger', kind = 'present') =>
      post(`/${kind}`, { fqdn: `${name}.${ZONE}.`, value: text }, { Authorization: basic(by) });
    const cleanup = (name: string, text: string, by?: string) => present(name, text, by, 'cleanup');

    it('stand side by side, and go one by one; the reply repeats the request', async () => {
      const challenge = '_acme-challenge.home';
      const repeated = (text: string) => `200 {"fqdn":"${challenge}.${ZONE}.","value":"${text}"}\n`;
      const reply = await present(challenge, 'one');
      expect(reply.headers['content-type']).toBe('application/json; charset=utf-8');
      expect(said(reply)).toBe(repeated('one'));
      expect(said(await present(challenge, 'two'))).toBe(repeated('two'));
      expect(said(await present(challenge, 'two'))).toBe(repeated('two'));
      expect(await look(challenge)).toEqual(['one', 'two']);
      expect(said(await cleanup(challenge, 'one'))).toBe(repeated('one'));
      expect(await look(challenge)).toEqual(['two']);
      expect(said(await cleanup(challenge, 'one'))).toBe(repeated('one'));
      expect(said(await cleanup(challenge, 'two'))).toBe(repeated('two'));
      expect(await look(challenge)).toEqual([]);
    });

    it('acme.sh (dns_acmeproxy) finds the value in quotes in a success, and in no error', async () => {
      const challenge = '_acme-challenge.home';
      const isDone = ({ body }: Answer, text: string) => body.split('\n').some((line) => line.includes(`"${text}"`));
      for (const kind of ['present', 'cleanup']) {
        const body = `{"fqdn": "${challenge}.${ZONE}.", "value": "${value('proxy')}"}`;
        expect(isDone(await post(`/${kind}`, body, { Authorization: basic('challenger') }), value('proxy'))).toBe(true);
        expect(isDone(await post(`/${kind}`, body, { Authorization: basic('router') }), value('proxy'))).toBe(false);
      }
    });

    it('have a TTL of 60 seconds, so that no resolver keeps an old one for long', async () => {
      await present('_acme-challenge.home', 'x');
      const { answers } = await dig(server, [`_acme-challenge.home.${ZONE}`, 'TXT', '+norecurse']);
      expect(answers.map(({ ttl }) => ttl)).toEqual([60]);
      await cleanup('_acme-challenge.home', 'x');
    });

    it('mode RAW: name and value are made here, RFC 8555 §8.4, and a wildcard is validated at the name above it', async () => {
      const headers = { Authorization: 'Bearer challenger-secret' };
      const raw = (domain: string) => ({ domain, token: 't', keyAuth: 'token.thumbprint' });
      expect(said(await post('/httpreq/present', raw(`home.${ZONE}`), headers))).toBe(
        `200 ${JSON.stringify(raw(`home.${ZONE}`))}\n`,
      );
      expect(await look('_acme-challenge.home')).toEqual([value('token.thumbprint')]);
      expect((await post('/httpreq/cleanup', raw(`*.home.${ZONE}`), headers)).status).toBe(200);
      expect(await look('_acme-challenge.home')).toEqual([]);
    });

    it.each([
      ['a name in no zone', '_acme-challenge.home.example.org', 'challenger'],
      ['the challenge of another name', `_acme-challenge.other.${ZONE}`, 'challenger'],
      ['the challenge of a name below', `_acme-challenge.x.home.${ZONE}`, 'challenger'],
      ['the challenge of the zone', `_acme-challenge.${ZONE}`, 'challenger'],
      ['the name itself, by a token of TXT alone', `home.${ZONE}`, 'challenger'],
      ['any challenge, by a token without TXT', `_acme-challenge.home.${ZONE}`, 'router'],
      ['a challenge of a challenge', `_acme-challenge._acme-challenge.home.${ZONE}`, 'challenger'],
    ])('refused: %s', async (_what, fqdn, by) => {
      const before = await serial();
      const words = `The fully qualified domain name '${fqdn}.' could not be split into a record and a zone name.\n`;
      const reply = await post('/present', { fqdn, value: 'x' }, { Authorization: basic(by) });
      expect(said(reply)).toBe(`403 ${words}`);
      expect(await serial()).toBe(before);
    });

    it('a token of TXT and addresses writes TXT at the name itself, too', async () => {
      expect((await present('both', 'text', 'both')).status).toBe(200);
      expect((await present('_acme-challenge.both', 'text', 'both')).status).toBe(200);
      expect(await look('both')).toEqual(['text']);
      await cleanup('both', 'text', 'both');
    });

    it.each([
      ['no JSON', 'fqdn=x', '400 The body is not valid JSON.\n'],
      ['nothing', '', '400 The body is not valid JSON.\n'],
      ['no object', '[1]', '400 The body is not a JSON object.\n'],
      ['another type', '{"fqdn":1,"value":"x"}', '400 "fqdn" must be a text.\n'],
      ['no value', `{"fqdn":"home.${ZONE}"}`, '400 The body needs "fqdn" and "value", or "domain" and "keyAuth".\n'],
      ['no name', '{"fqdn":"a..b","value":"x"}', "400 The DNS name 'a..b' has an empty label.\n"],
      [
        'a control character',
        `{"fqdn":"_acme-challenge.home.${ZONE}","value":"a\\u0000"}`,
        '400 The text of a TXT record must have 1 to 1024 octets of UTF-8 without control characters.\n',
      ],
    ])('refused: %s', async (_what, body, expected) => {
      expect(said(await post('/present', body, { Authorization: basic('challenger') }))).toBe(expected);
    });

    it('ask for a credential, and take no wrong or empty one', async () => {
      const body = { fqdn: `_acme-challenge.home.${ZONE}`, value: 'x' };
      const without = await post('/present', body);
      expect(said(without)).toBe('401 The request has no credential: give a token as the password of Basic.\n');
      expect(without.headers['www-authenticate']).toBe('Basic realm="dyndns"');
      for (const credential of ['Bearer x', 'Basic eDo=', `Basic ${KEY.secret}`]) {
        const { status, body: text } = await post('/present', body, { Authorization: credential });
        expect([status, text]).toEqual([401, 'You specified a wrong secret key.\n']);
      }
      expect(said(await post('/present', body, { Authorization: 'Basic Og==' }))).toBe(said(without));
      expect(await look('_acme-challenge.home')).toEqual([]);
    });

    it('a challenge that a CNAME delegates is a conflict that says where the record belongs', async () => {
      expect(said(await present('_acme-challenge.away', 'x'))).toBe(
        `409 A CNAME record at '_acme-challenge.away.${ZONE}.' delegates this challenge to 'home.elsewhere.example.': ` +
          'the TXT record belongs there. Let the ACME client write that name, or remove the CNAME.\n',
      );
      expect((await present('_acme-challenge.sub', 'x')).status).toBe(409);
    });

    it('a host that is switched off, and its challenge', async () => {
      expect((await present('_acme-challenge.off', 'x', 'off')).status).toBe(403);
    });

    it('leave what others have written', async () => {
      const challenge = `_acme-challenge.home.${ZONE}`;
      await nsupdate(server, KEY, ZONE, [`update add ${challenge} 60 TXT "foreign"`]);
      await present('_acme-challenge.home', 'ours');
      await cleanup('_acme-challenge.home', 'ours');
      expect(await look('_acme-challenge.home')).toEqual(['foreign']);
      await nsupdate(server, KEY, ZONE, [`update delete ${challenge} TXT`]);
    });
  });

  describe('a token with sources', () => {
    const update = (from: string) =>
      server.dyndns.ask(`/nic/update?hostname=inside.${ZONE}&myip=192.0.2.9`, {
        headers: { Authorization: basic('inside'), 'X-Forwarded-For': from },
      });

    it('counts from there, and from elsewhere it is a wrong credential', async () => {
      expect(said(await update('203.0.113.9'))).toBe('401 badauth\n');
      expect(said(await update('198.51.100.9'))).toBe('200 good 192.0.2.9\n');
      const present = { fqdn: `inside.${ZONE}`, value: 'x' };
      const from = (address: string) => ({ Authorization: basic('inside'), 'X-Forwarded-For': address });
      expect((await post('/present', present, from('2001:db8::1'))).status).toBe(401);
      expect((await post('/present', present, from('::ffff:198.51.100.7'))).status).toBe(200);
    });
  });

  describe('by acme-dns', () => {
    interface Account {
      readonly username: string;
      readonly password: string;
      readonly fulldomain: string;
      readonly subdomain: string;
      readonly allowfrom: readonly string[];
    }
    const register = (body: unknown = '', from = '192.0.2.7') => post('/register', body, { 'X-Forwarded-For': from });
    const made = async (body?: unknown) => JSON.parse((await register(body)).body) as Account;
    let account: Account;
    /** Ten registrations a minute are allowed from one source. */
    let wrongSource = 100;
    const update = (
      { username, password, subdomain }: Pick<Account, 'username' | 'password' | 'subdomain'>,
      txt: string,
      from = '203.0.113.1',
    ) =>
      post('/update', { subdomain, txt }, { 'X-Api-User': username, 'X-Api-Key': password, 'X-Forwarded-For': from });

    it('an account is made in the words of acme-dns', async () => {
      const reply = await register();
      expect(reply.headers['content-type']).toBe('application/json; charset=utf-8');
      expect(said(reply)).toMatch(
        new RegExp(
          `^201 {"username":"${UUID}","password":"[A-Za-z0-9_-]{40}","fulldomain":"${UUID}\\.challenges\\.${ZONE}",` +
            `"subdomain":"${UUID}","allowfrom":\\[\\]}$`,
        ),
      );
      account = JSON.parse(reply.body) as Account;
      expect(account.fulldomain).toBe(`${account.subdomain}.challenges.${ZONE}`);
    });

    it('only from where the operator lets it', async () => {
      for (const from of ['198.51.100.1', '2001:db8::1', '127.0.0.1']) {
        expect(said(await register('', from))).toBe('403 {"error":"forbidden"}');
      }
    });

    it('an update is answered to the octet, and the newest two values stand side by side', async () => {
      const name = `${account.subdomain}.challenges`;
      const [one, two, three] = [value('1'), value('2'), value('3')];
      const reply = await update(account, one);
      expect(reply.headers['content-type']).toBe('application/json; charset=utf-8');
      expect(said(reply)).toBe(`200 {"txt": "${one}"}`);
      await update(account, two);
      expect(await look(name)).toEqual([one, two].sort());
      await update(account, three);
      expect(await look(name)).toEqual([two, three].sort());
      // Written again, the older one is the newest.
      await update(account, two);
      await update(account, one);
      expect(await look(name)).toEqual([one, two].sort());
    });

    it('JSON under the name of a form (curl, acme.sh), or of nothing (requests of Python)', async () => {
      const headers = { 'X-Api-User': account.username, 'X-Api-Key': account.password };
      const body = JSON.stringify({ subdomain: account.subdomain, txt: value('form') });
      const form = await post('/update', body, { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' });
      expect(said(form)).toBe(`200 {"txt": "${value('form')}"}`);
      const untyped = await server.dyndns.ask('/update', { method: 'POST', headers, body });
      expect(said(untyped)).toBe(`200 {"txt": "${value('form')}"}`);
      for (const type of ['text/plain', 'text/plain; charset=utf-8', 'text/xml', 'x', '', ';', 'application/jsonx']) {
        const other = await post('/update', body, { ...headers, 'Content-Type': type });
        expect([type, said(other)]).toEqual([type, `200 {"txt": "${value('form')}"}`]);
      }
    });

    it.each([
      ['a text that is too short', { txt: 'x'.repeat(42) }, '400 {"error": "bad_txt"}'],
      ['a text that is too long', { txt: 'x'.repeat(44) }, '400 {"error": "bad_txt"}'],
      ['a text of other characters', { txt: `${'x'.repeat(42)}=` }, '400 {"error": "bad_txt"}'],
      ['no text', { txt: undefined }, '400 {"error": "bad_txt"}'],
      ['a line end after the text', { txt: `${'x'.repeat(43)}\n` }, '400 {"error": "bad_txt"}'],
      ['a subdomain that is no label', { subdomain: 'a.b' }, '400 {"error": "bad_subdomain"}'],
      ['no subdomain', { subdomain: undefined }, '400 {"error": "bad_subdomain"}'],
      ['a number', { txt: 1 }, '400 {"error": "malformed_json_payload"}'],
      ['the subdomain of nobody', { subdomain: 'home' }, '401 {"error": "forbidden"}'],
    ])('refused: %s', async (_what, fields, expected) => {
      const before = await serial();
      const body = { subdomain: account.subdomain, txt: value('bad'), ...fields };
      const headers = { 'X-Api-User': account.username, 'X-Api-Key': account.password };
      expect(said(await post('/update', body, headers))).toBe(expected);
      expect(await serial()).toBe(before);
    });

    it('no JSON', async () => {
      const headers = { 'X-Api-User': account.username, 'X-Api-Key': account.password };
      expect(said(await post('/update', '{', headers))).toBe('400 {"error": "malformed_json_payload"}');
      expect(said(await register('{'))).toBe('400 {"error": "malformed_json_payload"}');
      expect(said(await register('{"allowfrom":"x"}'))).toBe('400 {"error": "malformed_json_payload"}');
      for (const bad of [
        '',
        '192.0.2.0/33',
        '2001:db8::/129',
        'x/8',
        '192.0.2',
        '/24',
        '[192.0.2.1',
        '[::1]]',
        7,
        null,
      ]) {
        const from = `192.0.2.${wrongSource++}`;
        expect(said(await register({ allowfrom: [bad] }, from))).toBe('400 {"error": "invalid_allowfrom_cidr"}');
      }
    });

    it('anything but allowfrom is an error: it could be a restriction that is misspelt', async () => {
      const list = ['203.0.113.0/24'];
      for (const body of [
        { allow_from: list },
        { allowfrom: list, allow: list },
        { sources: null },
        { AllowFrom: list, allowfrom: list },
        '{"allowfrom":["203.0.113.0/24"],"allowfrom":[]}',
        { ' allowfrom': list },
        { '': '' },
        'allowfrom=203.0.113.0/24',
      ]) {
        const reply = await register(body, `192.0.2.${wrongSource++}`);
        expect([body, said(reply)]).toEqual([body, '400 {"error": "malformed_json_payload"}']);
      }
      for (const [target, body] of [
        ['/register?allowfrom=203.0.113.0/24', ''],
        ['/register?allowfrom=203.0.113.0/24', '{"allowfrom":["198.51.100.0/24"]}'],
        ['/register?x', '{}'],
      ] as const) {
        const reply = await post(target, body, { 'X-Forwarded-For': `192.0.2.${wrongSource++}` });
        expect([target, said(reply)]).toEqual([target, '400 {"error": "malformed_json_payload"}']);
      }
      const part = '--b\r\nContent-Disposition: form-data; name="allowfrom"\r\n\r\n203.0.113.0/24\r\n--b--\r\n';
      const headers = { 'X-Forwarded-For': '192.0.2.150', 'Content-Type': 'multipart/form-data; boundary=b' };
      const form = await server.dyndns.ask('/register', { method: 'POST', headers, body: part });
      expect(said(form)).toBe('400 {"error": "malformed_json_payload"}');
    });

    it('one account reaches nothing of another, and no part of a credential is enough', async () => {
      const other = await made();
      const before = await serial();
      const { username, password, subdomain } = account;
      for (const credential of [
        { ...other, subdomain },
        { username, password: other.password, subdomain },
        { username: other.username, password, subdomain },
        { username: other.username, password, subdomain: other.subdomain },
        { username, password: '', subdomain },
        { username: '', password, subdomain },
        { username: '', password: '', subdomain },
        { username: `${username} `, password: 'x', subdomain },
        { username: 'challenger', password: 'challenger-secret', subdomain },
        { username: 'x', password: server.secret, subdomain },
      ]) {
        // Beyond ten a minute from one source they are slowed down.
        const from = `203.0.113.${Math.floor(credential.username.length) + credential.password.length}`;
        expect(said(await update(credential, value('trap'), from))).toBe('401 {"error": "forbidden"}');
      }
      expect(await serial()).toBe(before);
      expect(await look(`${other.subdomain}.challenges`)).toEqual([]);
    });

    it('its key opens no other door', async () => {
      const before = await serial();
      const headers = { Authorization: `Bearer ${account.password}` };
      for (const fqdn of [`_acme-challenge.home.${ZONE}`, `home.${ZONE}`, `challenges.${ZONE}`]) {
        expect((await post('/present', { fqdn, value: 'x' }, headers)).status).toBe(403);
      }
      const nic = await server.dyndns.ask(`/nic/update?hostname=${account.fulldomain}&myip=192.0.2.1`, { headers });
      expect(said(nic)).toBe('200 nohost\n');
      expect(await serial()).toBe(before);
    });

    it.each(ACME_TRANSCRIPTS)('$client: registers, updates, and takes an error for one', async (transcript) => {
      const replay = async (text: string) => {
        const from = 'X-Forwarded-For: 192.0.2.99\r\nHost: dyndns.example.com\r\n';
        const sent = text.replace('Host: dyndns.example.com\r\n', from);
        return parseRaw(await exchangeRaw(server.dyndns.port, sent, true));
      };
      const made = transcript.readAccount(await replay(transcript.register)) as Account;
      expect(made.fulldomain).toBe(`${made.subdomain}.challenges.${ZONE}`);
      for (const txt of [value('first'), value('second'), value('second')]) {
        expect(transcript.isDone(await replay(transcript.update(made, txt)), txt)).toBe(true);
      }
      expect(await look(`${made.subdomain}.challenges`)).toEqual([value('first'), value('second')].sort());
      const wrong = [transcript.update({ ...made, password: 'x' }, value('third')), transcript.update(made, 'short')];
      for (const text of wrong) expect(transcript.isDone(await replay(text), value('third'))).toBe(false);
    });

    it('allowfrom holds for every request of the account', async () => {
      const limited = await made({ allowfrom: ['203.0.113.0/24', '2001:db8:7::/48'] });
      expect(limited.allowfrom).toEqual(['203.0.113.0/24', '2001:db8:7::/48']);
      expect(said(await update(limited, value('x'), '198.51.100.1'))).toBe('401 {"error": "forbidden"}');
      expect((await update(limited, value('x'), '2001:db8:7::1')).status).toBe(200);
      expect((await update(limited, value('x'), '203.0.113.77')).status).toBe(200);
    });

    it.each<[unknown, readonly string[], string, string]>([
      [{ AllowFrom: ['203.0.113.0/24'] }, ['203.0.113.0/24'], '203.0.113.9', '203.0.114.1'],
      [{ allowfrom: ['203.0.113.7/24'] }, ['203.0.113.0/24'], '203.0.113.255', '203.0.112.255'],
      [{ allowfrom: ['203.0.113.7'] }, ['203.0.113.7/32'], '203.0.113.7', '203.0.113.8'],
      [{ allowfrom: ['[2001:db8::1]'] }, ['2001:db8::1/128'], '2001:db8::1', '2001:db8::2'],
      [{ allowfrom: ['[2001:db8::1]/64'] }, ['2001:db8::/64'], '2001:db8::ffff', '2001:db8:0:1::1'],
      [{ allowfrom: ['[2001:db8::1/64]'] }, ['2001:db8::/64'], '2001:db8::ffff', '2001:db8:0:1::1'],
      [{ ALLOWFROM: ['::ffff:203.0.113.7'] }, ['203.0.113.7/32'], '203.0.113.7', '203.0.113.8'],
    ])('%j restricts the account', async (body, allowfrom, inside, outside) => {
      const limited = JSON.parse((await register(body, `192.0.2.${wrongSource++}`)).body) as Account;
      expect(limited.allowfrom).toEqual(allowfrom);
      expect(said(await update(limited, value('x'), outside))).toBe('401 {"error": "forbidden"}');
      expect((await update(limited, value('x'), inside)).status).toBe(200);
    });

    it.each(['', ' \r\n', 'null', '{}', '{"allowfrom":null}', '{"AllowFrom":[]}'])(
      'no restriction is asked for by %j',
      async (body) => {
        const reply = await register(body, `192.0.2.${wrongSource++}`);
        expect([reply.status, (JSON.parse(reply.body) as Account).allowfrom]).toEqual([201, []]);
      },
    );

    it('a token that may register does so from anywhere, and another does not', async () => {
      const by = (headers: Record<string, string>, from = '198.51.100.77') =>
        post('/register', '', { ...headers, 'X-Forwarded-For': from });
      for (const headers of [
        { Authorization: basic('registrar') },
        { Authorization: 'Bearer registrar-secret' },
        { 'X-Api-Key': 'registrar-secret' },
        { Authorization: `Bearer ${server.secret}` },
      ]) {
        expect((await by(headers)).status).toBe(201);
      }
      expect(said(await by({ Authorization: basic('both') }))).toBe('403 {"error":"forbidden"}');
      expect(said(await by({ Authorization: basic('nobody') }))).toBe('401 {"error": "forbidden"}');
      expect(said(await by({ Authorization: `Bearer ${account.password}` }))).toBe('403 {"error":"forbidden"}');
      expect(said(await by({}))).toBe('403 {"error":"forbidden"}');
      // A proxy's own credential is no obstacle where the address is enough.
      expect((await by({ Authorization: basic('nobody') }, '192.0.2.78')).status).toBe(201);
      expect(server.dyndns.process.output()).not.toContain('registrar-secret');
    });

    it('without a credential /update answers JSON with JSON', async () => {
      const body = { subdomain: account.subdomain, txt: value('x') };
      for (const headers of [{}, { 'X-Api-Key': account.password }, { Authorization: basic('challenger') }]) {
        expect(said(await post('/update', body, headers))).toBe('401 {"error": "forbidden"}');
      }
    });

    it('without X-Api-User /update is the one of dyndns2', async () => {
      const reply = await server.dyndns.ask(`/update?hostname=home.${ZONE}&myip=192.0.2.44`, {
        method: 'POST',
        headers: { 'X-Api-Key': 'router-secret' },
      });
      expect(said(reply)).toBe('200 good 192.0.2.44\n');
    });

    it('lives', async () => {
      expect(said(await server.dyndns.ask('/health'))).toBe('200 ');
    });

    it('there are so many accounts and no more, and ten registrations a minute', async () => {
      const statuses: number[] = [];
      for (let i = 0; i < 12; i++) statuses.push((await register('', '192.0.2.200')).status);
      expect(statuses.slice(-2)).toEqual([429, 429]);
      let full = await register('', '192.0.2.201');
      for (let source = 202; full.status === 201 && source < 255; source++)
        full = await register('', `192.0.2.${source}`);
      expect(JSON.parse(full.body)).toEqual({
        error: 'conflict',
        detail: 'There are 60 accounts already: the operator raises acme_dns.max_accounts, or revokes tokens.',
      });
    });

    it('no password and no challenge reaches the log', () => {
      const log = server.dyndns.process.output();
      expect(log).toContain(`registered acme-dns-${account.username}`);
      expect(log).not.toContain(account.password);
      expect(log).not.toContain(value('form'));
    });
  });
});
