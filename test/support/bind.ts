/**
 * Starts a real BIND 9 as primary: in the foreground, on a port of 127.0.0.1, with everything in one directory.
 * No control channel, no recursion, no built-in zones; the packaged service is not touched.
 */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  keysOfZone,
  type PrimaryOptions,
  type PrimaryServer,
  startPrimary,
  writeInto,
  zoneFileText,
} from './primary-server.ts';
import { runOrThrow } from './process.ts';
import { findProgram } from './programs.ts';

/** Returns the text of named.conf. */
async function namedConf(options: PrimaryOptions, directory: string, port: number): Promise<string> {
  const keys = options.keys.map(
    (key) => `key "${key.name}" { algorithm ${key.algorithm}; secret "${key.secret}"; };\n`,
  );
  const zones = options.zones.map((zone, index) => {
    const allowed = keysOfZone(zone, options)
      .map((name) => `key "${name}";`)
      .join(' ');
    const update = options.allowUpdate === false ? 'none;' : allowed;
    return `zone "${zone.name}" {
  type primary;
  file "${directory}/zone${index}.db";
  allow-update { ${update} };
  allow-transfer { ${allowed} };
};
`;
  });
  return `${await bindOptions(directory, port)}${keys.join('')}${zones.join('')}`;
}

/**
 * Returns the options of a BIND that listens on 127.0.0.1 only, writes into its directory only, and has no control channel.
 * @param more other options
 */
export async function bindOptions(directory: string, port: number, more = 'recursion no;'): Promise<string> {
  return `options {
  directory "${directory}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  ${(await hasLockFile()) ? 'lock-file none;' : ''}
  ${more}
  empty-zones-enable no;
  dnssec-validation no;
  notify no;
};
controls { };
`;
}

/**
 * Returns the command that starts BIND. Under AppArmor (Debian, Ubuntu) the profile of /usr/sbin/named allows only
 * BIND's own directories. A profile applies to a path, so a copy of the program is not restricted.
 */
export function namedCommand(directory: string): string {
  const named = findProgram('named');
  const switchFile = '/sys/module/apparmor/parameters/enabled';
  if (named === undefined || !existsSync(switchFile) || !readFileSync(switchFile, 'utf8').startsWith('Y'))
    return 'named';
  const copy = join(directory, 'named');
  copyFileSync(named, copy);
  return copy;
}

/** Whether this is BIND 9.18, whose lock file in /run allows only one server. */
export async function hasLockFile(): Promise<boolean> {
  return (await runOrThrow('named', ['-v'])).startsWith('BIND 9.18');
}

/** Starts BIND; resolves when it answers for every zone. */
export async function startBind(options: PrimaryOptions): Promise<PrimaryServer> {
  return startPrimary(
    {
      kind: 'bind',
      command: namedCommand,
      prepare: async (directory, port) => {
        for (const [index, zone] of options.zones.entries()) {
          writeInto(directory, `zone${index}.db`, zoneFileText(zone));
        }
        const config = await namedConf(options, directory, port);
        return ['-g', '-c', writeInto(directory, 'named.conf', options.configure?.(config) ?? config)];
      },
    },
    options,
  );
}
