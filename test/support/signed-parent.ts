/** BIND on 127.0.0.1 as the root, the resolver and the signed zone example.com; and copies of zones that it serves elsewhere. */
import { join } from 'node:path';
import { bindOptions, namedCommand } from './bind.ts';
import { dig } from './dig.ts';
import { freshDirectory, writeInto } from './primary-server.ts';
import { type RunningProcess, removeNow, runOrThrow, startProcess } from './process.ts';

export interface BindZone {
  readonly name: string;
  /** A zone file. */
  readonly text: string;
}

export interface RunningZones {
  stop(): Promise<void>;
}

/** Serves zones from their files. */
export async function serveZones(
  port: number,
  zones: readonly BindZone[],
  { recursion = false }: { readonly recursion?: boolean } = {},
): Promise<RunningZones> {
  const directory = freshDirectory('zones');
  const clauses = zones.map(({ name, text }, at) => {
    writeInto(directory, `${at}.db`, text);
    return `zone "${name}" { type primary; file "${at}.db"; check-names ignore; };`;
  });
  const file = writeInto(
    directory,
    'named.conf',
    `${await bindOptions(directory, port, `recursion ${recursion ? 'yes' : 'no'}; allow-query { any; };`)}${clauses.join('\n')}
`,
  );
  let server: RunningProcess | undefined;
  const stop = async () => {
    await server?.stop();
    removeNow(directory);
  };
  try {
    server = await startProcess({
      command: namedCommand(directory),
      args: ['-g', '-c', file],
      cwd: directory,
      ready: async () => {
        const question = [zones.at(-1)!.name, 'SOA', '+norecurse', '+tries=1', '+timeout=1'];
        const { rcode, answers } = await dig({ host: '127.0.0.1', port }, question);
        return rcode === 'NOERROR' && answers.length > 0;
      },
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

/** Times as of dnssec-signzone, like `20200101000000` or `now+7200`. */
export interface SigningTimes {
  readonly start: string;
  readonly end: string;
}

/** Signs a zone file, with a new key or with one of the files of BIND. @param keyFile path without `.key` and `.private` */
export async function signZone({ name, text }: BindZone, times?: SigningTimes, keyFile?: string): Promise<BindZone> {
  const directory = freshDirectory('sign');
  try {
    const zoneFile = writeInto(directory, 'zone.db', text);
    const generate = ['-q', '-a', 'ECDSAP256SHA256', '-f', 'KSK', '-K', directory, name];
    const key = keyFile ?? join(directory, (await runOrThrow('dnssec-keygen', generate)).trim());
    const period = times === undefined ? [] : ['-s', times.start, '-e', times.end];
    // -P: without the checks, which refuse a zone whose signatures have expired.
    const common = ['-q', '-P', '-z', '-o', name, '-f', '-', '-d', directory];
    const keyRecord = await runOrThrow('cat', [`${key}.key`]);
    writeInto(directory, 'zone.db', `${text}${keyRecord}`);
    return { name, text: await runOrThrow('dnssec-signzone', [...common, ...period, zoneFile, key]) };
  } finally {
    removeNow(directory);
  }
}
