// Starts a real BIND 9 as primary: in the foreground, on a port of 127.0.0.1, with everything in one directory.
// No control channel, no recursion, no built-in zones; the packaged service is not touched.
import {
  keysOfZone,
  type PrimaryOptions,
  type PrimaryServer,
  startPrimary,
  writeInto,
  zoneFileText,
} from './primary-server.ts';
import { runOrThrow } from './process.ts';

/** named.conf for the options. `lockFile`: BIND up to 9.18 keeps a lock in /run that would allow one server only. */
function namedConf(options: PrimaryOptions, directory: string, port: number, lockFile: boolean): string {
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
  return `options {
  directory "${directory}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  ${lockFile ? 'lock-file none;' : ''}
  recursion no;
  empty-zones-enable no;
  dnssec-validation no;
  notify no;
};
controls { };
${keys.join('')}${zones.join('')}`;
}

/** Starts BIND; resolves when it answers for every zone. */
export async function startBind(options: PrimaryOptions): Promise<PrimaryServer> {
  const lockFile = (await runOrThrow('named', ['-v'])).startsWith('BIND 9.18');
  return startPrimary(
    {
      kind: 'bind',
      command: 'named',
      prepare: async (directory, port) => {
        for (const [index, zone] of options.zones.entries()) {
          writeInto(directory, `zone${index}.db`, zoneFileText(zone));
        }
        const config = namedConf(options, directory, port, lockFile);
        return ['-g', '-c', writeInto(directory, 'named.conf', options.configure?.(config) ?? config)];
      },
    },
    options,
  );
}
