/**
 * Starts a real nginx with the site of deploy/nginx. Only ports and paths are mapped, and the certificate is generated.
 * The nginx.conf has the relevant parts of Debian's (gzip).
 */
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
  /** Path of the trusted certificate. */
  readonly certificate: string;
  /** Path of the access log. */
  readonly accessLog: string;
  readonly process: RunningProcess;
}

/** Containers often have no IPv6: the IPv6 listeners of the site are then removed. */
export const HAS_IPV6_LOOPBACK = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1');

/** Finds two ports that replace 80 and 443. */
export async function nginxPorts(): Promise<NginxPorts> {
  return { http: await freePort(), https: await freePort() };
}

/** Maps the listeners of deploy/nginx/dyndns.conf to loopback ports; for InstallationOptions.adapt. */
export function adaptSite(path: string, text: string, ports: NginxPorts): string {
  if (path !== 'deploy/nginx/dyndns.conf') return text;
  return text
    .replace('listen 80;', `listen 127.0.0.1:${ports.http};`)
    .replace('listen [::]:80;', HAS_IPV6_LOOPBACK ? `listen [::1]:${ports.http};` : '')
    .replace('listen 443 ssl;', `listen 127.0.0.1:${ports.https} ssl;`)
    .replace('listen [::]:443 ssl;', HAS_IPV6_LOOPBACK ? `listen [::1]:${ports.https} ssl;` : '');
}

/** Writes the files that Debian's nginx package and certbot would install. Call it before the documented commands. */
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

/** Starts nginx with the installed site; resolves when it listens. */
export async function startNginx(installation: Installation, ports: NginxPorts): Promise<NginxServer> {
  const pidFile = installation.path('/run/nginx.pid');
  const running = await startProcess({
    command: 'nginx',
    args: ['-c', installation.path('/etc/nginx/nginx.conf'), '-e', installation.path('/var/log/nginx/error.log')],
    // nginx writes its pid file after it has opened its sockets.
    ready: () => existsSync(pidFile) && readFileSync(pidFile, 'utf8').trim() !== '',
  });
  return {
    ports,
    certificate: installation.path('/etc/letsencrypt/live/dyndns.example.com/fullchain.pem'),
    accessLog: installation.path('/var/log/nginx/dyndns.access.log'),
    process: running,
  };
}
