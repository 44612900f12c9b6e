/**
 * The headers by which a proxy names a user, sent by a client to the site of deploy/nginx, where `admin.listen` is the socket that
 * nginx passes everything to: the server believes them there, and the site removes them. With both of its proxy settings.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiLab, sendOperation, startApiLab } from '../support/api-lab.ts';
import { type Installation, makeInstallation, REPOSITORY } from '../support/installation.ts';
import {
  adaptSite,
  NGINX_PROGRAMS,
  type NginxPorts,
  type NginxServer,
  nginxPorts,
  prepareNginx,
  startNginx,
} from '../support/nginx.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runProgram } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const SECRET = 'a-secret-of-the-proxy';
const NAME = 'dyndns.example.com';
const USER = 'Remote-User: alice';
const PROOF = `X-Dyndns-Proxy-Secret: ${SECRET}`;

describeWith(NGINX_PROGRAMS, 'a client of the nginx site that sends the headers of a proxy', () => {
  let directory: string;
  let installation: Installation;
  let ports: NginxPorts;
  let nginx: NginxServer;
  let lab: ApiLab;
  let socketPath: string;

  beforeAll(async () => {
    directory = freshDirectory('proxy-site');
    ports = await nginxPorts();
    installation = makeInstallation({ directory, dnsPort: 53, adapt: (path, text) => adaptSite(path, text, ports) });
    await prepareNginx(installation);
    const { code, stderr } = await installation.runBlocks('docs/operating/debian-bind.md', 'site');
    expect(code, stderr).toBe(0);
    socketPath = installation.path('/run/dyndns/http.sock');
    lab = await startApiLab({
      config: {
        admin: {
          enabled: true,
          listen: [`unix:${socketPath}`],
          url: `https://${NAME}`,
          proxy_user_header: 'Remote-User',
          proxy_secret: SECRET,
        },
      },
    });
    await lab.operate('createUser', { name: 'alice', role: 'admin' });
    nginx = await startNginx(installation, ports);
  }, 60_000);
  afterAll(async () => {
    await nginx?.process.stop();
    await lab?.stop();
    if (directory !== undefined) removeNow(directory);
  });

  /** One request with curl. @returns the status and the body */
  async function curl(scheme: 'http' | 'https', path: string, headers: readonly string[], ...more: readonly string[]) {
    const { code, stdout, stderr } = await runProgram('curl', [
      ...['--silent', '--show-error', '--path-as-is', '--max-time', '10', '--cacert', nginx.certificate],
      ...['--write-out', '\n%{http_code}'],
      ...['--connect-to', `${NAME}:443:127.0.0.1:${ports.https}`, '--connect-to', `${NAME}:80:127.0.0.1:${ports.http}`],
      ...headers.flatMap((header) => ['-H', header]),
      ...more,
      `${scheme}://${NAME}${path}`,
    ]);
    expect(code, stderr).toBe(0);
    const at = stdout.lastIndexOf('\n');
    return { status: Number(stdout.slice(at + 1)), body: stdout.slice(0, at) };
  }

  it('would be that user at the socket itself', async () => {
    const headers = { Host: NAME, 'Remote-User': 'alice', 'X-Dyndns-Proxy-Secret': SECRET };
    const answer = await sendOperation({ socketPath }, 'showMe', {}, undefined, { headers });
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([200, { user: { name: 'alice', role: 'admin' } }]);
  });

  const FORGED: readonly (readonly [string, readonly string[]])[] = [
    ['both', [USER, PROOF]],
    ['in lower case', [USER.toLowerCase(), PROOF.toLowerCase()]],
    ['twice', [USER, USER, PROOF, PROOF]],
    ['with an underscore', ['Remote_User: alice', `X_Dyndns_Proxy_Secret: ${SECRET}`]],
    ['as headers of the connection', [USER, PROOF, 'Connection: Remote-User, X-Dyndns-Proxy-Secret, keep-alive']],
    ['with a space before the colon', ['Remote-User : alice', PROOF]],
    [
      'as a trusted proxy',
      [USER, PROOF, 'X-Forwarded-For: 127.0.0.1', 'X-Forwarded-User: alice', 'X-Remote-User: alice'],
    ],
    ['from the page of the server', [USER, PROOF, `Origin: https://${NAME}`, 'Sec-Fetch-Site: same-origin']],
  ];

  for (const settings of ['dyndns-proxy.conf', 'dyndns-proxy-several.conf']) {
    it(`is no one there, with ${settings}`, { timeout: 60_000 }, async () => {
      if (settings !== 'dyndns-proxy.conf') {
        await nginx.process.stop();
        cpSync(join(REPOSITORY, 'deploy/nginx', settings), installation.path('/etc/nginx/snippets/dyndns-proxy.conf'));
        nginx = await startNginx(installation, ports);
      }
      for (const [how, headers] of FORGED) {
        for (const path of ['/v1/me', '//v1/me', '/v1/users', '/v1/zones/dyn.example.com/rrsets']) {
          const { status, body } = await curl('https', path, headers);
          // A request that is malformed, or for no route, is refused before.
          expect([how, path, [400, 401, 404].includes(status)], body).toEqual([how, path, true]);
          expect(body).not.toContain('"alice"');
        }
        const me = await curl('https', '/v1/me', headers);
        if (me.status !== 400)
          expect([how, me.status, me.body]).toEqual([how, 401, expect.stringContaining('not-authenticated')]);
        const json = ['-H', 'Content-Type: application/json', '-X', 'POST', '-d', '{"name":"stolen"}'];
        const made = await curl('https', '/v1/me/keys', headers, ...json);
        expect([how, [400, 401].includes(made.status)], made.body).toEqual([how, true]);
        const imported = await curl('https', '/v1/zones/dyn.example.com/import', headers, '-X', 'POST', '-d', '');
        expect([how, [400, 401].includes(imported.status)], imported.body).toEqual([how, true]);
        // Without TLS there is no door at all.
        expect((await curl('http', '/v1/me', headers)).status).toBe(me.status === 400 ? 400 : 403);
      }
      expect((await lab.operate('listKeys', { user: 'alice' })).keys).toEqual([]);
    });
  }

  it('gets the page and the ways to sign in, as anyone', async () => {
    expect((await curl('https', '/ui/', [USER, PROOF])).status).toBe(200);
    const { status, body } = await curl('https', '/v1/sign-in', [USER, PROOF]);
    expect([status, JSON.parse(body)]).toMatchObject([200, { hasUsers: true }]);
  });
});
