/** The HTTP API as its clients see it: replies, problem documents, pages, entity tags, batches, limits, hosts and origins. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_ZONE, type ApiLab, sendOperation, startApiLab } from '../support/api-lab.ts';
import { dig } from '../support/dig.ts';
import { type Answer, ask, exchangeRaw } from '../support/http-client.ts';

let lab: ApiLab;
let admin: string;
let alice: string;
let bob: string;

beforeAll(async () => {
  lab = await startApiLab({
    records: 'static IN A 192.0.2.80\n',
    zoneOptions: { members: { claim: true }, reserved: ['www'] },
  });
  admin = await lab.user('admin', 'admin');
  alice = await lab.user('alice');
  bob = await lab.user('bob');
});
afterAll(() => lab?.stop());

const host = (label: string) => `${label}.${API_ZONE}`;
const json = ({ body }: Answer) => JSON.parse(body) as Record<string, unknown>;
const http = (target: string, options: Parameters<typeof ask>[2] = {}) =>
  ask({ port: lab.server.dyndns.port }, target, options);
const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });

describe('a host', () => {
  it('is created with its place and its entity tag, and shown with them', async () => {
    const created = await lab.send('addHost', { host: host('home'), ttl: 60 }, alice);
    expect(created.status).toBe(201);
    expect(created.headers).toMatchObject({
      location: `/v1/hosts/${host('home')}`,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(json(created)).toMatchObject({ host: `${host('home')}.`, owner: 'alice', access: 'own', ttl: 60 });
    const shown = await lab.send('showHost', { host: host('home') }, alice);
    expect(shown.headers.etag).toBe(created.headers.etag);
    expect(created.headers.etag).toMatch(/^"[\w-]{22}"$/);
    const head = await http(`/v1/hosts/${host('home')}`, { method: 'HEAD', headers: bearer(alice) });
    expect([head.status, head.body, head.headers.etag]).toEqual([200, '', created.headers.etag]);
    expect((await lab.send('addHost', { host: host('home') }, alice)).status).toBe(409);
  });

  it('changes only if no one changed it since, where the client asks for that', async () => {
    const { headers } = await lab.send('showHost', { host: host('home') }, alice);
    const ifMatch = { headers: { 'If-Match': String(headers.etag) } };
    const first = await lab.send('changeHost', { host: host('home'), ttl: 120 }, alice, ifMatch);
    expect([first.status, json(first)['ttl']]).toEqual([200, 120]);
    for (const name of ['changeHost', 'replaceHost', 'removeHost', 'disableHost'] as const) {
      const late = await lab.send(name, { host: host('home') }, alice, ifMatch);
      expect([late.status, json(late)['code']], name).toEqual([412, 'conflict']);
    }
    expect(json(await lab.send('showHost', { host: host('home') }, alice))).toMatchObject({ ttl: 120, enabled: true });
    const any = await lab.send('changeHost', { host: host('home'), ttl: null }, alice, {
      headers: { 'If-Match': '*' },
    });
    expect(json(any)).not.toHaveProperty('ttl');
  });

  it('loses no change where many change it at once', async () => {
    const members = Array.from({ length: 8 }, (_, index) => `${host('home')}`.replace('home', `m${index}`));
    await lab.operate('addHost', { host: host('many') });
    const answers = await Promise.all(
      members.map((member) => lab.send('addMember', { host: host('many'), member, interfaceId: '::1' }, admin)),
    );
    const done = answers.filter(({ status }) => status === 200).length;
    expect(answers.every(({ status }) => status === 200 || status === 503)).toBe(true);
    const { members: stored } = await lab.operate('listMembers', { host: host('many') });
    expect(stored).toHaveLength(done);
  });

  it('gets addresses, and shows what a change would do', async () => {
    const update = { host: host('home'), ips: ['192.0.2.7'] };
    const dry = json(await lab.send('update', { ...update, dry_run: true }, alice));
    expect(dry).toMatchObject({ changed: false, text: expect.stringContaining('would change') });
    expect(await publishedAt('home')).toEqual([]);
    expect(json(await lab.send('update', update, alice))).toMatchObject({ changed: true });
    expect(await publishedAt('home')).toEqual(['192.0.2.7']);
    expect(json(await lab.send('delete', { host: host('home'), dry_run: '1' }, alice))['changed']).toBe(false);
    expect(await publishedAt('home')).toEqual(['192.0.2.7']);
    const { events } = json(await lab.send('readHistory', { host: host('home') }, alice)) as { events: object[] };
    expect(events[0]).toMatchObject({ actor: 'alice', protocol: 'api', source: '127.0.0.1' });
  });

  it('is shared to be seen or changed, until the share ends', async () => {
    const see = () => lab.send('showHost', { host: host('home') }, bob);
    expect((await see()).status).toBe(404);
    await lab.send('shareHost', { host: host('home'), user: 'bob', access: 'view' }, alice);
    expect(json(await see())).toMatchObject({ access: 'view' });
    expect(json(await see())).not.toHaveProperty('shares');
    const token = { name: 'bobs', hosts: [host('home')] };
    expect((await lab.send('createToken', token, bob)).status).toBe(404);
    await lab.send('shareHost', { host: host('home'), user: 'bob', access: 'change' }, alice);
    const { secret } = json(await lab.send('createToken', token, bob)) as { secret: string };
    const updateBy = (address: string) =>
      http(`/nic/update?hostname=${host('home')}&myip=${address}`, { headers: bearer(secret) });
    expect((await updateBy('192.0.2.8')).body).toContain('good');
    await lab.send('unshareHost', { host: host('home'), user: 'bob' }, alice);
    expect((await updateBy('192.0.2.9')).body).toContain('nohost');
    expect((await see()).status).toBe(404);
    expect(await publishedAt('home')).toEqual(['192.0.2.8']);
  });
});

describe('members', () => {
  it.each(['www', 'static', 'a.b', '_x', 'home'])('may not take %s', async (label) => {
    const { status } = await lab.send('addHost', { host: host(label) }, bob);
    expect([403, 409]).toContain(status);
  });

  it('may not set what an admin alone may', async () => {
    const wide = await lab.send('changeHost', { host: host('home'), allow: ['192.0.2.0/24'] }, alice);
    expect(json(wide)).toMatchObject({ status: 400, errors: [{ pointer: '/allow' }] });
    const fallback = { host: host('home'), leaseSeconds: 60, fallback: ['127.0.0.1'] };
    expect(json(await lab.send('changeHost', fallback, alice))).toMatchObject({
      status: 400,
      errors: [{ pointer: '/fallback/0' }],
    });
    const given = await lab.send('changeHost', { host: host('home'), owner: 'bob' }, alice);
    expect(json(given)).toMatchObject({ status: 400, errors: [{ pointer: '/owner' }] });
    const pattern = await lab.send('createToken', { name: 'p', hosts: [`*.${API_ZONE}`] }, alice);
    expect(json(pattern)).toMatchObject({ status: 400, errors: [{ pointer: '/hosts/0' }] });
    const foreign = { host: host('home'), member: host('static'), interfaceId: '::1' };
    expect((await lab.send('addMember', foreign, alice)).status).toBe(404);
  });

  it('have quotas, which an admin can raise', async () => {
    await lab.operate('changeUser', { name: 'bob', quotas: { hosts: 1, tokens: 1 } });
    expect((await lab.send('addHost', { host: host('b1') }, bob)).status).toBe(201);
    const over = await lab.send('addHost', { host: host('b2') }, bob);
    expect([over.status, json(over)['code']]).toEqual([403, 'quota-exceeded']);
    const parallel = await Promise.all(
      ['t1', 't2', 't3'].map((name) => lab.send('createToken', { name, hosts: [host('b1')] }, bob)),
    );
    expect(parallel.filter(({ status }) => status === 201).length).toBeLessThanOrEqual(1);
    await lab.operate('changeUser', { name: 'bob', quotas: { hosts: 2 } });
    expect((await lab.send('addHost', { host: host('b2') }, bob)).status).toBe(201);
  });
});

describe('lists', () => {
  it('come in pages, with a link to the next one', async () => {
    const seen: string[] = [];
    let target: string | undefined = '/v1/hosts?limit=2';
    while (target !== undefined) {
      const answer: Answer = await http(target, { headers: bearer(admin) });
      const { hosts } = json(answer) as { hosts: { host: string }[] };
      expect(hosts.length).toBeLessThanOrEqual(2);
      seen.push(...hosts.map(({ host: name }) => name));
      const [, next] = /^<(\?[^>]+)>; rel="next"$/.exec(String(answer.headers.link ?? '')) ?? [];
      target = next === undefined ? undefined : `/v1/hosts${next}`;
    }
    const { hosts } = await lab.operate('listHosts', {});
    expect(seen).toEqual(hosts.map(({ host: name }) => name));
    expect(seen.length).toBeGreaterThan(3);
    const found = json(await lab.send('listHosts', { search: 'OME' }, admin)) as { hosts: { host: string }[] };
    expect(found.hosts.map(({ host: name }) => name)).toEqual([`${host('home')}.`]);
    const bad = await lab.send('listHosts', { cursor: 'x' }, admin);
    expect(json(bad)).toMatchObject({ status: 400, errors: [{ parameter: 'cursor' }] });
  });

  it('of a member have what the member sees', async () => {
    const { hosts } = json(await lab.send('listHosts', {}, alice)) as { hosts: { owner: string }[] };
    expect(hosts.length).toBeGreaterThan(0);
    expect(hosts.every(({ owner }) => owner === 'alice')).toBe(true);
    const { events } = json(await lab.send('readAllHistory', {}, bob)) as { events: { host: string }[] };
    expect(events.every(({ host: name }) => name !== `${host('home')}.`)).toBe(true);
    const { rrsets } = json(await lab.send('listRRsets', { zone: API_ZONE }, alice)) as { rrsets: { name: string }[] };
    expect(rrsets.map(({ name }) => name)).toEqual([`${host('home')}.`]);
  });
});

describe('many at once', () => {
  it('2,000 customers are one request; then each token works', { timeout: 60_000 }, async () => {
    const tokens = Array.from({ length: 2000 }, (_, index) => ({
      name: `customer${index}`,
      hosts: [host(`customer${index}`)],
      owner: `customer${index}`,
    }));
    const answer = await lab.send('createTokens', { tokens, createOwners: true }, admin);
    expect(answer.status).toBe(200);
    const made = (json(answer) as { tokens: { secret: string; token: { owner: string } }[] }).tokens;
    expect(made).toHaveLength(2000);
    for (const index of [0, 777, 1999]) {
      const url = `/nic/update?hostname=${host(`customer${index}`)}&myip=192.0.2.${index % 200}`;
      expect((await http(url, { headers: bearer(made[index]!.secret) })).body).toContain('good');
      expect(made[index]!.token.owner).toBe(`customer${index}`);
      const settings = await lab.operate('showHost', { host: host(`customer${index}`) });
      expect(settings).toMatchObject({ owner: `customer${index}` });
    }
  });

  it('are none where one cannot be, and each reason has its place', async () => {
    const tokens = [
      { name: 'fresh', hosts: [host('fresh')], owner: 'fresh' },
      { name: 'customer7', hosts: [host('fresh2')], owner: 'fresh' },
      { name: 'fresh3', hosts: ['elsewhere.example.org'] },
      { name: 'fresh4', hosts: [host('home')], owner: 'fresh' },
    ];
    const refused = await lab.send('createTokens', { tokens, createOwners: true }, admin);
    expect([400, 404, 409]).toContain(refused.status);
    expect(json(refused)).toMatchObject({
      errors: expect.arrayContaining([
        { pointer: expect.stringMatching(/^\/tokens\/2\/hosts/), detail: expect.any(String) },
      ]),
    });
    for (const list of [tokens.slice(0, 2), [tokens[0]!, tokens[3]!]]) {
      const conflict = await lab.send('createTokens', { tokens: list, createOwners: true }, admin);
      expect([400, 409]).toContain(conflict.status);
      expect((json(conflict)['errors'] as object[])[0]).toMatchObject({
        pointer: expect.stringMatching(/^\/tokens\/1\//),
      });
    }
    for (const name of ['fresh', 'fresh3', 'fresh4'])
      expect((await lab.send('showToken', { name }, admin)).status).toBe(404);
    expect((await lab.send('showUser', { name: 'fresh' }, admin)).status).toBe(404);
    expect(json(await lab.send('showHost', { host: host('fresh') }, admin))).toMatchObject({ origin: 'none' });
    const noOwner = await lab.send('createTokens', { tokens: [tokens[0]!] }, admin);
    expect(json(noOwner)).toMatchObject({ errors: [{ pointer: '/tokens/0/owner' }] });
  });
});

describe('records', () => {
  const change = (name: string, more: object = {}) => ({
    name,
    type: 'TXT',
    action: 'replace',
    records: ['"x"'],
    ...more,
  });
  const serial = async () => (await lab.operate('showZone', { zone: API_ZONE })).serial;

  it('are changed together in one step of the serial, or not at all', async () => {
    const before = await serial();
    const changes = Array.from({ length: 200 }, (_, index) => change(host(`r${index}`)));
    const done = await lab.send('changeRRsets', { zone: API_ZONE, changes }, admin);
    expect([done.status, json(done)]).toEqual([200, { serial: before + 1, changed: true }]);
    expect(done.headers.etag).toBe(`"${before + 1}"`);
    const bad = {
      zone: API_ZONE,
      changes: [
        change(host('r0'), { records: ['"y"'] }),
        change(host('static'), { type: 'A', records: ['192.0.2.1'] }),
      ],
    };
    expect((await lab.send('changeRRsets', bad, admin)).status).toBe(409);
    const malformed = {
      zone: API_ZONE,
      changes: [change(host('r0')), change(host('r1'), { type: 'MX', records: ['x'] })],
    };
    expect(json(await lab.send('changeRRsets', malformed, admin))).toMatchObject({
      status: 400,
      errors: [{ pointer: '/changes/1/records/0' }],
    });
    const dry = { zone: API_ZONE, changes: [change(host('r0'), { records: ['"z"'] })], dry_run: true };
    const rrset = (text: string) => ({ ttl: 300, records: [`"${text}"`] });
    expect(json(await lab.send('changeRRsets', dry, admin))).toEqual({
      serial: before + 1,
      changed: true,
      differences: [{ name: `${host('r0')}.`, type: 'TXT', before: rrset('x'), after: rrset('z') }],
    });
    expect(await serial()).toBe(before + 1);
    const { rrsets } = json(await lab.send('listRRsets', { zone: API_ZONE, name: host('r0') }, admin)) as {
      rrsets: object[];
    };
    expect(rrsets).toEqual([{ name: `${host('r0')}.`, type: 'TXT', ttl: 300, records: ['"x"'] }]);
  });

  it('are refused with a serial that is no longer that of the zone', async () => {
    const now = await serial();
    const send = (tag: string) =>
      lab.send(
        'changeRRsets',
        { zone: API_ZONE, changes: [change(host('tagged'), { records: [`"${tag}"`] })] },
        admin,
        {
          headers: { 'If-Match': `"${tag}"` },
        },
      );
    expect((await send(String(now - 1))).status).toBe(412);
    expect((await send('x')).status).toBe(412);
    expect((await send(String(now))).status).toBe(200);
    expect((await send(String(now))).status).toBe(412);
  });

  it('of a member are those of own hosts', async () => {
    const own = { zone: API_ZONE, changes: [change(host('home')), change(`_acme-challenge.${host('home')}`)] };
    expect((await lab.send('changeRRsets', own, alice)).status).toBe(200);
    const foreign = { zone: API_ZONE, changes: [change(host('home'), { records: ['"y"'] }), change(host('r0'))] };
    expect((await lab.send('changeRRsets', foreign, alice)).status).toBe(403);
    const { rrsets } = json(await lab.send('listRRsets', { zone: API_ZONE }, alice)) as {
      rrsets: { records: string[] }[];
    };
    expect(rrsets.flatMap(({ records }) => records)).not.toContain('"y"');
  });
});

describe('requests', () => {
  it('that are not valid name the field and the rule', async () => {
    const answer = await lab.send('addHost', { host: host('x'), ttl: -1 }, admin);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(json(answer)).toEqual({
      type: 'docs/errors.md#request-malformed',
      title: 'The request is not valid',
      status: 400,
      detail: "'ttl' must be an integer from 0 to 2147483647.",
      code: 'request-malformed',
      requestId: answer.headers['x-request-id'],
      errors: [{ pointer: '/ttl', detail: "'ttl' must be an integer from 0 to 2147483647." }],
    });
    expect(json(await lab.send('listHosts', { limit: 501 }, admin))).toMatchObject({
      errors: [{ parameter: 'limit' }],
    });
  });

  it('for what is not there say so, with the methods that are', async () => {
    expect(json(await http('/v1/nothing', { headers: bearer(admin) }))).toMatchObject({ status: 404 });
    const wrong = await http('/v1/hosts', { method: 'DELETE', headers: bearer(admin) });
    expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET, HEAD, POST']);
    expect((await http('/v1', { headers: bearer(admin) })).status).toBe(404);
    expect((await http('/v1/hosts/%ff', { headers: bearer(admin) })).status).toBe(400);
    expect((await http('/v1/nothing')).status).toBe(401);
  });

  it('are limited in size, and nothing of a body is read before the key', async () => {
    const big = JSON.stringify({ host: 'x'.repeat(70_000) });
    const post = (key: string | undefined, target: string, body: string) =>
      http(target, { method: 'POST', body, ...(key !== undefined && { headers: bearer(key) }) });
    expect(json(await post(admin, '/v1/hosts', big))).toMatchObject({
      status: 413,
      detail: 'The body is larger than 65536 octets.',
    });
    expect((await post(undefined, '/v1/hosts', big)).status).toBe(401);
    expect((await post(admin, '/v1/tokens:batch', `{"tokens":"${'x'.repeat(2_100_000)}"}`)).status).toBe(413);
    // The body never comes.
    const raw = `POST /v1/hosts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nAuthorization: Bearer x\r\n\r\n`;
    expect(await exchangeRaw(lab.server.dyndns.port, raw, true)).toContain('HTTP/1.1 401');
  });

  it.each([
    ['evil.example.com', 421],
    ['127.0.0.1.evil.example.com', 421],
    ['localhost.evil.example.com', 421],
    ['127.0.0.1:1@evil.example.com', 421],
    ['[::1].evil.example.com', 421],
    ['localhost:1234', 200],
    ['127.1.2.3', 200],
    ['[::1]:99', 200],
  ])('for the Host %s get %i', async (name, status) => {
    const answer = await http('/v1/me', { headers: { ...bearer(admin), Host: name } });
    expect(answer.status).toBe(status);
    if (status === 421) expect(json(answer)).toMatchObject({ detail: expect.stringContaining("'admin.url'") });
  });

  it.each([
    [{ 'Sec-Fetch-Site': 'cross-site' }, 403],
    [{ 'Sec-Fetch-Site': 'same-site' }, 403],
    [{ Origin: 'https://evil.example.com' }, 403],
    [{ Origin: 'null' }, 403],
    [{ 'Sec-Fetch-Site': 'same-origin' }, 200],
    [{ 'Sec-Fetch-Site': 'none' }, 200],
  ])('with %j get %i', async (headers, status) => {
    const answer = await http('/v1/me', { headers: { ...bearer(admin), ...headers } as Record<string, string> });
    expect(answer.status).toBe(status);
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it.each([
    `{"host":"twice.${API_ZONE}","ttl":60,"ttl":600}`,
    `{"host":"twice.${API_ZONE}","ttl":60,"t\\u0074l":600}`,
    `{"host":"twice.${API_ZONE}","members":[{"name":"a","name":"b"}]}`,
    `${'['.repeat(100)}${']'.repeat(100)}`,
    '{"host"',
  ])('with the body %s are refused', async (body) => {
    const answer = await http('/v1/hosts', { method: 'POST', headers: bearer(admin), body });
    expect(answer.status).toBe(400);
    expect(json(answer)).toMatchObject({ code: 'body-malformed' });
  });

  it('with a key in a Basic password or X-Api-Key are answered, too', async () => {
    const basic = Buffer.from(`anyone:${admin}`).toString('base64');
    expect((await http('/v1/me', { headers: { Authorization: `Basic ${basic}` } })).status).toBe(200);
    expect((await http('/v1/me', { headers: { 'X-Api-Key': admin } })).status).toBe(200);
  });

  it('are in the audit list if they change something, with who and from where, without secrets', async () => {
    await lab.send('addHost', { host: host('audited') }, admin, { headers: { 'User-Agent': 'test' } });
    await lab.send('addHost', { host: host('audited') }, admin);
    const { entries } = json(await lab.send('readAudit', { operation: 'addHost', limit: 2 }, admin)) as {
      entries: object[];
    };
    expect(entries).toMatchObject([
      { user: 'admin', key: 'test', source: '127.0.0.1', target: host('audited'), outcome: 'conflict' },
      { user: 'admin', operation: 'addHost', outcome: 'done' },
    ]);
    const all = JSON.stringify(json(await lab.send('readAudit', { limit: 500 }, admin)));
    for (const secret of [admin, alice, bob, lab.server.secret]) expect(all).not.toContain(secret);
  });

  it('for the document of the API need no key, and it is the one in docs', async () => {
    const answer = await http('/v1/openapi.json');
    expect(answer.status).toBe(200);
    expect(json(answer)).toMatchObject({
      openapi: '3.1.0',
      paths: expect.objectContaining({ '/v1/hosts:batch': expect.anything() }),
    });
  });
});

describe('a server', () => {
  it('without the API has none of its paths', async () => {
    const other = await startApiLab({ config: { store: 'sqlite:dyndns.db', admin: { enabled: false } } });
    try {
      for (const path of ['/v1', '/v1/hosts', '/v1/openapi.json', '/api/v1/servers']) {
        expect((await ask({ port: other.server.dyndns.port }, path)).status, path).toBe(404);
      }
    } finally {
      await other.stop();
    }
  });

  it('with listeners for the API serves it on them alone, for the host of admin.url', async () => {
    const config = {
      store: 'sqlite:dyndns.db',
      admin: { enabled: true, listen: ['127.0.0.1:0'], url: 'https://dyndns.example.com', powerdns_api: true },
    };
    const other = await startApiLab({ config });
    try {
      const key = await other.user('root', 'admin');
      const { addresses, port } = other.server.dyndns;
      const api = { port: Number(/:(\d+)$/.exec(addresses.at(-1)!)?.[1]) };
      expect(api.port).not.toBe(port);
      expect((await ask({ port }, '/v1/me')).status).toBe(404);
      expect((await ask(api, '/nic/update')).status).toBe(404);
      const me = (name: string, origin?: string) =>
        sendOperation(api, 'showMe', {}, key, { headers: { Host: name, ...(origin && { Origin: origin }) } });
      expect((await me('dyndns.example.com')).status).toBe(200);
      expect((await me('dyndns.example.com:443', 'https://dyndns.example.com')).status).toBe(200);
      expect((await me('dyndns.example.com:8080')).status).toBe(421);
      expect((await me('localhost')).status).toBe(421);
      expect((await me('dyndns.example.com', 'http://dyndns.example.com')).status).toBe(403);
      expect((await ask(api, '/api/v1/servers', { headers: { 'X-API-Key': 'x' } })).status).toBe(401);
      expect((await ask({ port }, '/api/v1/servers', { headers: { 'X-API-Key': 'x' } })).status).toBe(404);
    } finally {
      await other.stop();
    }
  });
});

async function publishedAt(label: string): Promise<readonly string[]> {
  return (await dig(lab.server, [host(label), 'A', '+norecurse'])).short;
}
