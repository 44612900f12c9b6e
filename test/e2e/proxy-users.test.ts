/** Users whom a reverse proxy names: believed from the proxy alone; a header of any other client is refused. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { type ApiLab, sendOperation, startApiLab } from '../support/api-lab.ts';
import { freePort } from '../support/free-port.ts';
import { exchangeRaw } from '../support/http-client.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';

const SECRET = 'a-secret-of-the-proxy';
const URL_OF_PAGE = 'http://127.0.0.1';
const page = { Host: '127.0.0.1', Origin: URL_OF_PAGE, 'Sec-Fetch-Site': 'same-origin' };
const proxied = { ...page, 'Remote-User': 'anna', 'X-Dyndns-Proxy-Secret': SECRET };

let lab: ApiLab;
let port: number;
let socketPath: string;
let directory: string;

beforeAll(async () => {
  port = await freePort();
  directory = freshDirectory('proxy-users');
  socketPath = join(directory, 'admin.sock');
  lab = await startApiLab({
    config: {
      http: { listen: ['127.0.0.1:0'], trusted_proxies: ['127.0.0.2'] },
      admin: {
        enabled: true,
        listen: [`unix:${socketPath}`, `127.0.0.1:${port}`],
        url: URL_OF_PAGE,
        proxy_user_header: 'Remote-User',
        proxy_secret: SECRET,
      },
    },
  });
  await lab.operate('createUser', { name: 'anna', role: 'admin' });
  await lab.operate('createUser', { name: 'dora' });
  await lab.operate('changeUser', { name: 'dora', enabled: false });
});
afterAll(async () => {
  await lab?.stop();
  removeNow(directory);
});

const me = (place: Parameters<typeof sendOperation>[0], headers: Readonly<Record<string, string>>) =>
  sendOperation(place, 'showMe', {}, undefined, { headers });
const unix = () => ({ socketPath });
const tcp = (localAddress: string) => ({ port, localAddress });

describe('a header that names a user', () => {
  it('counts from a unix socket and from a trusted proxy, with the secret', async () => {
    for (const place of [unix(), tcp('127.0.0.2')]) {
      const answer = await me(place, proxied);
      expect([answer.status, JSON.parse(answer.body)]).toMatchObject([200, { user: { name: 'anna', role: 'admin' } }]);
    }
    const upper = await me(unix(), { ...proxied, 'Remote-User': 'Anna' });
    expect(upper.status).toBe(200);
  });

  it('changes things from the pages of this server alone', async () => {
    const create = (headers: Readonly<Record<string, string>>) =>
      sendOperation(unix(), 'createMyKey', { name: 'laptop' }, undefined, { headers });
    expect((await create({ ...proxied, Origin: 'https://evil.example' })).status).toBe(403);
    const { Origin: _, ...without } = proxied;
    expect((await create(without)).status).toBe(403);
    expect((await create(proxied)).status).toBe(201);
  });

  it.each([
    ['without the secret', { 'X-Dyndns-Proxy-Secret': '' }],
    ['with a wrong secret', { 'X-Dyndns-Proxy-Secret': `${SECRET}x` }],
    ['of a user who does not exist', { 'Remote-User': 'nobody' }],
    ['of a user who is disabled', { 'Remote-User': 'dora' }],
    ['with two names', { 'Remote-User': 'anna, dora' }],
    ['that is empty', { 'Remote-User': '' }],
  ])('is refused %s, and makes no user', async (_, change) => {
    const answer = await me(unix(), { ...proxied, ...change });
    expect(answer.status).toBe(403);
    expect(answer.body).not.toContain(SECRET);
    expect((await lab.operate('listUsers', {})).users.map(({ name }) => name)).toEqual(['anna', 'dora']);
  });

  it('is refused from a peer that is not trusted, and when it is there twice', async () => {
    expect((await me(tcp('127.0.0.1'), proxied)).status).toBe(403);
    expect((await me(tcp('127.0.0.1'), { ...proxied, 'X-Forwarded-For': '127.0.0.2' })).status).toBe(403);
    const lines = [
      'GET /v1/me HTTP/1.1',
      'Host: 127.0.0.1',
      'Remote-User: anna',
      'Remote-User: dora',
      `X-Dyndns-Proxy-Secret: ${SECRET}`,
      'Connection: close',
    ];
    expect(await exchangeRaw(port, `${lines.join('\r\n')}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('has no effect next to a key, at http.listen there is no API, and without it one signs in as ever', async () => {
    const { secret } = await lab.operate('createKey', { user: 'anna', name: 'k' });
    const byKey = await sendOperation(unix(), 'showMe', {}, secret, { headers: { ...page, 'Remote-User': 'dora' } });
    expect(JSON.parse(byKey.body)).toMatchObject({ user: { name: 'anna' } });
    expect((await me({ port: lab.server.dyndns.port }, proxied)).status).toBe(404);
    expect((await me(unix(), page)).status).toBe(401);
  });
});

describe('the configuration', () => {
  const problems = (admin: string, http = '') => {
    try {
      parseConfig(
        `${http}secret: abcd1234\nstore: sqlite:x\nzones: [{name: a.example, nameserver: 192.0.2.1, tsig_key: c2VjcmV0}]\nadmin: {enabled: true, ${admin}}\n`,
        '/etc/dyndns.yml',
        {},
      );
      return '';
    } catch (error) {
      if (error instanceof ConfigError) return error.lines.join('\n');
      throw error;
    }
  };
  const USER = 'proxy_user_header: remote-user';
  const OWN = 'proxy_secret: 0123456789abcdef';
  const UNIX = 'listen: ["unix:/run/a"]';

  it.each([
    [`${USER}, ${UNIX}`, 'needs `admin.proxy_secret`'],
    [`${USER}, ${OWN}`, 'needs `admin.listen`'],
    [`${USER}, ${OWN}, listen: ["127.0.0.1:9000"]`, 'http.trusted_proxies'],
    [`${OWN}, ${UNIX}`, 'is for `admin.proxy_user_header`'],
    [`${USER}, proxy_secret: short, ${UNIX}`, 'at least 16 characters'],
    ['oidc: {issuer: https://a.example}', 'client_secret'],
    ['oidc: {issuer: https://a.example, client_id: a, client_secret: b, admin_group: c}', 'needs `admin.url`'],
    ['url: https://b.example, oidc: {issuer: https://a.example, client_id: a, client_secret: b}', 'member_group'],
  ])('with %s is refused', (admin, problem) => {
    expect(problems(admin)).toContain(problem);
  });

  it('is accepted where only the proxy can send the header', () => {
    expect(problems(`${USER}, ${OWN}, ${UNIX}`)).toBe('');
  });
});
