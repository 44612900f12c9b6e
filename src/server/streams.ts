/** The event streams of a server, from the open parts. Loaded only with `admin.enabled`. */

import type { Observer } from '../core/observer.ts';
import { EventStreams } from '../core/stream/event-streams.ts';
import type { Generation } from './generation.ts';
import type { OpenState } from './state.ts';
import { timers } from './system-timers.ts';

export interface StreamParts {
  readonly current: () => Generation;
  readonly observer: Observer;
  readonly state: () => OpenState;
}

export interface ServerStreams {
  /** Made at the first call. */
  get(): EventStreams;
  /** Ends all streams; no more are opened. */
  end(): void;
}

export function serverStreams({ current, observer, state }: StreamParts): ServerStreams {
  let streams: EventStreams | undefined;
  let isEnding = false;
  const make = () => {
    // The configuration of an API has a store.
    const { store, recorder } = state();
    return new EventStreams({
      history: store!.history,
      recorder: recorder!,
      isShared: current().config.store?.kind === 'postgres',
      timers,
      onFault: (error) => observer.warn(`Event streams: ${error instanceof Error ? error.stack : String(error)}`),
      isRecorded: () => current().config.historyDays > 0,
      hosts: () => current().hosts,
      users: store!.users,
    });
  };
  return {
    get: () => {
      streams ??= make();
      if (isEnding) streams.close();
      return streams;
    },
    end: () => {
      isEnding = true;
      streams?.close();
    },
  };
}
