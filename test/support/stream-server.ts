/** A server that only serves streams, and records events: the real parts, on a store that is passed to it. */

import type { EventOutcome } from '../../src/core/history/history.ts';
import { HistoryRecorder } from '../../src/core/history/history-recorder.ts';
import { HostDirectory } from '../../src/core/hosts/host-directory.ts';
import type { Store } from '../../src/core/store.ts';
import { EventStreams } from '../../src/core/stream/event-streams.ts';
import type { StreamCaller } from '../../src/core/stream/reader.ts';
import type { ListedKey, User } from '../../src/core/users/user.ts';
import { DomainName } from '../../src/dns/name.ts';
import { serveEventStream } from '../../src/http/api/event-stream.ts';
import type { ConnectionTimes } from '../../src/http/app/connections.ts';
import { requestListener } from '../../src/http/app/guarded-server.ts';
import { HttpListeners } from '../../src/http/app/listeners.ts';
import { timers } from '../../src/server/system-timers.ts';

export type KnownKeys = Map<string, { readonly key: ListedKey; readonly user: User }>;

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

/** @param keys by id; the request names one in the header `X-Key`, and without one it is the operator's */
export async function startStreamServer(
  store: Store,
  { isShared, keys = new Map(), times }: { isShared: boolean; keys?: KnownKeys; times?: Partial<ConnectionTimes> },
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
  const streams = new EventStreams({
    history: store.history,
    recorder,
    isShared,
    timers,
    onFault,
    isRecorded: () => true,
    hosts: () => hosts,
    keys: () => ({
      stillValid: async (ids) => {
        const valid = ids.flatMap((id) => keys.get(id) ?? []);
        return new Map(valid.map((each) => [each.key.id, each]));
      },
    }),
  });
  const listeners = new HttpListeners({ onFault, ...(times && { times }) });
  const listener = requestListener(async (request, response) => {
    const known = keys.get(String(request.headers['x-key'] ?? ''));
    const caller: StreamCaller = known === undefined ? { kind: 'operator' } : { kind: 'user', ...known };
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
