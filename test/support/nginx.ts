// Starts a real nginx with the site of deploy/nginx as it is; only ports and paths are mapped, and the certificate is
// made here. What Debian's nginx.conf says around a site is kept where it matters (gzip, modern defaults).
import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { freePort } from './free-port.ts';
import type { Installation } from './installation.ts';
import { type RunningProcess, runOrThrow, startProcess } from './process.ts';
import type { RequiredProgram } from './programs.ts';

export const NGINX_PROGRAMS: readonly RequiredProgram[] = [
  { command: 'nginx', debianPackage: 'nginx' },
  { command: 'openssl', debianPackage: 'openssl' },
  { command: 'curl', debianPackage: 'curl' },
];

export interface NginxPorts {
  readonly http: number;
  readonly https: number;
}

export interface NginxServer {
  readonly ports: NginxPorts;
  /** Path of the certificate to trust. */
  readonly certificate: string;
  /** Path of the access log. */
  readonly accessLog: string;
  readonly process: RunningProcess;
}

/** Containers often have no IPv6 at all; the site's listeners of it are left out there. */
export const HAS_IPV6_LOOPBACK = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1');

/** Two ports for the site's 80 and 443. */
export async function nginxPorts(): Promise<NginxPorts> {
  return { http: await freePort(), https: await freePort() };
}

/** Maps the ports of deploy/nginx/dyndns.conf to loopback; for `adapt` of an installation. */
export function adaptSite(path: string, text: string, ports: NginxPorts): string {
  if (path !== 'deploy/nginx/dyndns.conf') return text;
  return text
    .replace('listen 80;', `listen 127.0.0.1:${ports.http};`)
    .replace('listen [::]:80;', HAS_IPV6_LOOPBACK ? `listen [::1]:${ports.http};` : '')
    .replace('listen 443 ssl;', `listen 127.0.0.1:${ports.https} ssl;`)
    .replace('listen [::]:443 ssl;', HAS_IPV6_LOOPBACK ? `listen [::1]:${ports.https} ssl;` : '');
}

/** Writes what Debian's nginx package and certbot would have brought, before the commands of the documents run. */
export async function prepareNginx(installation: Installation): Promise<void> {
  for (const directory of ['/var/log/nginx', '/var/lib/nginx', '/var/www/html', '/etc/nginx/snippets']) {
    installation.write(`${directory}/.keep`, '');
  }
  installation.write('/etc/nginx/sites-available/.keep', '');
  installation.write('/etc/nginx/sites-enabled/.keep', '');
  installation.write('/etc/letsencrypt/live/dyndns.example.com/.keep', '');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path /var/lib/nginx/${name};\n`,
  );
  installation.write(
    '/etc/nginx/nginx.conf',
    `${process.getuid?.() === 0 ? 'user root;\n' : ''}worker_processes 1;
daemon off;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log info;
events { worker_connections 256; }
http {
${temporary.join('')}  access_log /var/log/nginx/access.log;
  gzip on;
  include /etc/nginx/sites-enabled/*.conf;
}
`,
  );
  installation.write('/run/dyndns/.keep', '');
  const live = '/etc/letsencrypt/live/dyndns.example.com';
  await runOrThrow('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=dyndns.example.com', '-addext', 'subjectAltName=DNS:dyndns.example.com'],
    ...['-keyout', installation.path(`${live}/privkey.pem`), '-out', installation.path(`${live}/fullchain.pem`)],
  ]);
}

/** Starts nginx with the installed site and resolves when it listens. */
export async function startNginx(installation: Installation, ports: NginxPorts): Promise<NginxServer> {
  const pidFile = installation.path('/run/nginx.pid');
  const running = await startProcess({
    command: 'nginx',
    args: ['-c', installation.path('/etc/nginx/nginx.conf'), '-e', installation.path('/var/log/nginx/error.log')],
    // nginx writes its id after it has opened its sockets.
    ready: () => existsSync(pidFile) && readFileSync(pidFile, 'utf8').trim() !== '',
  });
  return {
    ports,
    certificate: installation.path('/etc/letsencrypt/live/dyndns.example.com/fullchain.pem'),
    accessLog: installation.path('/var/log/nginx/dyndns.access.log'),
    process: running,
  };
}
