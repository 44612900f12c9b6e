/** The HTTP API for administration. Its code is loaded only with `admin.enabled`. */
import type { FastifyInstance } from 'fastify';
import type { Observer } from '../core/observer.ts';
import type { OperationCalls } from '../http/api/operation-door.ts';
import type { Generation } from './generation.ts';
import type { OpenState } from './state.ts';
import { timers } from './system-timers.ts';

export interface HttpApiParts {
  readonly current: () => Generation;
  readonly calls: () => OperationCalls;
  readonly observer: Observer;
  readonly nextRequestId: () => string;
  /** Not called before the first request. */
  readonly state: () => OpenState;
}

export interface HttpApi {
  /** Adds the routes to an application that is not ready yet. */
  readonly addRoutes: (app: FastifyInstance) => void;
  /** Ends the event streams: a server that ends waits for its requests. */
  endStreams(): void;
}

export async function openHttpApi(parts: HttpApiParts): Promise<HttpApi> {
  const { current, calls, observer, nextRequestId, state } = parts;
  const [{ addApiRoutes }, { openApiDocument }, { PROBLEMS }, { streamOpener }, { EventStreams }] = await Promise.all([
    import('../http/api/api-routes.ts'),
    import('../core/admin/openapi.ts'),
    import('../http/api/problem.ts'),
    import('../http/api/event-stream.ts'),
    import('../core/stream/event-streams.ts'),
  ]);
  let document: string | undefined;
  let streams: InstanceType<typeof EventStreams> | undefined;
  let isEnding = false;
  const openStreams = () => {
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
  const addRoutes = (app: FastifyInstance) =>
    addApiRoutes(app, {
      calls,
      keys: () => current().services.keys!,
      trust: () => current().config.http,
      url: () => current().config.admin?.url,
      openStream: streamOpener(() => {
        streams ??= openStreams();
        if (isEnding) streams.close();
        return streams;
      }),
      observer,
      nextRequestId,
      openApi: () => {
        document ??= `${JSON.stringify(openApiDocument(PROBLEMS), null, 2)}\n`;
        return document;
      },
    });
  const endStreams = () => {
    isEnding = true;
    streams?.close();
  };
  return { addRoutes, endStreams };
}
