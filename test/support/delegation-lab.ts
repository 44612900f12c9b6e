/**
 * A small DNS on loopback addresses at one port: 127.0.0.1 is the root, the parent zone example.com and the resolver;
 * 127.0.0.2 is the primary of dyn.example.com; 127.0.0.3 is its second nameserver. Each is a real BIND.
 */
import { join } from 'node:path';
import { bindOptions, namedCommand } from './bind.ts';
import { dig } from './dig.ts';
import { freePort } from './free-port.ts';
import { freshDirectory, type KeySpec, writeInto } from './primary-server.ts';
import { type RunningProcess, removeNow, startProcess } from './process.ts';
import { type Relay, startRelay } from './relay.ts';

export const LAB_ZONE = 'dyn.example.com';
export const ROOT = '127.0.0.1';
export const PRIMARY = '127.0.0.2';
export const SECONDARY = '127.0.0.3';

export interface DelegationLabOptions {
  readonly key: KeySpec;
  /** Lines of the zone example.com about LAB_ZONE, relative to example.com. */
  readonly delegation: string;
  /** Lines of LAB_ZONE besides the SOA; default: two NS records and their addresses. */
  readonly content?: string;
  /** The state of the second nameserver. */
  readonly secondary?: 'current' | 'older' | 'other' | 'newer' | 'recursive' | 'without-tcp' | 'silent';
}

export interface DelegationLab {
  /** Port of all three nameservers. */
  readonly port: number;
  stop(): Promise<void>;
}

export const DELEGATION = `dyn NS ns1.dyn
dyn NS ns2.dyn
ns1.dyn A ${PRIMARY}
ns2.dyn A ${SECONDARY}
`;

const CONTENT = `@ NS ns1
@ NS ns2
ns1 A ${PRIMARY}
ns2 A ${SECONDARY}
`;

const SERIAL = 100;

/** Starts the nameservers; resolves when each answers. */
export async function openDelegationLab(options: DelegationLabOptions): Promise<DelegationLab> {
  const port = await freePort();
  const directory = freshDirectory('delegation');
  const running: RunningProcess[] = [];
  const relays: Relay[] = [];
  const { key, secondary = 'current', content = CONTENT } = options;

  async function start(address: string, recursion: boolean, zones: string, question: string): Promise<void> {
    const ownPort = address === ROOT ? port : await freePort();
    const bind = await bindOptions(directory, ownPort, `recursion ${recursion ? 'yes' : 'no'}; allow-query { any; };`);
    const config = `${bind}key "${key.name}" { algorithm ${key.algorithm}; secret "${key.secret}"; };
${zones}`;
    const file = writeInto(directory, `${address}.conf`, config);
    running.push(
      await startProcess({
        command: namedCommand(directory),
        args: ['-g', '-c', file],
        cwd: directory,
        ready: async () => {
          const reply = await dig({ host: '127.0.0.1', port: ownPort }, [
            question,
            'SOA',
            '+norecurse',
            '+tries=1',
            '+timeout=1',
          ]);
          return reply.rcode === 'NOERROR' && reply.answers.length > 0;
        },
      }),
    );
    if (address === ROOT) return;
    const tcp = address !== SECONDARY || secondary !== 'without-tcp';
    relays.push(await startRelay({ from: { host: address, port }, to: { host: '127.0.0.1', port: ownPort }, tcp }));
  }

  const soa = (serial: number) => `$TTL 300\n@ SOA ns1 hostmaster ${serial} 3600 1000 3600000 300\n`;
  const zone = (name: string, file: string, text: string, more = '') => {
    writeInto(directory, file, text);
    return `zone "${name}" { type primary; file "${join(directory, file)}"; ${more} };\n`;
  };
  const stop = async () => {
    await Promise.all(relays.map((relay) => relay.close()));
    await Promise.all(running.map((process_) => process_.stop()));
    removeNow(directory);
  };
  try {
    const root = zone('.', 'root.db', `${soa(1)}@ NS ns.\nns. A ${ROOT}\n`);
    const parentText = `${soa(1)}@ NS ns1\nns1 A ${ROOT}\n${options.delegation}`;
    await start(ROOT, true, root + zone('example.com', 'parent.db', parentText), 'example.com');
    const allow = `allow-update { key "${key.name}"; };`;
    await start(PRIMARY, false, zone(LAB_ZONE, 'zone.db', soa(SERIAL) + content, allow), LAB_ZONE);
    if (secondary === 'silent') return { port, stop };
    const serial = SERIAL + (secondary === 'older' ? -7 : secondary === 'newer' ? 5 : 0);
    const served = secondary === 'other' ? 'other.example' : LAB_ZONE;
    const copy = zone(served, 'copy.db', soa(serial) + content);
    await start(SECONDARY, secondary === 'recursive', copy, served);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, stop };
}
