/** Starts BIND, Knot or PowerDNS as a primary on 127.0.0.1, in a fresh directory that has all of its files. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dig } from './dig.ts';
import { freePort } from './free-port.ts';
import { type RunningProcess, removeAtExit, removeNow, startProcess } from './process.ts';

export type PrimaryKind = 'bind' | 'knot' | 'powerdns';

/** A TSIG key, for a server and for nsupdate. */
export interface KeySpec {
  readonly name: string;
  /** As in RFC 8945 §6, without the final dot: hmac-sha512. */
  readonly algorithm: string;
  /** base64 */
  readonly secret: string;
}

export interface ZoneSpec {
  readonly name: string;
  /** Zone-file text. If it has no SOA, a SOA, an NS and the address of ns1 are added. */
  readonly records?: string;
  /** Names of the keys that may update and transfer this zone; default: all keys. */
  readonly keys?: readonly string[];
}

export interface PrimaryOptions {
  readonly zones: readonly ZoneSpec[];
  readonly keys: readonly KeySpec[];
  /** false: refuses UPDATE, but still allows transfers. */
  readonly allowUpdate?: boolean;
  /** Changes the text of the configuration file. */
  readonly configure?: (config: string) => string;
  /** Additional arguments of the program. */
  readonly args?: readonly string[];
}

export interface PrimaryServer {
  readonly kind: PrimaryKind;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** The directory with configuration, zones and journals; removed by stop(). */
  readonly directory: string;
  /** Id of the current process. */
  readonly pid: number;
  /** The whole log, with earlier runs. */
  log(): string;
  /** Stops the server and removes its directory. Idempotent. */
  stop(): Promise<void>;
  /** Stops the process without removing its data. @param signal SIGTERM by default; another one simulates a crash */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** Stops it if it runs, and starts it with the same port and data. */
  restart(): Promise<void>;
  /** Sends SIGSTOP: the sockets stay open, but do not answer. */
  freeze(): void;
  /** Sends SIGCONT after freeze(). */
  thaw(): void;
}

/** Returns the text of the zone file. */
export function zoneFileText(zone: ZoneSpec): string {
  const origin = zone.name.endsWith('.') ? zone.name : `${zone.name}.`;
  const records = zone.records ?? '';
  const head = `$ORIGIN ${origin}\n$TTL 300\n`;
  const apex = `@ IN SOA ns1 hostmaster 1 3600 1000 3600000 300\n@ IN NS ns1\nns1 IN A 127.0.0.1\n`;
  return `${head}${/\sSOA\s/.test(records) ? '' : apex}${records}\n`;
}

/** Returns the names of the keys that may change a zone. */
export function keysOfZone(zone: ZoneSpec, options: PrimaryOptions): readonly string[] {
  return zone.keys ?? options.keys.map((key) => key.name);
}

/** Creates a directory, which is removed when the process exits at the latest. */
export function freshDirectory(prefix: string): string {
  const directory = mkdtempSync(join(tmpdir(), `dyndns-${prefix}-`));
  removeAtExit(directory);
  return directory;
}

/** Writes a file into a directory and returns its path. */
export function writeInto(directory: string, name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

export interface PrimaryProgram {
  readonly kind: PrimaryKind;
  /** Name or path of the program. */
  readonly command: (directory: string) => string;
  /** Writes all files. @returns the arguments that start the server in the foreground */
  readonly prepare: (directory: string, port: number) => Promise<readonly string[]>;
}

/** Starts a primary; resolves when it answers authoritatively for every zone. */
export async function startPrimary(program: PrimaryProgram, options: PrimaryOptions): Promise<PrimaryServer> {
  const directory = freshDirectory(program.kind);
  const port = await freePort();
  const configured = await program.prepare(directory, port);
  const command = program.command(directory);
  const args = [...configured, ...(options.args ?? [])];
  const zoneNames = options.zones.map((zone) => zone.name);
  let earlierLog = '';
  let current: RunningProcess = await launch();

  async function launch(): Promise<RunningProcess> {
    const waiting = new Set(zoneNames);
    return startProcess({
      command,
      args,
      cwd: directory,
      ready: async () => {
        for (const name of waiting) {
          const reply = await dig({ host: '127.0.0.1', port }, [name, 'SOA', '+norecurse', '+tries=1', '+timeout=1']);
          if (reply.rcode !== 'NOERROR' || !reply.flags.includes('aa') || reply.answers.length === 0) return false;
          waiting.delete(name);
        }
        return true;
      },
    });
  }

  async function halt(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await current.stop(signal);
  }

  return {
    kind: program.kind,
    host: '127.0.0.1',
    port,
    directory,
    get pid() {
      return current.pid;
    },
    log: () => earlierLog + current.output(),
    async stop() {
      await halt();
      removeNow(directory);
    },
    halt,
    async restart() {
      await halt();
      earlierLog += current.output();
      current = await launch();
    },
    freeze: () => current.signal('SIGSTOP'),
    thaw: () => current.signal('SIGCONT'),
  };
}
