/**
 * A chain of trust from a root of our own: a BIND that serves the root, example.com and children of the zone under test, all signed by
 * dnssec-signzone, and an unbound that validates from that root alone. Every zone is reached at its own port by a stub zone.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bindOptions, namedCommand } from './bind.ts';
import { dig, type ServerAddress } from './dig.ts';
import { freePort } from './free-port.ts';
import { freshDirectory, writeInto } from './primary-server.ts';
import { type RunningProcess, removeNow, runOrThrow, startProcess } from './process.ts';
import type { RequiredProgram } from './programs.ts';

export const HIERARCHY_PROGRAMS: readonly RequiredProgram[] = [
  { command: 'named', debianPackage: 'bind9' },
  { command: 'dnssec-keygen', debianPackage: 'bind9-utils' },
  { command: 'dnssec-signzone', debianPackage: 'bind9-utils' },
  { command: 'dig', debianPackage: 'bind9-dnsutils' },
  { command: 'delv', debianPackage: 'bind9-dnsutils' },
  { command: 'unbound', debianPackage: 'unbound' },
];

export const PARENT = 'example.com';

/** A zone that BIND serves. */
export interface HierarchyZone {
  readonly name: string;
  /** Its records without SOA and NS. */
  readonly records: string;
  readonly isSigned: boolean;
}

export interface SignedHierarchyOptions {
  /** The zone under test, a child of example.com, at its primary. */
  readonly zone: string;
  readonly primary: ServerAddress;
  /** RDATA of the DS records of the zone under test. */
  readonly ds: readonly string[];
  /** Children of the zone under test. */
  readonly children: readonly HierarchyZone[];
}

export interface SignedHierarchy {
  /** The validating resolver. */
  readonly resolver: ServerAddress;
  /** The key of the root, in the form of delv. */
  readonly anchorFile: string;
  log(): string;
  stop(): Promise<void>;
}

/** Makes a key and signs with it. Returns the DS record's RDATA, and the DNSKEY record. */
async function signFile(directory: string, { name }: HierarchyZone): Promise<{ ds: string; dnskey: string }> {
  const file = fileOf({ name });
  const [base] = (await runOrThrow('dnssec-keygen', ['-q', '-K', directory, '-a', '13', '-f', 'KSK', name])).split(
    '\n',
  );
  const dnskey = readFileSync(join(directory, `${base}.key`), 'utf8').replace(/^;.*\n/gm, '');
  await runOrThrow('dnssec-signzone', [
    ...['-S', '-z', '-u', '-3', '-', '-H', '0', '-K', directory, '-d', directory],
    ...['-o', name, '-f', join(directory, `${file}.signed`), join(directory, file)],
  ]);
  const ds = await runOrThrow('dnssec-dsfromkey', ['-2', join(directory, `${base}.key`)]);
  return { ds: ds.trim().replace(/^.* DS /, ''), dnskey: dnskey.trim() };
}

const fileOf = ({ name }: Pick<HierarchyZone, 'name'>): string => (name === '.' ? 'root' : name);

function zoneText({ records }: HierarchyZone): string {
  return `$TTL 300\n@ SOA ns.invalid. hostmaster.invalid. 1 3600 1000 3600000 300\n@ NS ns.invalid.\n${records}\n`;
}

export interface MadeChild {
  readonly name: string;
  /** RDATA of its DS record; undefined for an unsigned one. */
  readonly ds: string | undefined;
}

/** Zone files of children, before the zone under test, which needs their DS records, is there. */
export async function makeChildren(children: readonly HierarchyZone[]): Promise<{
  readonly directory: string;
  readonly made: readonly MadeChild[];
}> {
  const directory = freshDirectory('hierarchy');
  const made: MadeChild[] = [];
  for (const child of children) {
    writeInto(directory, fileOf(child), zoneText(child));
    const ds = child.isSigned ? (await signFile(directory, child)).ds : undefined;
    made.push({ name: child.name, ds });
  }
  return { directory, made };
}

/** @param directory of `makeChildren` */
export async function startSignedHierarchy(
  directory: string,
  { zone, primary, ds, children }: SignedHierarchyOptions,
): Promise<SignedHierarchy> {
  const dsLines = (owner: string, rdatas: readonly string[]) =>
    rdatas.map((rdata) => `${owner}. DS ${rdata}\n`).join('');
  const parent: HierarchyZone = {
    name: PARENT,
    isSigned: true,
    records: `${zone}. NS ns.invalid.\n${dsLines(zone, ds)}www A 192.0.2.80`,
  };
  writeInto(directory, fileOf(parent), zoneText(parent));
  const { ds: parentDs } = await signFile(directory, parent);
  const root: HierarchyZone = {
    name: '.',
    isSigned: true,
    records: `ns.invalid. A 127.0.0.1\n${PARENT}. NS ns.invalid.\n${dsLines(PARENT, [parentDs])}`,
  };
  writeInto(directory, fileOf(root), zoneText(root));
  const { dnskey } = await signFile(directory, root);

  const zones = [root, parent, ...children];
  const bind = await startBindOf(directory, zones);
  const running: RunningProcess[] = [bind.process];
  try {
    const stubs = [...zones.map(({ name }) => ({ name, port: bind.port })), { name: zone, port: primary.port }];
    const unbound = await startUnbound(directory, dnskey, stubs);
    running.push(unbound.process);
    const [, , , flags, protocol, algorithm, ...key] = dnskey.split(/\s+/);
    return {
      resolver: { host: '127.0.0.1', port: unbound.port },
      anchorFile: writeInto(
        directory,
        'anchor.conf',
        `trust-anchors { . static-key ${flags} ${protocol} ${algorithm} "${key.join('')}"; };\n`,
      ),
      log: () => running.map((each) => each.output()).join('\n'),
      async stop() {
        await Promise.all(running.map((each) => each.stop()));
        removeNow(directory);
      },
    };
  } catch (error) {
    await bind.process.stop();
    throw error;
  }
}

async function startBindOf(directory: string, zones: readonly HierarchyZone[]) {
  const port = await freePort();
  const clauses = zones.map((zone) => {
    const file = join(directory, `${fileOf(zone)}${zone.isSigned ? '.signed' : ''}`);
    return `zone "${zone.name}" { type primary; file "${file}"; };\n`;
  });
  const config = `${await bindOptions(directory, port)}${clauses.join('')}`;
  const process_ = await startProcess({
    command: namedCommand(directory),
    args: ['-g', '-c', writeInto(directory, 'named.conf', config)],
    cwd: directory,
    ready: async () => (await dig({ host: '127.0.0.1', port }, [PARENT, 'SOA', '+norecurse'])).answers.length > 0,
  });
  return { port, process: process_ };
}

async function startUnbound(
  directory: string,
  dnskey: string,
  stubs: readonly { readonly name: string; readonly port: number }[],
) {
  const port = await freePort();
  // With a stub zone for the root, unbound would ask its nameservers by name, at port 53.
  const ways = stubs.map(({ name, port: at }) => {
    const kind = name === '.' ? 'forward' : 'stub';
    return `${kind}-zone:\n  name: "${name}"\n  ${kind}-addr: 127.0.0.1@${at}\n`;
  });
  const config = `server:
  interface: 127.0.0.1@${port}
  do-ip6: no
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "${directory}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  module-config: "validator iterator"
  do-not-query-localhost: no
  val-log-level: 2
  trust-anchor-file: "${writeInto(directory, 'root.key', `${dnskey}\n`)}"
remote-control:
  control-enable: no
${ways.join('')}`;
  const process_ = await startProcess({
    command: 'unbound',
    args: ['-d', '-c', writeInto(directory, 'unbound.conf', config)],
    cwd: directory,
    ready: async () => (await dig({ host: '127.0.0.1', port }, [PARENT, 'SOA'])).rcode === 'NOERROR',
  });
  return { port, process: process_ };
}
