/** Runs the real lego with its provider rfc2136: orders a certificate by DNS-01 through signed DNS UPDATE. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerAddress } from './dig.ts';
import type { Pebble } from './pebble.ts';
import { freshDirectory, type KeySpec } from './primary-server.ts';
import { removeNow, runOrThrow } from './process.ts';
import type { RequiredProgram } from './programs.ts';

export const LEGO_PROGRAMS: readonly RequiredProgram[] = [{ command: 'lego', debianPackage: 'lego' }];

/** Orders one certificate for all names, of which the first is not a wildcard. @returns its PEM text */
export async function legoCertificate(
  server: ServerAddress,
  key: KeySpec,
  pebble: Pebble,
  names: readonly string[],
): Promise<string> {
  const directory = freshDirectory('lego');
  const address = `${server.host}:${server.port}`;
  try {
    // Disables its own propagation check, which queries all nameservers of the zone on port 53.
    const dns = ['--dns', 'rfc2136', '--dns.resolvers', address, '--dns.disable-cp'];
    const account = ['--accept-tos', '--email', 'hostmaster@example.com', '--path', directory];
    const order = ['--server', pebble.directoryUrl, ...names.flatMap((name) => ['--domains', name])];
    await runOrThrow('lego', [...order, ...account, ...dns, 'run'], {
      cwd: directory,
      // It polls each order at intervals of up to ten seconds.
      timeoutMs: 80_000,
      env: {
        ...process.env,
        LEGO_CA_CERTIFICATES: pebble.caFile,
        RFC2136_NAMESERVER: address,
        RFC2136_TSIG_KEY: key.name,
        RFC2136_TSIG_SECRET: key.secret,
        RFC2136_TSIG_ALGORITHM: `${key.algorithm}.`,
        RFC2136_POLLING_INTERVAL: '1',
        RFC2136_SEQUENCE_INTERVAL: '1',
      },
    });
    return readFileSync(join(directory, 'certificates', `${names[0]}.crt`), 'utf8');
  } finally {
    removeNow(directory);
  }
}
