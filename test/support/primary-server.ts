// What the starters of BIND, Knot and PowerDNS have in common: options in, a running primary on 127.0.0.1 out.
// Each server gets a fresh directory of its own and touches nothing outside of it.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dig } from './dig.ts';
import { freePort } from './free-port.ts';
import { type RunningProcess, removeAtExit, removeNow, startProcess } from './process.ts';

export type PrimaryKind = 'bind' | 'knot' | 'powerdns';

/** A TSIG key as a test gives it to a server and to nsupdate. */
export interface KeySpec {
  readonly name: string;
  /** As in RFC 8945 §6, without the final dot: hmac-sha512. */
  readonly algorithm: string;
  /** base64 */
  readonly secret: string;
}

export interface ZoneSpec {
  readonly name: string;
  /** Zone-file text. Without a SOA in it, a SOA, an NS and the address of ns1 are put before it. */
  readonly records?: string;
  /** Names of the keys that may update and transfer this zone; default: all keys. */
  readonly keys?: readonly string[];
}

export interface PrimaryOptions {
  readonly zones: readonly ZoneSpec[];
  readonly keys: readonly KeySpec[];
  /** false: transfers stay allowed, UPDATE is refused. */
  readonly allowUpdate?: boolean;
  /** Last word on the configuration file: gets the text, returns the text that is used. */
  readonly configure?: (config: string) => string;
  /** More arguments of the server program. */
  readonly args?: readonly string[];
}

export interface PrimaryServer {
  readonly kind: PrimaryKind;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** The directory with configuration, zones and journals; gone after stop(). */
  readonly directory: string;
  /** Process id of the present run. */
  readonly pid: number;
  /** Everything that the server has logged, restarts included. */
  log(): string;
  /** Ends the server for good and removes its directory. Safe to call twice. */
  stop(): Promise<void>;
  /** Ends the process (SIGTERM, or the given signal for a crash); port and data are kept for restart(). */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again with the same port and data (halting it before, if it runs). */
  restart(): Promise<void>;
  /** SIGSTOP: the sockets stay open and nothing answers. */
  freeze(): void;
  /** SIGCONT after freeze(). */
  thaw(): void;
}

/** The text of a zone's file, complete. */
export function zoneFileText(zone: ZoneSpec): string {
  const origin = zone.name.endsWith('.') ? zone.name : `${zone.name}.`;
  const records = zone.records ?? '';
  const head = `$ORIGIN ${origin}\n$TTL 300\n`;
  const apex = `@ IN SOA ns1 hostmaster 1 3600 1000 3600000 300\n@ IN NS ns1\nns1 IN A 127.0.0.1\n`;
  return `${head}${/\sSOA\s/.test(records) ? '' : apex}${records}\n`;
}

/** The keys that may change a zone. */
export function keysOfZone(zone: ZoneSpec, options: PrimaryOptions): readonly string[] {
  return zone.keys ?? options.keys.map((key) => key.name);
}

/** A fresh directory; removed at the end of the process at the latest. */
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
  /** Writes all files and returns the arguments that start the server in the foreground. */
  readonly prepare: (directory: string, port: number) => Promise<readonly string[]>;
}

/** Starts a primary and resolves when it answers with authority for every zone. */
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
