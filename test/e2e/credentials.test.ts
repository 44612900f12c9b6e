/**
 * The credential of a request at every door: foreign ones beside it do not hide it, wrong ones alone are refused in the words
 * of the protocol, and guessing them is bounded. Each request has a source of its own unless the budget is the subject.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import type { Answer, AskOptions } from '../support/http-client.ts';

const ZONE = 'dyn.example.com';
const HOST = `home.${ZONE}`;
const TOKEN = 'tokenOfTheRouter';
const ACCOUNT = 'acme-dns-user1';
const ACCOUNT_KEY = 'keyOfTheAccount';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const basic = (user: string, password: string, encoding: BufferEncoding = 'utf8') =>
  `Basic ${Buffer.from(`${user}:${password}`, encoding).toString('base64')}`;

let server: EmbeddedServer;
let count = 0;

beforeAll(async () => {
  const token = (name: string, secret: string, hosts = [HOST], types = ['A', 'AAAA', 'TXT']) => ({
    name,
    sha256: sha256(secret),
    hosts,
    types,
  });
  server = await startEmbedded({
    zone: ZONE,
    config: {
      store: 'sqlite:store.db',
      check: 'authenticated',
      http: { listen: ['127.0.0.1:0'], trusted_proxies: ['127.0.0.1'] },
      limits: { refused_per_minute_per_source: 0 },
      protocols: { acme_dns: true },
      acme_dns: { zone: ZONE, register: [] },
      tokens: [
        token('router', TOKEN),
        token('umlaut', 'pässwörtlich', [`umlaut.${ZONE}`]),
        token('several', 'tokenOfSeveral', [`a.${ZONE}`, `b.${ZONE}`]),
        token(ACCOUNT, ACCOUNT_KEY, [`acme.${ZONE}`], ['TXT']),
        { ...token('ended', 'tokenThatEnded'), expires: '2020-01-01' },
      ],
    },
  });
}, 60_000);
afterAll(() => server?.stop());

/** An address from which nothing was sent before. */
function newSource(): string {
  count += 1;
  return `203.${(count >> 16) & 255}.${(count >> 8) & 255}.${count & 255}`;
}

function send(target: string, options: AskOptions = {}, source = newSource()): Promise<Answer> {
  return server.dyndns.ask(target, { ...options, headers: { 'X-Forwarded-For': source, ...options.headers } });
}

type Headers = Readonly<Record<string, string>>;

/** A place for a credential: the request that has it there. */
interface Place {
  readonly where: string;
  readonly target: (secret: string) => string;
  readonly headers?: (secret: string) => Headers;
}

interface Door {
  readonly name: string;
  /** Without a credential; `foreign` parameters are appended. */
  readonly target: string;
  readonly body?: string;
  readonly own?: readonly Place[];
  /** Parameters do not count. */
  readonly onlyHeaders?: true;
  readonly master?: true;
  readonly accepted: RegExp;
  readonly refused: readonly [number, string];
}

const path = (where: string, target: (secret: string) => string): Place => ({ where, target });

const BAD_PAGE =
  '<HTML><HEAD><TITLE>Wrong user name or password</TITLE></HEAD>\n<BODY>\nreturn code: BADAUTH\nerror code: BADAUTH\n</BODY></HTML>\n';
const WRONG = 'PARAMETER_ERROR: You specified a wrong secret key.\n';

const DOORS: readonly Door[] = [
  {
    name: 'dyndns2',
    target: `/nic/update?hostname=${HOST}&myip=192.0.2.1`,
    accepted: /^(good|nochg) 192\.0\.2\.1\n$/,
    refused: [401, 'badauth\n'],
  },
  {
    name: 'dyndns1',
    target: `/nic/dyndns?host_id=${HOST}&hostname=YES&myip=192.0.2.1`,
    accepted: /return code: NOERROR/,
    refused: [401, BAD_PAGE],
  },
  {
    name: 'No-IP',
    target: `/ducupdate.php?h[]=${HOST}&ip=192.0.2.1`,
    accepted: /^192\.0\.2\.1:[01]\n$/,
    refused: [401, '192.0.2.1:4\n'],
  },
  {
    name: 'dynv6',
    target: `/api/update?hostname=${HOST}&ipv4=192.0.2.1`,
    accepted: /^addresses (updated|unchanged)$/,
    refused: [401, 'invalid authentication token'],
  },
  {
    name: 'DuckDNS',
    // Without `token` the path belongs to dyndns2.
    target: `/update?domains=${HOST}&ip=192.0.2.1&token=-`,
    own: [path('the path', (secret) => `/update/${HOST}/${secret}/192.0.2.1?x=`)],
    accepted: /^OK$/,
    refused: [200, 'KO'],
  },
  {
    name: 'freemyip',
    target: `/update?domain=${HOST}&myip=192.0.2.1&token=-`,
    accepted: /^OK$/,
    refused: [200, 'ERROR'],
  },
  {
    name: 'dyndns2 at the root',
    target: `/?hostname=${HOST}&myip=192.0.2.1`,
    accepted: /^(good|nochg) 192\.0\.2\.1\n$/,
    refused: [401, 'badauth\n'],
  },
  {
    name: 'easyDNS',
    target: `/dyn/generic.php?hostname=${HOST}&myip=192.0.2.1`,
    accepted: /^NOERROR\n$/,
    refused: [401, 'NO_AUTH\n'],
  },
  {
    name: 'Njalla',
    // Without `k` the path belongs to dyndns2.
    target: `/update?h=${HOST}&a=192.0.2.1&k=-`,
    own: [path('k', (secret) => `/update?h=${HOST}&a=192.0.2.1&k=${secret}`)],
    accepted: /"message":"record updated"/,
    refused: [401, '{"status":401,"message":"invalid host or key"}\n'],
  },
  {
    name: 'FreeDNS 1',
    target: `/dynamic/update.php?host=${HOST}&address=192.0.2.1`,
    own: [
      path('the name of a parameter', (secret) => `/dynamic/update.php?${secret}&host=${HOST}&address=192.0.2.1`),
      path('with equals signs', (secret) => `/dynamic/update.php?x&${secret}%3D%3D=&host=${HOST}&address=192.0.2.1`),
    ],
    accepted: /192\.0\.2\.1/,
    refused: [401, 'ERROR: Invalid update URL (no such key).\n'],
  },
  {
    name: 'the list of FreeDNS',
    target: '/api?action=getdyndns',
    own: [path('sha', (secret) => `/api?action=getdyndns&sha=${secret}`)],
    accepted: new RegExp(`^${HOST}\\|.*/dynamic/update.php\\?${TOKEN}\n`),
    refused: [401, 'ERROR: Invalid update URL (no such key).\n'],
  },
  {
    name: 'FreeDNS 2',
    target: `/u?host=${HOST}&address=192.0.2.1`,
    own: [path('the path', (secret) => `/u/${secret}/?host=${HOST}&address=192.0.2.1`)],
    accepted: /192\.0\.2\.1/,
    refused: [401, 'ERROR: Invalid update URL (no such key).\n'],
  },
  {
    name: 'the original by query',
    target: `/update-by-query?fqdn=${HOST}&ip_1=192.0.2.1`,
    accepted: new RegExp(`^(UPDATED|UNCHANGED): ${HOST}\\. A `),
    refused: [456, WRONG],
  },
  {
    name: 'the original by path',
    target: `/update-by-path/-/${HOST}/192.0.2.1?x=`,
    own: [path('the path', (secret) => `/update-by-path/${secret}/${HOST}/192.0.2.1?x=`)],
    accepted: new RegExp(`^(UPDATED|UNCHANGED): ${HOST}\\. A `),
    refused: [456, WRONG],
  },
  {
    name: 'the deletion of the original',
    target: '/delete-by-path/-/other.dyn.example.com?x=',
    own: [path('the path', (secret) => `/delete-by-path/${secret}/other.dyn.example.com?x=`)],
    // Out of scope: what is said after the credential was found right.
    accepted: /^DNS_NAME_ERROR/,
    refused: [456, WRONG],
  },
  { name: '/check', target: '/check?x=', accepted: /./, refused: [456, WRONG] },
  {
    name: 'httpreq',
    target: '/present?x=',
    body: JSON.stringify({ fqdn: `_acme-challenge.${HOST}.`, value: 'x' }),
    accepted: /^\{"fqdn":/,
    refused: [401, 'You specified a wrong secret key.\n'],
  },
  {
    name: '/metrics',
    target: '/metrics?x=',
    onlyHeaders: true,
    master: true,
    accepted: /dyndns_/,
    refused: [401, 'ERROR: You specified a wrong secret key.\n'],
  },
];

const PARAMETERS = ['token', 'secret', 'password', 'pass', 'passwd', 'pwd', 'p', 'key'];

/** Every place of a door, with the right secret in it. */
function placesOf({ target, own = [], onlyHeaders, master }: Door): readonly Place[] {
  const header = (where: string, headers: (secret: string) => Headers): Place => ({
    where,
    target: () => target,
    headers,
  });
  const parameters = PARAMETERS.map((name) => ({
    where: name,
    target: (secret: string) =>
      target.includes('token=-') && name === 'token'
        ? target.replace('token=-', `token=${secret}`)
        : `${target}&${name}=${secret}`,
  }));
  return [
    header('the password of Basic', (secret) => ({ Authorization: basic('none', secret) })),
    ...(master ? [] : [header('the user name of Basic', (secret) => ({ Authorization: basic(secret, 'none') }))]),
    header('Bearer', (secret) => ({ Authorization: `Bearer ${secret}` })),
    header('Token', (secret) => ({ Authorization: `token ${secret}` })),
    header('X-Api-Key', (secret) => ({ 'X-Api-Key': secret })),
    ...own,
    ...(onlyHeaders ? [] : parameters),
  ];
}

/** What others put into a request. */
const FOREIGN: readonly { readonly what: string; readonly headers: Headers; readonly query?: string }[] = [
  { what: 'Basic none:none', headers: { Authorization: basic('none', 'none') } },
  { what: 'Basic of a proxy', headers: { Authorization: basic('proxy', 'secretOfTheProxy') } },
  { what: 'Basic with the master secret as user', headers: { Authorization: basic('masterSecretOfTests', '') } },
  { what: 'Basic with an expired token', headers: { Authorization: basic('x', 'tokenThatEnded') } },
  { what: 'broken base64', headers: { Authorization: 'Basic !!%%!' } },
  { what: 'Basic that is not UTF-8', headers: { Authorization: 'Basic /////zr/' } },
  { what: 'Digest', headers: { Authorization: 'Digest username="x", realm="y", nonce="z"' } },
  { what: 'Negotiate', headers: { Authorization: 'Negotiate YIIJvwYGKwYBBQUCoIIJszCCCa8=' } },
  { what: 'an empty Authorization', headers: { Authorization: '' } },
  { what: 'a foreign bearer', headers: { Authorization: 'Bearer foreign' } },
  { what: 'a foreign X-Api-Key', headers: { 'X-Api-Key': 'foreign' } },
  { what: 'an empty X-Api-Key', headers: { 'X-Api-Key': '' } },
  { what: 'a foreign parameter', headers: {}, query: '&token=foreign' },
  { what: 'empty parameters', headers: {}, query: '&token=&secret=' },
  {
    what: 'Basic, X-Api-Key and a parameter',
    headers: { Authorization: basic('proxy', 'x'), 'X-Api-Key': 'foreign' },
    query: '&secret=foreign2',
  },
];

describe.each(DOORS)('$name', (door) => {
  const right = door.master ? 'masterSecretOfTests' : TOKEN;
  const options = (headers: Headers): AskOptions =>
    door.body === undefined
      ? { headers }
      : { method: 'POST', body: door.body, headers: { 'Content-Type': 'application/json', ...headers } };
  /** Whether a foreign credential would take the very place. */
  const overlaps = (place: Headers, foreign: (typeof FOREIGN)[number], target: string) =>
    Object.keys(foreign.headers).some((name) => name in place) ||
    [...new URLSearchParams(foreign.query)].some(([name]) => new RegExp(`[?&]${name}=`).test(target));

  it('takes a right credential in every place, alone and beside every foreign one', async () => {
    let tried = 0;
    for (const { where, target, headers = () => ({}) } of placesOf(door)) {
      for (const foreign of [{ what: 'nothing', headers: {} }, ...FOREIGN]) {
        const place = headers(right);
        const url = target(right);
        if (overlaps(place, foreign, url)) continue;
        tried += 1;
        const answer = await send(`${url}${foreign.query ?? ''}`, options({ ...place, ...foreign.headers }));
        expect(answer.body, `${where} beside ${foreign.what}: ${answer.status}`).toMatch(door.accepted);
      }
    }
    expect(tried).toBeGreaterThan(20);
  }, 60_000);

  it('refuses a request whose credentials are all wrong, with its own words', async () => {
    for (const { where, target, headers = () => ({}) } of placesOf(door)) {
      for (const foreign of [{ what: 'nothing', headers: {} }, ...FOREIGN]) {
        const place = headers('wrong');
        const url = target('wrong');
        if (overlaps(place, foreign, url)) continue;
        const { status, body } = await send(`${url}${foreign.query ?? ''}`, options({ ...place, ...foreign.headers }));
        expect([status, body], `${where} beside ${foreign.what}`).toEqual(door.refused);
      }
    }
  }, 60_000);

  it('never takes the master secret as a user name', async () => {
    for (const password of ['', 'x', 'masterSecretOfTest']) {
      const headers = { Authorization: basic('masterSecretOfTests', password) };
      expect((await send(door.target, options(headers))).status).toBe(door.refused[0]);
    }
  });
});

describe('acme-dns', () => {
  const update = (headers: Headers, query = '') => {
    const body = JSON.stringify({ subdomain: 'acme', txt: 'x'.repeat(43) });
    return send(`/update${query}`, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json', ...headers },
    });
  };
  const account = { 'X-Api-User': 'user1', 'X-Api-Key': ACCOUNT_KEY };

  it('/update reads X-Api-User and X-Api-Key alone', async () => {
    for (const { headers, query = '' } of FOREIGN) {
      if ('X-Api-Key' in headers) continue;
      expect((await update({ ...headers, ...account }, query.replace('&', '?'))).status, JSON.stringify(headers)).toBe(
        200,
      );
    }
    for (const other of [
      { Authorization: `Bearer ${ACCOUNT_KEY}` },
      { Authorization: basic('user1', ACCOUNT_KEY) },
      { Authorization: basic(ACCOUNT_KEY, '') },
    ]) {
      const { status, body } = await update(
        { 'X-Api-User': 'user1', 'X-Api-Key': 'wrong', ...other },
        `?token=${ACCOUNT_KEY}`,
      );
      expect([status, body]).toEqual([401, '{"error": "forbidden"}']);
    }
    for (const secret of [TOKEN, 'masterSecretOfTests']) {
      expect((await update({ ...account, 'X-Api-Key': secret })).status).toBe(401);
    }
    expect((await update({ ...account, 'X-Api-User': 'user2' })).status).toBe(401);
  });
});

describe('the place of the credential and the host', () => {
  it('a password in latin-1 is the same as in UTF-8, of Basic and of other headers', async () => {
    const target = `/nic/update?hostname=umlaut.${ZONE}&myip=192.0.2.3`;
    const utf8AsOctets = Buffer.from('pässwörtlich', 'utf8').toString('latin1');
    for (const headers of [
      { Authorization: basic('jörg', 'pässwörtlich') },
      { Authorization: basic('jörg', 'pässwörtlich', 'latin1') },
      { Authorization: basic('pässwörtlich', 'x', 'latin1') },
      { Authorization: basic('jörg', 'pässwörtlich', 'latin1').replace(/=+$/, '') },
      { Authorization: `Bearer ${utf8AsOctets}` },
      { 'X-Api-Key': utf8AsOctets },
    ] as Headers[]) {
      expect((await send(target, { headers })).body, JSON.stringify(headers)).toMatch(/^(good|nochg) 192\.0\.2\.3\n$/);
    }
  });

  it('a user name that the token covers selects the host, also behind a foreign Basic, and so does the `token` of ipv64', async () => {
    const secret = 'tokenOfSeveral';
    const requests: [string, Headers][] = [
      ['/nic/update?myip=192.0.2.4', { Authorization: basic(`b.${ZONE}`, secret) }],
      [`/nic/update?token=b.${ZONE}&ip=192.0.2.4`, { Authorization: basic('account1', secret) }],
      [`/nic/update?username=b.${ZONE}&password=${secret}&myip=192.0.2.4`, { Authorization: basic('none', 'none') }],
      [`/nic/dyndns?username=b.${ZONE}&password=${secret}&myip=192.0.2.4`, { Authorization: basic('none', 'none') }],
      ['/api/update?ipv4=192.0.2.4', { Authorization: basic(`b.${ZONE}`, secret) }],
    ];
    for (const [target, headers] of requests) {
      const { status, body } = await send(target, { headers });
      expect([status, body], target).toEqual([
        200,
        expect.stringMatching(/^(good|nochg) 192|NOERROR|^addresses unchanged/),
      ]);
    }
    // The token as user name, and nothing else: its only literal host.
    const only = { Authorization: basic(TOKEN, 'x') };
    expect((await send('/nic/update?myip=192.0.2.1', { headers: only })).body).toMatch(/^(good|nochg) 192\.0\.2\.1\n$/);
    const none = { Authorization: basic('tokenOfSeveral', 'x') };
    expect((await send('/nic/update?myip=192.0.2.4', { headers: none })).body).toBe('notfqdn\n');
  });
});

describe('guessing', () => {
  const target = `/nic/update?hostname=${HOST}&myip=192.0.2.1`;
  const bearer = (text: string) => ({ headers: { Authorization: `Bearer ${text}` } });
  const said = ({ status, body, headers }: Answer) => [status, body, headers['retry-after'] !== undefined];
  const GOOD = [200, 'nochg 192.0.2.1\n', false];
  const BAD = [401, 'badauth\n', false];
  const BUSY = [503, '911\n', true];

  beforeAll(async () => {
    await send(target, bearer(TOKEN));
  });

  /** Sends wrong ones until the budget of the source is empty. */
  async function exhaust(source: string): Promise<void> {
    for (let guess = 0; (await send(target, bearer(`wrong${guess}`), source)).status === 401; guess += 1);
  }

  it('many requests at the same time: no more than 30 guesses, then right and wrong get the same 503', async () => {
    const source = newSource();
    const startMs = performance.now();
    const wrong = Array.from({ length: 200 }, (_, guess) => send(target, bearer(`wrong${guess}`), source));
    const answers = (await Promise.all(wrong)).map(said);
    const evaluated = answers.filter(([status]) => status === 401).length;
    // One is refilled every six seconds.
    expect(evaluated).toBeLessThanOrEqual(31 + (performance.now() - startMs) / 6_000);
    expect(evaluated).toBeGreaterThanOrEqual(30);
    for (const answer of answers) expect([BAD, BUSY]).toContainEqual(answer);
    const mixed = Array.from({ length: 64 }, (_, index) =>
      send(target, bearer(index % 2 ? TOKEN : `more${index}`), source).then(said),
    );
    const late = await Promise.all(mixed);
    for (const answer of late) expect([BAD, GOOD, BUSY]).toContainEqual(answer);
    expect(late.filter(([status]) => status === 503).length).toBeGreaterThan(32);
    expect(said(await send(target, bearer(TOKEN)))).toEqual(GOOD);
  });

  it('what was right from the source goes on while its budget is empty, and nothing else does', async () => {
    const source = newSource();
    expect(said(await send(target, bearer(TOKEN), source))).toEqual(GOOD);
    await exhaust(source);
    const answers = Array.from({ length: 64 }, (_, index) =>
      send(target, bearer(index % 2 ? TOKEN : `more${index}`), source).then(said),
    );
    const settled = await Promise.all(answers);
    expect(settled.filter((_, index) => index % 2)).toEqual(Array(32).fill(GOOD));
    // Some may be refilled meanwhile: one every six seconds.
    expect(settled.filter(([status]) => status === 503).length).toBeGreaterThan(20);
    expect(said(await send(`${target}&token=${TOKEN}`, bearer('wrongAgain'), source))).toEqual(GOOD);
    expect(said(await send(target, bearer('masterSecretOfTests'), source))).toEqual(BUSY);
  });

  it("a proxy's own Basic, a router's dummy user and the second candidate of ipv64 never empty it", async () => {
    const source = newSource();
    for (let request = 0; request < 60; request += 1) {
      const proxied = { headers: { Authorization: basic('proxy', 'secretOfTheProxy') } };
      expect(said(await send(`${target}&token=${TOKEN}`, proxied, source))).toEqual(GOOD);
      const dummy = { headers: { Authorization: basic(`user${request}`, TOKEN) } };
      expect(said(await send(target, dummy, source))).toEqual(GOOD);
      expect(said(await send(`/nic/update?token=${HOST}&ip=192.0.2.1`, dummy, source))).toEqual(GOOD);
      const asUser = { headers: { Authorization: basic(TOKEN, 'none') } };
      expect(said(await send(target, asUser, source))).toEqual(GOOD);
    }
    expect(said(await send(target, bearer('wrong'), source))).toEqual(BAD);
    expect(said(await send(target, bearer('masterSecretOfTests'), source))).toEqual(GOOD);
  }, 30_000);

  it('beside a right one costs, too', async () => {
    const source = newSource();
    for (let guess = 0; guess < 40; guess += 1) {
      const headers = { Authorization: `Bearer guess${guess}` };
      expect(said(await send(`${target}&token=${TOKEN}`, { headers }, source))).toEqual(GOOD);
    }
    expect(said(await send(target, bearer('masterSecretOfTests'), source))).toEqual(BUSY);
  });

  it('survives a reload', async () => {
    const source = newSource();
    await exhaust(source);
    await server.dyndns.reload(JSON.parse(readFileSync(server.dyndns.configFile, 'utf8')));
    expect(said(await send(target, bearer('masterSecretOfTests'), source))).toEqual(BUSY);
  });

  it.each([...DOORS, { name: 'acme-dns', target: '/update', refused: [401] as const, body: '{}' }])(
    '$name: an empty budget is 503 with Retry-After, and is not asked for without a credential',
    async ({ target: door, body, refused }) => {
      const source = newSource();
      await exhaust(source);
      const headers = { Authorization: 'Bearer x', 'X-Api-Key': 'x', 'Content-Type': 'application/json' };
      const options = body === undefined ? { headers } : { method: 'POST', body, headers };
      const named = body === '{}' ? { ...options, headers: { ...headers, 'X-Api-User': 'user1' } } : options;
      const answer = await send(door, named, source);
      expect([answer.status, Number(answer.headers['retry-after'])]).toEqual([503, expect.any(Number)]);
      expect(answer.headers['retry-after']).toBeDefined();
      if (/-|token=/.test(door) || body === '{}') return;
      const without =
        body === undefined ? {} : { method: 'POST', body, headers: { 'Content-Type': 'application/json' } };
      expect((await send(door, without, source)).status).toBe(refused[0]);
    },
  );
});
