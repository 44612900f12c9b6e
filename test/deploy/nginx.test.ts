/**
 * deploy/nginx in a real nginx, in front of a small HTTP server that records what reaches dyndns. The replies of dyndns
 * through nginx, up to a change in BIND, are in nginx-e2e.test.ts.
 */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installation, makeInstallation, REPOSITORY } from '../support/installation.ts';
import {
  adaptSite,
  HAS_IPV6_LOOPBACK,
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

const SECRET = 'k7Rz0secretQ4';

interface Reply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

interface Seen {
  readonly url: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

describeWith(NGINX_PROGRAMS, 'the nginx site', () => {
  const directory = freshDirectory('nginx');
  let installation: Installation;
  let ports: NginxPorts;
  let nginx: NginxServer;
  let backend: Server | undefined;
  let seen: Seen[] = [];

  function listenAsDyndns(): Promise<void> {
    const socket = installation.path('/run/dyndns/http.sock');
    rmSync(socket, { force: true });
    const server = createServer((request, response) => {
      seen.push({ url: request.url ?? '', headers: request.headers });
      response.setHeader('Content-Type', 'text/html');
      response.end('good 192.0.2.1\n'.repeat(100));
    });
    backend = server;
    return new Promise((resolve) => {
      server.listen(socket, () => resolve());
    });
  }

  /** One request with curl, to https unless the URL begins with http:. */
  async function curl(url: string, ...args: readonly string[]): Promise<Reply> {
    const { code, stdout, stderr } = await runProgram('curl', [
      ...['--silent', '--show-error', '--include', '--path-as-is', '--max-time', '5', '--cacert', nginx.certificate],
      ...['--connect-to', `dyndns.example.com:443:127.0.0.1:${ports.https}`],
      ...['--connect-to', `dyndns.example.com:80:127.0.0.1:${ports.http}`],
      ...args,
      url,
    ]);
    expect(code, stderr).toBe(0);
    const [head = '', ...rest] = stdout.split('\r\n\r\n');
    const lines = head.split('\r\n');
    const headers = new Map(
      lines.slice(1).map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
    );
    return { status: Number(lines[0]?.split(' ')[1]), headers, body: rest.join('\r\n\r\n') };
  }

  beforeAll(async () => {
    ports = await nginxPorts();
    installation = makeInstallation({ directory, dnsPort: 53, adapt: (path, text) => adaptSite(path, text, ports) });
    await prepareNginx(installation);
    const { code, stderr } = await installation.runBlocks('docs/operating/debian-bind.md', 'site');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('test is successful');
    expect(stderr).not.toContain('[warn]');
    await listenAsDyndns();
    nginx = await startNginx(installation, ports);
  }, 30_000);

  afterAll(async () => {
    await nginx?.process.stop();
    backend?.closeAllConnections();
    backend?.close();
    removeNow(directory);
  });

  it('passes a request over TLS to the socket, its URL unchanged', async () => {
    seen = [];
    const url = `/update-by-query?fqdn=home.dyndns.example.com&ipv6=2001%3adb8%3A%3a1&x=%2F//y`;
    expect((await curl(`https://dyndns.example.com${url}`)).status).toBe(200);
    expect(seen.map((request) => request.url)).toEqual([url]);
  });

  it('sets the address of the client and drops address headers of the client', async () => {
    seen = [];
    const claims = ['-H', 'X-Forwarded-For: 198.51.100.1', '-H', 'Forwarded: for=198.51.100.2'];
    await curl('https://dyndns.example.com/myip', ...claims);
    await curl('http://dyndns.example.com/myip', ...claims);
    expect(seen.map((request) => request.headers['x-forwarded-for'])).toEqual(['127.0.0.1', '127.0.0.1']);
    expect(seen.map((request) => request.headers['forwarded'])).toEqual([undefined, undefined]);
  });

  it.skipIf(!HAS_IPV6_LOOPBACK)('answers on IPv6 with and without TLS', async () => {
    const toIpv6 = [
      '--resolve',
      `dyndns.example.com:${ports.https}:[::1]`,
      '--resolve',
      `dyndns.example.com:${ports.http}:[::1]`,
    ];
    seen = [];
    await curl(`https://dyndns.example.com:${ports.https}/myip`, ...toIpv6);
    await curl(`http://dyndns.example.com:${ports.http}/myip`, ...toIpv6);
    expect(seen.map((request) => request.headers['x-forwarded-for'])).toEqual(['::1', '::1']);
  });

  it('redirects port 80 to https', async () => {
    seen = [];
    for (const path of ['/', '/check', '/dashboard?x=1', '/other.example/nic/update']) {
      const reply = await curl(`http://dyndns.example.com${path}`);
      expect(reply.status).toBe(301);
      expect(reply.headers.get('location')).toBe(`https://dyndns.example.com${path}`);
    }
    expect(seen).toEqual([]);
  });

  it.each([
    `/update-by-path/${SECRET}/home.dyndns.example.com`,
    `/update-by-query?secret=${SECRET}&fqdn=home.dyndns.example.com`,
    `/delete-by-path/${SECRET}/home.dyndns.example.com`,
    '/nic/update?hostname=home.dyndns.example.com&myip=192.0.2.1',
    '//nic/update?hostname=home.dyndns.example.com',
    '/\\/nic/update?hostname=home.dyndns.example.com',
    '/v3/update?hostname=home.dyndns.example.com',
    `/update?domains=home&token=${SECRET}`,
    `/update/home/${SECRET}/192.0.2.1`,
    `/api/update?hostname=home.dyndns.example.com&token=${SECRET}`,
    `/dynamic/update.php?${SECRET}`,
    `/u/${SECRET}/`,
    '/myip',
    '/ip',
    '/nic/checkip.html',
    '/nic%2Fupdate?hostname=home.dyndns.example.com',
    '/%2Fnic%2fupdate?hostname=home.dyndns.example.com',
    '/myip%2F',
    '//dyndns.example.com/nic/update?hostname=home.dyndns.example.com',
    '//dyndns.example.com:8245/nic/update?hostname=home.dyndns.example.com',
    '/nic/update??hostname=home.dyndns.example.com?myip=192.0.2.1',
    '/?hostname=home.dyndns.example.com&myip=192.0.2.1',
    '//?hostname=home.dyndns.example.com',
  ])('does not redirect %s, for clients that cannot follow', async (path) => {
    seen = [];
    expect((await curl(`http://dyndns.example.com${path}`)).status).toBe(200);
    expect(seen.map((request) => request.url)).toEqual([path]);
  });

  it.each([
    '/v1',
    '/v1/hosts',
    '//v1/hosts',
    '/v1%2fhosts',
    '/%76%31/hosts',
    '/api/v1/servers/localhost/zones',
    '//api//v1/servers',
    '/api/v1',
    '/api/v1/update/../servers',
    '/api/../v1/hosts',
    '/myip/../api/v1/servers/localhost',
    '/dyndns.example.com/v1/hosts',
    '/\\/api/v1/servers',
  ])('does not pass %s without TLS', async (path) => {
    seen = [];
    expect((await curl(`http://dyndns.example.com${path}`, '-H', `X-API-Key: ${SECRET}`)).status).toBe(403);
    expect(seen).toEqual([]);
  });

  it('redirects the dashboard to https, and passes the update path below /api/v1', async () => {
    seen = [];
    expect((await curl('http://dyndns.example.com/ui/')).status).toBe(301);
    expect(seen).toEqual([]);
    const update = '/api/v1/update?hostname=home.dyndns.example.com';
    expect((await curl(`http://dyndns.example.com${update}`)).status).toBe(200);
    expect(seen.map(({ url }) => url)).toEqual([update]);
  });

  it.each([
    ['/nic/update', 64 * 1024],
    ['/v1/hosts:batch', 2 * 1024 * 1024],
    ['/api/v1/servers/localhost/zones/dyndns.example.com.', 2 * 1024 * 1024],
    ['/v1/zones/dyndns.example.com/import', 64 * 1024 * 1024],
  ])('passes a body to %s of up to %i octets', async (path, most) => {
    const send = (octets: number) => {
      installation.write('/var/tmp/body', 'x'.repeat(octets));
      const file = `@${installation.path('/var/tmp/body')}`;
      return curl(`https://dyndns.example.com${path}`, '-X', 'POST', '-H', 'Expect:', '--data-binary', file);
    };
    expect((await send(most)).status).toBe(200);
    seen = [];
    expect((await send(most + 1)).status).toBe(413);
    expect(seen).toEqual([]);
  });

  it('preserves Content-Length: no chunks, no gzip', async () => {
    for (const scheme of ['http', 'https']) {
      const { headers } = await curl(`${scheme}://dyndns.example.com/checkip`, '-H', 'Accept-Encoding: gzip');
      expect(headers.get('content-length')).toBe('1500');
      expect(headers.has('transfer-encoding')).toBe(false);
      expect(headers.has('content-encoding')).toBe(false);
    }
  });

  it('serves the challenge for the certificate from /var/www/html on port 80', async () => {
    installation.write('/var/www/html/.well-known/acme-challenge/token', 'proof');
    expect((await curl('http://dyndns.example.com/.well-known/acme-challenge/token')).body).toBe('proof');
  });

  it('answers 503 and 911 while dyndns is down, and passes requests again when it is up', async () => {
    backend?.closeAllConnections();
    await new Promise((resolve) => backend?.close(resolve));
    for (const scheme of ['http', 'https']) {
      const reply = await curl(`${scheme}://dyndns.example.com/update-by-path/${SECRET}/home.dyndns.example.com`);
      expect(reply.status).toBe(503);
      expect(reply.body).toBe('911\n');
      expect(reply.headers.get('retry-after')).toBe('60');
    }
    await listenAsDyndns();
    expect((await curl('https://dyndns.example.com/myip')).status).toBe(200);
  });

  it('writes routes to its log and no secret to any file', async () => {
    await curl(`https://dyndns.example.com/update-by-path/${SECRET}/home.dyndns.example.com`);
    await curl(`https://dyndns.example.com/Update-By-Path/${SECRET}/home.dyndns.example.com`);
    await curl(`https://dyndns.example.com/nic/update?password=${SECRET}`);
    const log = readFileSync(nginx.accessLog, 'utf8');
    expect(log).toMatch(/^127\.0\.0\.1 \[\S+\] "GET \/update-by-path\/" 200 /m);
    expect(log).toContain('"GET /nic/update" 200');
    expect(log).toContain('"GET (other)" 200');
    for (const file of filesBelow(directory).filter(
      (path) => !path.includes('/usr/local/') && !path.endsWith('.sock'),
    )) {
      expect(readFileSync(file, 'utf8'), file).not.toContain(SECRET);
    }
    expect(nginx.process.output()).not.toContain(SECRET);
  });
});

it('the proxy settings of several servers are those of one, except for what is retried', () => {
  const settingsOf = (name: string) =>
    readFileSync(join(REPOSITORY, 'deploy/nginx', name), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
  const [one, several] = [settingsOf('dyndns-proxy.conf'), settingsOf('dyndns-proxy-several.conf')];
  const isAboutRetries = (line: string) => /^proxy_(next_upstream|connect_timeout)/.test(line);
  expect(several.filter((line) => !isAboutRetries(line))).toEqual(one.filter((line) => !isAboutRetries(line)));
  // POST is repeated with `non_idempotent` alone; replies with `http_…`.
  expect(several.filter(isAboutRetries)).toEqual([
    'proxy_next_upstream error timeout;',
    'proxy_next_upstream_timeout 4s;',
    'proxy_connect_timeout 1s;',
  ]);
});
