/** The part of the control socket for tokens, hosts and history: reads are GET with a query, the rest is POST with JSON. */
import { AppError } from '../core/errors.ts';
import type { ClientCalls } from './client-calls.ts';

export interface ClientRequest {
  readonly clients: ClientCalls;
  readonly query: URLSearchParams;
  /** The body. @throws AppError request-malformed */
  readonly json: () => Promise<Readonly<Record<string, unknown>>>;
}

type Route = (request: ClientRequest) => Promise<object>;

export const CLIENT_ROUTES: Readonly<Record<string, Route>> = {
  'GET /v1/tokens': async ({ clients }) => ({ tokens: await clients.tokens() }),
  'POST /v1/tokens/create': async ({ clients, json }) => {
    const { name, hosts, types, addresses, sources = [], expires, freednsUser } = await json();
    return clients.createToken({
      name: text(name, 'name'),
      hosts: texts(hosts, 'hosts'),
      types: texts(types, 'types'),
      addresses: texts(addresses, 'addresses'),
      sources: texts(sources, 'sources'),
      ...(expires !== undefined && { expires: text(expires, 'expires') }),
      ...(freednsUser !== undefined && { freednsUser: text(freednsUser, 'freednsUser') }),
    });
  },
  'POST /v1/tokens/revoke': async ({ clients, json }) => clients.revokeToken(text((await json())['name'], 'name')),
  'POST /v1/tokens/rotate': async ({ clients, json }) => {
    const { name, freednsUser } = await json();
    return clients.rotateToken(
      text(name, 'name'),
      freednsUser === undefined ? undefined : text(freednsUser, 'freednsUser'),
    );
  },

  'GET /v1/hosts': async ({ clients }) => ({ hosts: await clients.hosts() }),
  'GET /v1/hosts/show': ({ clients, query }) => clients.host(query.get('host') ?? ''),
  'POST /v1/hosts/add': async ({ clients, json }) => {
    const { host, ttl, allow, deny, silentAfter, lease, fallback, replace } = await json();
    return clients.addHost({
      host: text(host, 'host'),
      ...(ttl !== undefined && { ttl: text(ttl, 'ttl') }),
      allow: texts(allow, 'allow'),
      deny: texts(deny, 'deny'),
      ...(silentAfter !== undefined && { silentAfter: text(silentAfter, 'silentAfter') }),
      ...(lease !== undefined && { lease: text(lease, 'lease') }),
      fallback: texts(fallback ?? [], 'fallback'),
      replace: replace === true,
    });
  },
  'POST /v1/hosts/enable': async ({ clients, json }) => clients.enableHost(text((await json())['host'], 'host'), true),
  'POST /v1/hosts/disable': async ({ clients, json }) =>
    clients.enableHost(text((await json())['host'], 'host'), false),
  'POST /v1/hosts/remove': async ({ clients, json }) => clients.removeHost(text((await json())['host'], 'host')),

  'GET /v1/hosts/members': ({ clients, query }) => clients.members(query.get('host') ?? ''),
  'POST /v1/hosts/members/add': async ({ clients, json }) => {
    const { host, member, interfaceId, mac, subnet } = await json();
    return clients.addMember({
      host: text(host, 'host'),
      member: text(member, 'member'),
      ...(interfaceId !== undefined && { interfaceId: text(interfaceId, 'interfaceId') }),
      ...(mac !== undefined && { mac: text(mac, 'mac') }),
      ...(subnet !== undefined && { subnet: text(subnet, 'subnet') }),
    });
  },
  'POST /v1/hosts/members/remove': async ({ clients, json }) => {
    const { host, member } = await json();
    return clients.removeMember(text(host, 'host'), text(member, 'member'));
  },

  'GET /v1/history': ({ clients, query }) =>
    clients.history(query.get('host') ?? '', Number(query.get('limit') ?? 20), query.get('before') ?? undefined),
  'GET /v1/history/at': ({ clients, query }) => clients.historyAt(query.get('host') ?? '', query.get('time') ?? ''),
  'POST /v1/history/purge': async ({ clients, json }) => clients.purgeHistory(text((await json())['host'], 'host')),
};

function text(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  throw new AppError('request-malformed', `'${name}' must be a text.`);
}

function texts(value: unknown, name: string): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new AppError('request-malformed', `'${name}' must be a list of texts.`);
}
