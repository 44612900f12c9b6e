/** Parts of the HTTP interface that most configurations do without: their code is loaded only where one has them. */
import type { Config } from '../config/config.ts';
import type { Observer } from '../core/observer.ts';
import type { OperationCalls } from '../http/api/operation-door.ts';
import type { Door } from '../http/app/app.ts';
import type { Generation } from './generation.ts';
import type { OpenState } from './state.ts';

export interface DoorParts {
  readonly current: () => Generation;
  readonly calls: () => OperationCalls;
  readonly observer: Observer;
  readonly nextRequestId: () => string;
  /** Not called before the first request. */
  readonly state: () => OpenState;
}

export async function loadDoors({ admin }: Config, parts: DoorParts): Promise<readonly Door[]> {
  if (admin === undefined) return [];
  const api = await loadApi(parts);
  if (!admin.powerdnsApi) return [api];
  const { powerdnsDoor } = await import('../http/powerdns/door.ts');
  return [powerdnsDoor, api];
}

/** The HTTP API for administration. */
async function loadApi(parts: DoorParts): Promise<Door> {
  const { current, calls, observer, nextRequestId } = parts;
  const [{ addApiRoutes }, { openApiDocument }, { PROBLEMS }, { streamOpener }, { serverStreams }] = await Promise.all([
    import('../http/api/api-routes.ts'),
    import('../core/admin/openapi.ts'),
    import('../http/api/problem.ts'),
    import('../http/api/event-stream.ts'),
    import('./streams.ts'),
  ]);
  const streams = serverStreams(parts);
  let document: string | undefined;
  return {
    addRoutes: (app) =>
      addApiRoutes(app, {
        calls,
        keys: () => current().services.keys!,
        trust: () => current().config.http,
        url: () => current().config.admin?.url,
        openStream: streamOpener(streams.get),
        observer,
        nextRequestId,
        openApi: () => {
          document ??= `${JSON.stringify(openApiDocument(PROBLEMS), null, 2)}\n`;
          return document;
        },
      }),
    endStreams: streams.end,
  };
}
