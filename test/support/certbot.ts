/** Runs the real certbot with its plugin dns-rfc2136: orders a certificate by DNS-01 through signed DNS UPDATE. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerAddress } from './dig.ts';
import type { Pebble } from './pebble.ts';
import { freshDirectory, type KeySpec, writeInto } from './primary-server.ts';
import { removeNow, runOrThrow } from './process.ts';
import type { RequiredProgram } from './programs.ts';

export const CERTBOT_PROGRAMS: readonly RequiredProgram[] = [
  { command: 'certbot', debianPackage: 'certbot' },
  {
    command: '/usr/lib/python3/dist-packages/certbot_dns_rfc2136/__init__.py',
    debianPackage: 'python3-certbot-dns-rfc2136',
  },
];

/** Orders one certificate for all names. @returns its PEM text @throws Error with the output of certbot */
export async function certbotCertificate(
  server: ServerAddress,
  key: KeySpec,
  pebble: Pebble,
  names: readonly string[],
): Promise<string> {
  const directory = freshDirectory('certbot');
  try {
    const credentials = writeInto(
      directory,
      'rfc2136.ini',
      `dns_rfc2136_server = ${server.host}
dns_rfc2136_port = ${server.port}
dns_rfc2136_name = ${key.name}.
dns_rfc2136_secret = ${key.secret}
dns_rfc2136_algorithm = ${key.algorithm.toUpperCase()}
`,
    );
    const folders = ['config', 'work', 'logs'].flatMap((name) => [`--${name}-dir`, join(directory, name)]);
    const plugin = ['--dns-rfc2136', '--dns-rfc2136-credentials', credentials];
    const args = ['certonly', '--non-interactive', '--agree-tos', '--register-unsafely-without-email', ...folders];
    const order = ['--server', pebble.directoryUrl, '--cert-name', 'order', ...names.flatMap((name) => ['-d', name])];
    // A propagation time of 0 seconds: there is only one nameserver.
    await runOrThrow('certbot', [...args, ...plugin, '--dns-rfc2136-propagation-seconds', '0', ...order], {
      cwd: directory,
      env: { ...process.env, REQUESTS_CA_BUNDLE: pebble.caFile },
    });
    return readFileSync(join(directory, 'config/live/order/cert.pem'), 'utf8');
  } finally {
    removeNow(directory);
  }
}
