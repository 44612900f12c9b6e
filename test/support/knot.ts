/** Starts a real Knot DNS 3 as primary: in the foreground, on a port of 127.0.0.1, with everything in one directory. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  keysOfZone,
  type PrimaryOptions,
  type PrimaryServer,
  startPrimary,
  writeInto,
  zoneFileText,
} from './primary-server.ts';

function knotConf(options: PrimaryOptions, directory: string, port: number): string {
  const actions = options.allowUpdate === false ? '[transfer]' : '[update, transfer]';
  const keys = options.keys.map(
    (key) => `  - id: ${key.name}\n    algorithm: ${key.algorithm}\n    secret: ${key.secret}\n`,
  );
  const acls = options.zones.map(
    (zone, index) =>
      `  - id: acl${index}\n    key: [${keysOfZone(zone, options).join(', ')}]\n    action: ${actions}\n`,
  );
  const zones = options.zones.map(
    (zone, index) => `  - domain: ${zone.name}\n    file: zone${index}.db\n    acl: acl${index}\n`,
  );
  return `server:
    rundir: ${directory}
    listen: 127.0.0.1@${port}
log:
  - target: stderr
    any: info
database:
    storage: ${directory}/databases
key:
${keys.join('')}acl:
${acls.join('')}template:
  - id: default
    storage: ${directory}
zone:
${zones.join('')}`;
}

/** Starts Knot DNS; resolves when it answers for every zone. */
export function startKnot(options: PrimaryOptions): Promise<PrimaryServer> {
  return startPrimary(
    {
      kind: 'knot',
      command: () => 'knotd',
      prepare: async (directory, port) => {
        // Knot does not create the directory of its databases; without it every UPDATE is answered with SERVFAIL.
        mkdirSync(join(directory, 'databases'));
        for (const [index, zone] of options.zones.entries()) {
          writeInto(directory, `zone${index}.db`, zoneFileText(zone));
        }
        const config = knotConf(options, directory, port);
        return ['-c', writeInto(directory, 'knot.conf', options.configure?.(config) ?? config)];
      },
    },
    options,
  );
}
