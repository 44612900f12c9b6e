/** A server that only serves streams, and records events: the real parts, on a store that is passed to it. */

import { KeyAuthenticator } from '../../src/core/access/authenticate-key.ts';
import { GuessBudget } from '../../src/core/access/guess-budget.ts';
import { tokenSha256 } from '../../src/core/access/token.ts';
import type { EventOutcome } from '../../src/core/history/history.ts';
import { HistoryRecorder } from '../../src/core/history/history-recorder.ts';
import { HostDirectory } from '../../src/core/hosts/host-directory.ts';
import { credentialChecker } from '../../src/core/sign-in/credential-checker.ts';
import type { Store } from '../../src/core/store.ts';
import { EventStreams } from '../../src/core/stream/event-streams.ts';
import type { StreamCaller } from '../../src/core/stream/reader.ts';
import { DEFAULT_QUOTAS, type UserRole } from '../../src/core/users/user.ts';
import type { IpAddress } from '../../src/dns/address.ts';
import { DomainName } from '../../src/dns/name.ts';
import { serveEventStream } from '../../src/http/api/event-stream.ts';
import type { ConnectionTimes } from '../../src/http/app/connections.ts';
import { requestListener } from '../../src/http/app/guarded-server.ts';
import { HttpListeners } from '../../src/http/app/listeners.ts';
import { timers } from '../../src/server/system-timers.ts';

export interface StreamServer {
  readonly port: number;
  readonly streams: EventStreams;
  readonly recorder: HistoryRecorder;
  readonly hosts: HostDirectory;
  readonly faults: readonly unknown[];
  record(host: string, outcome?: EventOutcome, detail?: string): void;
  /** As a server ends: the streams, then its listeners. */
  close(graceMs?: number): Promise<void>;
}

const LOOPBACK: IpAddress = { family: 4, text: '127.0.0.1' };

/** Makes a user with a key. @returns the key */
export async function createUser(store: Store, name: string, role: UserRole = 'member'): Promise<string> {
  const secret = `dyn_${name.padEnd(32, '0')}`;
  const createdMs = Date.now();
  await store.users.create({ id: name, name, role, quotas: DEFAULT_QUOTAS, createdMs });
  const key = { id: `key-${name}`, userId: name, name: 'test', sha256: tokenSha256(secret), createdMs };
  await store.users.createKey(key);
  return secret;
}

/** A request without a key is the operator's. */
export async function startStreamServer(
  store: Store,
  { isShared, times }: { isShared: boolean; times?: Partial<ConnectionTimes> },
): Promise<StreamServer> {
  const faults: unknown[] = [];
  const onFault = (error: unknown) => void faults.push(error);
  const recorder = new HistoryRecorder({ store: store.history, timers, warn: onFault });
  const hosts = new HostDirectory({
    configured: [],
    store: store.hosts,
    exclusive: !isShared,
    nowMs: () => performance.now(),
    after: timers.after,
  });
  await hosts.load();
  const keys = new KeyAuthenticator({
    users: store.users,
    guesses: new GuessBudget(() => performance.now()),
    unused: { hasEnded: () => false },
    now: Date.now,
    onUse: () => undefined,
  });
  const streams = new EventStreams({
    history: store.history,
    recorder,
    isShared,
    timers,
    onFault,
    isRecorded: () => true,
    hosts: () => hosts,
    credentials: () => credentialChecker({ keys, sessions: { stillValid: async () => [] }, users: store.users }),
  });
  const callerWith = async (text: string): Promise<StreamCaller> => {
    const { user, key } = await keys.authenticate(text, { caller: undefined, peer: LOOPBACK });
    return { kind: 'user', user, credential: { kind: 'key', id: key.id } };
  };
  const listeners = new HttpListeners({ onFault, ...(times && { times }) });
  const listener = requestListener(async (request, response) => {
    const key = request.headers['x-api-key']?.toString();
    const caller: StreamCaller = key === undefined ? { kind: 'operator' } : await callerWith(key);
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const watched = searchParams.getAll('host').map((name) => DomainName.parse(name));
    const lastEventId = request.headers['last-event-id']?.toString();
    try {
      serveEventStream(streams, { caller, watched, lastEventId }, response);
    } catch {
      response.writeHead(429).end();
    }
  }, onFault);
  await listeners.open(
    {
      listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0, tls: false }],
      socketMode: 0o664,
      trustedProxies: [],
      clientAddressHeader: 'x-forwarded-for',
      lenient: false,
    },
    listener,
  );
  return {
    port: Number(/:(\d+)$/.exec(listeners.addresses[0]!)?.[1]),
    streams,
    recorder,
    hosts,
    faults,
    record: (host, outcome = 'changed', detail) =>
      recorder.record({
        ownerName: DomainName.parse(host),
        timeMs: Date.now(),
        protocol: 'dyndns2',
        actor: 'router1',
        source: '192.0.2.7',
        userAgent: '',
        origin: 'client',
        outcome,
        ...(detail !== undefined && { detail }),
      }),
    close: async (graceMs = 10_000) => {
      streams.close();
      await listeners.close(graceMs);
      await recorder.close();
    },
  };
}
