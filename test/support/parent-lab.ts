/**
 * A parent with a signed zone, and a resolver that validates, on loopback addresses at one port, each a real BIND: 127.0.0.1 is the root
 * and the first nameserver of example.com, 127.0.0.2 its second one, which has changes only after a NOTIFY of the test. The resolver has a
 * cache and a port of its own. 127.0.0.3 and 127.0.0.4 are the nameservers of child.example.com, which the
 * test starts.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DomainName } from '../../src/dns/name.ts';
import { type ResourceRecord, RRClass, RRType } from '../../src/dns/rdata.ts';
import { makeTsigKey } from '../../src/dns/tsig-key.ts';
import { ednsRecord } from '../../src/dns/wire/edns.ts';
import { encodeMessage, makeMessage, Opcode } from '../../src/dns/wire/message.ts';
import { NetworkParentZone } from '../../src/doctor/parent-zone.ts';
import { Nameserver } from '../../src/nameserver/nameserver.ts';
import type { NameserverZone } from '../../src/nameserver/nameserver-options.ts';
import { UdpExchanger } from '../../src/net/udp.ts';
import { hasLockFile, namedCommand } from './bind.ts';
import { dig, type ServerAddress } from './dig.ts';
import { freePort } from './free-port.ts';
import { nsupdate } from './nsupdate.ts';
import { freshDirectory, type KeySpec, writeInto } from './primary-server.ts';
import { type RunningProcess, removeNow, runProgram, startProcess, waitUntil } from './process.ts';
import { type Relay, startRelay } from './relay.ts';

export const PARENT = 'example.com';
export const CHILD = 'child.example.com';
/** Another child, with the nameservers of CHILD. */
export const SHOP = 'shop.example.com';
export const CHILD_ADDRESS = '127.0.0.3';
export const CHILD_SECONDARY = '127.0.0.4';
const FIRST = '127.0.0.1';
const SECOND = '127.0.0.2';
const KEY: KeySpec = { name: 'parent', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 9).toString('base64') };
/** Of the DS, in seconds. */
export const DS_TTL = 2;

export interface ParentLab {
  /** Of all nameservers, the one of the child included. */
  readonly port: number;
  readonly resolver: ServerAddress;
  /** The parent does what the CDS records of the child want (RFC 7344 §4), at its first nameserver. */
  takeCds(): Promise<void>;
  /** Puts a DS there in place of all others. @param ds in presentation form; none: removes them @param zone default: CHILD */
  putDs(ds: readonly string[], zone?: string): Promise<void>;
  /** The second nameserver gets what the first one has. */
  catchUp(): Promise<void>;
  /** A query through the resolver. `secure`: with AD. */
  resolve(name: string, type: number): Promise<{ readonly rcode: number; readonly secure: boolean }>;
  /** The output of delv for a name, with the trust anchor of the parent. */
  delv(name: string, type: string): Promise<string>;
  stop(): Promise<void>;
}

export interface ParentLabOptions {
  /** The port of 127.0.0.1 of the secondary of the child, which is at 127.0.0.4 for others. */
  readonly secondaryPort: number;
  /** The port of 127.0.0.1 where the parent wants NOTIFY(CDS), by a DSYNC record. */
  readonly notifyPort?: number;
}

export async function openParentLab({ secondaryPort, notifyPort }: ParentLabOptions): Promise<ParentLab> {
  const port = await freePort();
  const directory = freshDirectory('parent');
  const running: RunningProcess[] = [];
  const relays: Relay[] = [];
  const lockFile = (await hasLockFile()) ? 'lock-file none;' : '';

  async function start(ownPort: number, options: string, rest: string): Promise<void> {
    const own = mkdtempSync(join(directory, 'named-'));
    const config = `options {
  directory "${own}";
  port ${port};
  listen-on port ${ownPort} { ${FIRST}; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  managed-keys-directory "${own}";
  ${lockFile}
  empty-zones-enable no;
  notify no;
  ${options}
};
controls { };
${rest}`;
    running.push(
      await startProcess({
        command: namedCommand(own),
        args: ['-g', '-c', writeInto(own, 'named.conf', config)],
        cwd: own,
        ready: async () => {
          const reply = await dig({ host: FIRST, port: ownPort }, [PARENT, 'SOA', '+tries=1', '+timeout=2']);
          return reply.rcode === 'NOERROR' && reply.answers.length > 0;
        },
      }),
    );
  }

  const stop = async () => {
    await Promise.all(relays.map((relay) => relay.close()));
    await Promise.all(running.map((each) => each.stop()));
    removeNow(directory);
  };
  try {
    const root = writeInto(
      directory,
      'root.db',
      `$TTL 300\n@ SOA ns. h. 1 3600 1000 3600000 1\n@ NS ns.\nns. A ${FIRST}\nexample.com. NS ns1.example.com.\nexample.com. NS ns2.example.com.\nns1.example.com. A ${FIRST}\nns2.example.com. A ${SECOND}\n`,
    );
    const target = notifyPort
      ? `_dsync TYPE66 \\# 25 003b01${notifyPort.toString(16).padStart(4, '0')}066e6f74696679076578616d706c6503636f6d00\nnotify A 127.0.0.1\n`
      : '';
    const text = `$TTL 300
@ SOA ns1 h 1 3600 1000 3600000 1
@ NS ns1
@ NS ns2
ns1 A ${FIRST}
ns2 A ${SECOND}
child NS ns1.child
child NS ns2.child
shop NS ns1.child
shop NS ns2.child
ns1.child A ${CHILD_ADDRESS}
ns2.child A ${CHILD_SECONDARY}
${target}`;
    const parentFile = writeInto(directory, 'parent.db', text);
    const key = `key "${KEY.name}" { algorithm ${KEY.algorithm}; secret "${KEY.secret}"; };\n`;
    await start(
      port,
      'recursion no; dnssec-validation no;',
      `${key}zone "." { type primary; file "${root}"; };
zone "${PARENT}" { type primary; file "${parentFile}"; allow-update { key "${KEY.name}"; }; dnssec-policy default; inline-signing no; key-directory "${directory}"; };\n`,
    );
    const first = { host: FIRST, port };
    await waitUntil('the signed parent', async () => (await dig(first, [PARENT, 'SOA', '+dnssec'])).answers.length > 1);
    const copy = join(directory, 'copy.db');
    const second = { host: FIRST, port: await freePort() };
    await start(
      second.port,
      'recursion no; dnssec-validation no;',
      `zone "${PARENT}" { type secondary; primaries port ${port} { ${FIRST}; }; file "${copy}"; min-refresh-time 3600; };\n`,
    );
    relays.push(await startRelay({ from: { host: SECOND, port }, to: second }));
    const childSecondary = { host: FIRST, port: secondaryPort };
    relays.push(await startRelay({ from: { host: CHILD_SECONDARY, port }, to: childSecondary }));
    const [dnskey = ''] = (await dig(first, [PARENT, 'DNSKEY'])).short;
    const [flags, protocol, algorithm, ...publicKey] = dnskey.split(' ');
    const anchors = `trust-anchors { ${PARENT}. static-key ${flags} ${protocol} ${algorithm} "${publicKey.join('')}"; };\n`;
    const anchor = join(directory, 'anchor');
    writeFileSync(anchor, anchors);
    const hint = writeInto(directory, 'hint.db', `. 300 NS ns.\nns. 300 A ${FIRST}\n`);
    const resolver = { host: FIRST, port: await freePort() };
    await start(
      resolver.port,
      'recursion yes; allow-recursion { any; }; dnssec-validation yes; servfail-ttl 0; minimal-responses no;',
      `${anchors}zone "." { type hint; file "${hint}"; };\n`,
    );
    const exchanger = new UdpExchanger(resolver);
    const dsOf = async (server: ServerAddress) => {
      const replies = await Promise.all([CHILD, SHOP].map((zone) => dig(server, [zone, 'DS', '+norecurse'])));
      return replies.map(({ short }) => short.toSorted().join()).join();
    };
    const putDs = async (ds: readonly string[], zone = CHILD) => {
      const lines = [`update delete ${zone} DS`, ...ds.map((each) => `update add ${zone} ${DS_TTL} DS ${each}`)];
      const { code, stderr } = await nsupdate(first, KEY, PARENT, lines);
      if (code !== 0) throw new Error(stderr);
    };
    return {
      port,
      resolver,
      putDs,
      takeCds: async () => {
        const cds = (await dig({ host: CHILD_ADDRESS, port }, [CHILD, 'CDS'])).short;
        await putDs(cds.filter((each) => !each.startsWith('0 0 0')));
      },
      catchUp: async () => {
        const notify = new UdpExchanger(second);
        const questions = [{ qname: DomainName.parse(PARENT), qtype: RRType.SOA, qclass: RRClass.IN }];
        const message = makeMessage({ opcode: Opcode.NOTIFY, authoritative: true, questions });
        await waitUntil('the second nameserver of the parent', async () => {
          await notify.exchange((id) => encodeMessage({ ...message, id }), performance.now() + 2_000);
          return (await dsOf(first)) === (await dsOf(second));
        });
        notify.close();
      },
      resolve: async (name, type) => {
        const message = makeMessage({
          questions: [{ qname: DomainName.parse(name), qtype: type, qclass: RRClass.IN }],
          recursionDesired: true,
          authenticData: true,
          additional: [ednsRecord({ dnssecOk: true })],
        });
        const reply = await exchanger.exchange((id) => encodeMessage({ ...message, id }), performance.now() + 15_000);
        return { rcode: reply.message.rcode, secure: reply.message.authenticData };
      },
      delv: async (name, type) => {
        const at = [`@${FIRST}`, '-p', `${resolver.port}`, '-a', anchor, `+root=${PARENT}`];
        const { stdout, stderr } = await runProgram('delv', [...at, name, type]);
        return stderr + stdout;
      },
      stop: async () => {
        exchanger.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Of data and keys of the zones below the parent, in seconds. */
export const CHILD_TTL = 2;

export interface ChildNameserverOptions {
  readonly parent: ParentLab;
  readonly database: string;
  readonly zones: readonly NameserverZone[];
  /** A port of 127.0.0.1 where it listens, besides CHILD_ADDRESS. */
  readonly port: number;
  readonly onWarning: (text: string) => void;
}

/** The key of CHILD, for updates and transfers. */
export const CHILD_KEY: KeySpec = {
  name: CHILD,
  algorithm: 'hmac-sha256',
  secret: Buffer.alloc(32, 7).toString('base64'),
};

export interface ChildZone {
  readonly apex: string;
  readonly ns: readonly string[];
  readonly chain: 'nsec' | 'nsec3';
  /** Names below the apex with their address. */
  readonly hosts: readonly (readonly [label: string, address: string])[];
  /** The port of 127.0.0.1 of a secondary. */
  readonly secondaryPort?: number;
}

/** A signed zone of `openChildNameserver`. */
export function childZone({ apex: name, ns, chain, hosts, secondaryPort }: ChildZone): NameserverZone {
  const apex = DomainName.parse(name);
  const keyName = DomainName.parse(CHILD);
  const tsig = makeTsigKey(keyName, 'hmac-sha256', Buffer.from(CHILD_KEY.secret, 'base64'));
  const records = hosts.map(([label, address]): ResourceRecord => {
    const ownerName = DomainName.parse(label, apex);
    return { ownerName, type: RRType.A, class: RRClass.IN, ttl: CHILD_TTL, rdata: { kind: 'A', address } };
  });
  return {
    content: {
      ...{ apex, records, ns: ns.map((each) => DomainName.parse(each)), nsTtl: CHILD_TTL },
      contact: apex.prepend('hostmaster'),
      soa: { refresh: 3600, retry: 600, expire: 1_209_600, minimum: CHILD_TTL, ttl: CHILD_TTL },
    },
    dnssec: { algorithm: 13, validityDays: 30, chain },
    keys: [{ keyName, tsig, mayUpdate: true, mayTransfer: true }],
    secondaries:
      secondaryPort === undefined
        ? []
        : [{ address: '127.0.0.1', port: secondaryPort, key: tsig, notify: true, poll: true }],
    rules: { apex, addresses: { allow: [], deny: [] }, ttl: {} },
  };
}

/** Our nameserver at CHILD_ADDRESS, which changes keys fast. */
export async function openChildNameserver(options: ChildNameserverOptions): Promise<Nameserver> {
  const { parent, database, zones, port, onWarning } = options;
  const nameserver = await Nameserver.open({
    database,
    settings: {
      zones,
      ...{ limiter: undefined, nsid: undefined, chaosVersion: undefined, timeoutMs: 5_000 },
      limits: { recordsPerRRset: 100, typesPerName: 100 },
    },
    cookieKey: Buffer.alloc(16),
    applyUpdate: () => Promise.reject(new Error('no UPDATE here')),
    onBatch: () => undefined,
    onUpdate: () => undefined,
    onWarning,
    parent: new NetworkParentZone({ resolvers: [parent.resolver], nameserverPort: parent.port }),
    keyPace: { tickMs: 100, pollSeconds: 1, slowestPollSeconds: 1, unseenDsTtl: 5, keyTtl: CHILD_TTL },
  });
  const listen = [
    { host: CHILD_ADDRESS, port: parent.port },
    { host: '127.0.0.1', port },
  ];
  await nameserver.listen(listen, false);
  return nameserver;
}
