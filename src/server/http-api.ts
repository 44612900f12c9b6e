/** The HTTP API for administration. Its code is loaded only with `admin.enabled`. */
import type { FastifyInstance } from 'fastify';
import type { Observer } from '../core/observer.ts';
import type { OperationCalls } from '../http/api/operation-door.ts';
import type { Generation } from './generation.ts';

export interface HttpApiParts {
  readonly current: () => Generation;
  readonly calls: () => OperationCalls;
  readonly observer: Observer;
  readonly nextRequestId: () => string;
}

/** @returns adds the routes to an application that is not ready yet */
export async function openHttpApi(parts: HttpApiParts): Promise<(app: FastifyInstance) => void> {
  const { current, calls, observer, nextRequestId } = parts;
  const [{ addApiRoutes }, { openApiDocument }, { PROBLEMS }] = await Promise.all([
    import('../http/api/api-routes.ts'),
    import('../core/admin/openapi.ts'),
    import('../http/api/problem.ts'),
  ]);
  let document: string | undefined;
  return (app) =>
    addApiRoutes(app, {
      calls,
      keys: () => current().services.keys!,
      trust: () => current().config.http,
      url: () => current().config.admin?.url,
      openStream: () => Promise.reject(new Error('not yet')),
      observer,
      nextRequestId,
      openApi: () => {
        document ??= `${JSON.stringify(openApiDocument(PROBLEMS), null, 2)}\n`;
        return document;
      },
    });
}
