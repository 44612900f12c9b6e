/**
 * The paths of the first releases on the control socket, which scripts use. Each leads to an operation of today; the HTTP API does
 * not have them.
 */
import type { FoundOperation } from '../core/admin/operation-routes.ts';
import { OPERATIONS, type OperationName } from '../core/admin/operations.ts';

interface FormerRoute {
  readonly name: OperationName;
  readonly input?: (fields: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
  readonly result?: (result: never) => object;
}

const FORMER: Readonly<Record<string, FormerRoute>> = {
  'POST /v1/update': { name: 'update' },
  'POST /v1/delete': { name: 'delete' },
  'POST /v1/tokens/create': { name: 'createToken' },
  'POST /v1/tokens/revoke': { name: 'revokeToken' },
  'POST /v1/tokens/rotate': { name: 'rotateToken' },
  'GET /v1/hosts/show': { name: 'showHost' },
  'POST /v1/hosts/add': { name: 'addHost' },
  'POST /v1/hosts/enable': { name: 'enableHost' },
  'POST /v1/hosts/disable': { name: 'disableHost' },
  'POST /v1/hosts/remove': { name: 'removeHost' },
  'GET /v1/hosts/members': { name: 'listMembers' },
  'POST /v1/hosts/members/add': { name: 'addMember' },
  'POST /v1/hosts/members/remove': { name: 'removeMember' },
  'GET /v1/history/all': { name: 'readAllHistory' },
  'GET /v1/history/at': {
    name: 'readHistory',
    input: ({ time, ...fields }) => ({ ...fields, at: time, limit: 1 }),
    result: ({ host, past }: { readonly host: string; readonly past: object }) => ({ host, ...past }),
  },
  'POST /v1/history/purge': { name: 'purgeHistory' },
};

/** `GET /v1/history` with a host was the history of the host. */
const HISTORY_OF_HOST: FormerRoute = { name: 'readHistory' };

export function findFormerOperation(method: string, path: string, query: URLSearchParams): FoundOperation | undefined {
  const route = `${method} ${path}`;
  const isHistory = route === 'GET /v1/history' && query.has('host');
  const former = isHistory ? HISTORY_OF_HOST : Object.hasOwn(FORMER, route) ? FORMER[route] : undefined;
  if (former === undefined) return undefined;
  const { name, input, result } = former;
  const { creates: _, ...operation } = OPERATIONS[name];
  return {
    name,
    operation: { ...operation, method: method as 'GET' | 'POST', path },
    pathFields: () => ({}),
    ...(input && { convertInput: input }),
    ...(result && { convertResult: result as (result: object) => object }),
  };
}
