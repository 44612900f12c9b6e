// The real lego: orders certificates by DNS-01, through signed DNS UPDATE or one of its providers that speak HTTP.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerAddress } from './dig.ts';
import type { Pebble } from './pebble.ts';
import { freshDirectory, type KeySpec } from './primary-server.ts';
import { removeNow, runOrThrow } from './process.ts';
import type { RequiredProgram } from './require-server.ts';

export const LEGO_PROGRAMS: readonly RequiredProgram[] = [{ command: 'lego', debianPackage: 'lego' }];

export interface LegoOrder {
  /** Where it looks names up. */
  readonly resolver: ServerAddress;
  readonly pebble: Pebble;
  /** The first is no wildcard. */
  readonly names: readonly string[];
  readonly provider: 'rfc2136' | 'httpreq' | 'acme-dns';
  /** Settings of the provider. */
  readonly env: Readonly<Record<string, string>>;
}

/** Orders one certificate for all names; gives its PEM text. */
export async function orderWithLego({ resolver, pebble, names, provider, env }: LegoOrder): Promise<string> {
  const directory = freshDirectory('lego');
  try {
    // Its own look at all nameservers of the zone is left out: it would ask them on port 53.
    const dns = ['--dns', provider, '--dns.resolvers', `${resolver.host}:${resolver.port}`, '--dns.disable-cp'];
    const account = ['--accept-tos', '--email', 'hostmaster@example.com', '--path', directory];
    const order = ['--server', pebble.directoryUrl, ...names.flatMap((name) => ['--domains', name])];
    await runOrThrow('lego', [...order, ...account, ...dns, 'run'], {
      cwd: directory,
      // It looks at each order again after pauses of its own, up to ten seconds long.
      timeoutMs: 80_000,
      env: { ...process.env, LEGO_CA_CERTIFICATES: pebble.caFile, ...env },
    });
    return readFileSync(join(directory, 'certificates', `${names[0]}.crt`), 'utf8');
  } finally {
    removeNow(directory);
  }
}

/** Through the provider rfc2136. */
export function legoCertificate(
  server: ServerAddress,
  key: KeySpec,
  pebble: Pebble,
  names: readonly string[],
): Promise<string> {
  const env = {
    RFC2136_NAMESERVER: `${server.host}:${server.port}`,
    RFC2136_TSIG_KEY: key.name,
    RFC2136_TSIG_SECRET: key.secret,
    RFC2136_TSIG_ALGORITHM: `${key.algorithm}.`,
    RFC2136_POLLING_INTERVAL: '1',
    RFC2136_SEQUENCE_INTERVAL: '1',
  };
  return orderWithLego({ resolver: server, pebble, names, provider: 'rfc2136', env });
}
