/**
 * Starts a real PowerDNS Authoritative Server 4 with the gsqlite3 backend as primary, with everything in one directory.
 * Zones, keys and permissions are created with pdnsutil, as an operator does.
 */
import { readFileSync } from 'node:fs';
import {
  keysOfZone,
  type PrimaryOptions,
  type PrimaryServer,
  startPrimary,
  writeInto,
  zoneFileText,
} from './primary-server.ts';
import { runOrThrow } from './process.ts';
import { POWERDNS_SCHEMA } from './programs.ts';

/**
 * Returns the text of pdns.conf, with caches disabled. A DNS UPDATE purges them, but any other change (pdnsutil, a web
 * frontend, database replication) does not: by default PowerDNS answers from its cache for up to 20 s, and 60 s for
 * nonexistent names. dyndns compares with the answers of the primary, so operators need these lines as well: otherwise
 * it may take a changed address for an unchanged one.
 */
function pdnsConf(options: PrimaryOptions, directory: string, port: number): string {
  return `launch=gsqlite3
gsqlite3-database=${directory}/pdns.sqlite3
local-address=127.0.0.1
local-port=${port}
socket-dir=${directory}
daemon=no
guardian=no
write-pid=no
disable-syslog=yes
loglevel=5
security-poll-suffix=
dnsupdate=${options.allowUpdate === false ? 'no' : 'yes'}
allow-dnsupdate-from=127.0.0.0/8
disable-axfr=no
allow-axfr-ips=
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
`;
}

async function prepare(options: PrimaryOptions, directory: string, port: number): Promise<readonly string[]> {
  const config = pdnsConf(options, directory, port);
  writeInto(directory, 'pdns.conf', options.configure?.(config) ?? config);
  await runOrThrow('sqlite3', [`${directory}/pdns.sqlite3`], { input: readFileSync(POWERDNS_SCHEMA, 'utf8') });
  const pdnsutil = (...args: string[]) => runOrThrow('pdnsutil', [`--config-dir=${directory}`, ...args]);
  for (const key of options.keys) await pdnsutil('import-tsig-key', key.name, key.algorithm, key.secret);
  for (const [index, zone] of options.zones.entries()) {
    await pdnsutil('load-zone', zone.name, writeInto(directory, `zone${index}.db`, zoneFileText(zone)));
    const keys = keysOfZone(zone, options);
    if (keys.length === 0) continue;
    await pdnsutil('set-meta', zone.name, 'TSIG-ALLOW-DNSUPDATE', ...keys);
    await pdnsutil('set-meta', zone.name, 'TSIG-ALLOW-AXFR', ...keys);
  }
  return [`--config-dir=${directory}`];
}

/** Starts PowerDNS; resolves when it answers for every zone. */
export function startPowerdns(options: PrimaryOptions): Promise<PrimaryServer> {
  return startPrimary(
    {
      kind: 'powerdns',
      command: () => 'pdns_server',
      prepare: (directory, port) => prepare(options, directory, port),
    },
    options,
  );
}
