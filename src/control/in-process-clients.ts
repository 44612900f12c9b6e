/** The calls about tokens, hosts and history in this process: reads what was typed, as the configuration file is read. */
import { interfaceId, ipAddress, ipPrefix, macAddress, tokenAddresses } from '../config/kinds/addresses.ts';
import { type ScalarKind, ValueError } from '../config/kinds/kind.ts';
import { clientType, fullOwnerName } from '../config/kinds/names.ts';
import { tokenName } from '../config/kinds/secrets.ts';
import { calendarDay, integer, subnetNumber } from '../config/kinds/words.ts';
import { DEFAULT_TOKEN_TYPES, type TokenAddresses } from '../core/access/token.ts';
import type { ClientAdmin, NewToken } from '../core/admin/client-admin.ts';
import { AppError } from '../core/errors.ts';
import { unmapAddress } from '../dns/address.ts';
import { NameError } from '../dns/name.ts';
import type { AddHostCall, AddMemberCall, ClientCalls, CreateTokenCall } from './client-calls.ts';

const ttlSeconds = integer(0, 2_147_483_647);
/** Ten years, as in the configuration file. */
const silenceSeconds = integer(0, 315_360_000);
const MAX_EVENTS = 10_000;
const eventCount = integer(1, MAX_EVENTS);
const MAX_ITEMS = 1000;

export class LocalClientCalls implements ClientCalls {
  readonly #admin: ClientAdmin;

  constructor(admin: ClientAdmin) {
    this.#admin = admin;
  }

  tokens(): ReturnType<ClientCalls['tokens']> {
    return this.#admin.listTokens();
  }

  async createToken(call: CreateTokenCall): ReturnType<ClientCalls['createToken']> {
    return this.#admin.createToken(readToken(call));
  }

  revokeToken(name: string): ReturnType<ClientCalls['revokeToken']> {
    return this.#admin.revokeToken(name);
  }

  async rotateToken(name: string, freednsUser?: string): ReturnType<ClientCalls['rotateToken']> {
    return this.#admin.rotateToken(name, freednsUser === undefined ? undefined : readFreednsUser(freednsUser));
  }

  hosts(): ReturnType<ClientCalls['hosts']> {
    return this.#admin.listHosts();
  }

  async host(host: string): ReturnType<ClientCalls['host']> {
    return this.#admin.showHost(readHost(host));
  }

  async addHost(call: AddHostCall): ReturnType<ClientCalls['addHost']> {
    const { host, ttl, allow, deny, silentAfter, lease, fallback, replace } = call;
    const silentAfterSeconds = read(silentAfter ?? '0', silenceSeconds, '--silent-after');
    const leaseSeconds = read(lease ?? '0', silenceSeconds, '--lease');
    const settings = {
      ownerName: readHost(host),
      ...(ttl !== undefined && { ttl: read(ttl, ttlSeconds, 'The TTL') }),
      addresses: { allow: readAll(allow, ipPrefix, '--allow'), deny: readAll(deny, ipPrefix, '--deny') },
      ...(silentAfterSeconds > 0 && { silentAfterSeconds }),
      ...(leaseSeconds > 0 && { leaseSeconds }),
      fallback: readAll(fallback, ipAddress, '--fallback').map((address) => unmapAddress(address).text),
    };
    return this.#admin.addHost(settings, replace);
  }

  async enableHost(host: string, enabled: boolean): ReturnType<ClientCalls['enableHost']> {
    return this.#admin.enableHost(readHost(host), enabled);
  }

  async removeHost(host: string): ReturnType<ClientCalls['removeHost']> {
    return this.#admin.removeHost(readHost(host));
  }

  async members(host: string): ReturnType<ClientCalls['members']> {
    return this.#admin.host(readHost(host));
  }

  async addMember({ host, member, interfaceId: id, mac, subnet }: AddMemberCall): ReturnType<ClientCalls['addMember']> {
    if ((id === undefined) === (mac === undefined)) throw malformed('A member needs one of --interface-id and --mac.');
    const own =
      id === undefined
        ? ({ kind: 'mac', text: read(mac ?? '', macAddress, '--mac') } as const)
        : ({ kind: 'interface-id', text: read(id, interfaceId, '--interface-id') } as const);
    return this.#admin.addMember(readHost(host), {
      ownerName: read(member, fullOwnerName, 'The name of the member'),
      host: own,
      subnet: read(subnet ?? '0', subnetNumber, '--subnet'),
    });
  }

  async removeMember(host: string, member: string): ReturnType<ClientCalls['removeMember']> {
    return this.#admin.removeMember(readHost(host), read(member, fullOwnerName, 'The name of the member'));
  }

  async history(host: string, limit: number, before?: string): ReturnType<ClientCalls['history']> {
    if (before !== undefined && !/^[0-9a-f]{12,64}$/.test(before)) {
      throw malformed("'--before' is a time, or the id of an event.");
    }
    return this.#admin.history(readHost(host), read(String(limit), eventCount, '--limit'), before);
  }

  async historyAt(host: string, time: string): ReturnType<ClientCalls['historyAt']> {
    const timeMs = Date.parse(time);
    if (Number.isNaN(timeMs)) throw malformed(`'${time}' is no time.`);
    return this.#admin.historyAt(readHost(host), timeMs);
  }

  async purgeHistory(host: string): ReturnType<ClientCalls['purgeHistory']> {
    const ownerName = readHost(host);
    return { host: ownerName.toString(), events: await this.#admin.purgeHistory(ownerName) };
  }

  pending(): ReturnType<ClientCalls['pending']> {
    return this.#admin.pending();
  }
}

/** @throws AppError request-malformed */
export function readToken(call: CreateTokenCall): NewToken {
  const { name, hosts, types, addresses, sources, expires, freednsUser } = call;
  if (hosts.length === 0) throw malformed('A token needs at least one host: --host NAME.');
  return {
    name: read(name, tokenName, 'The name of the token'),
    hosts: unique(readAll(hosts, fullOwnerName, '--host'), (host) => host.key),
    types: types.length === 0 ? DEFAULT_TOKEN_TYPES : unique(readAll(types, clientType, '--type'), String),
    addresses: readAddresses(addresses),
    ...(sources.length > 0 && { sources: readAll(sources, ipPrefix, '--from') }),
    ...(expires !== undefined && { expires: read(expires, calendarDay, '--expires') }),
    ...(freednsUser !== undefined && { freednsUser: readFreednsUser(freednsUser) }),
  };
}

/** Some clients hash the name as it is typed, others in lower case. */
function readFreednsUser(user: string): string {
  if (/^[a-z0-9._@+-]{1,64}$/.test(user)) return user;
  throw malformed('--freedns: a user name has 1 to 64 lower-case letters, digits and the signs . _ @ + -.');
}

function readAddresses(texts: readonly string[]): TokenAddresses {
  const [only = 'any', ...others] = texts;
  const { word, list } = tokenAddresses;
  if (others.length === 0 && /^(any|own)$/i.test(only)) return read(only, word, '--addresses');
  return readAll(texts, { ...list.item, allowed: tokenAddresses.allowed }, '--addresses');
}

const readHost = (text: string) => read(text, fullOwnerName, 'The name of the host');

function readAll<T>(texts: readonly string[], kind: ScalarKind<T>, what: string): T[] {
  if (texts.length > MAX_ITEMS) throw malformed(`${what}: at most ${MAX_ITEMS} are taken.`);
  return texts.map((text) => read(text, kind, what));
}

/** @throws AppError request-malformed */
function read<T>(text: string, kind: ScalarKind<T>, what: string): T {
  let why = '';
  try {
    const value = kind.parse(text);
    if (value !== undefined) return value;
  } catch (error) {
    if (!(error instanceof NameError || error instanceof ValueError)) throw error;
    why = `: ${error.message}`;
  }
  throw malformed(`${what} must be ${kind.allowed}, and '${text}' is not${why || '.'}`);
}

function unique<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}

function malformed(message: string): AppError {
  return new AppError('request-malformed', message);
}
