/** The operations on the use-cases of this process: behind the control socket, and for a command without a server. */
import { OPERATOR } from '../core/access/request-context.ts';
import type { Administration } from '../core/admin/administration.ts';
import type { Input, OperationHandlers, OperationName, Operations, Result } from '../core/admin/operations.ts';
import { readInput } from '../core/admin/read-input.ts';
import type { ReloadResult, ServerHealth, ServerStatus } from '../core/admin/server-operations.ts';
import type { ZoneAdmin } from '../core/admin/zone-admin.ts';
import { AppError } from '../core/errors.ts';
import { checkLine } from '../core/updates/original-lines.ts';
import { isPrivate } from '../core/zones/special-addresses.ts';
import { parseHostName } from '../dns/host-name.ts';
import { type DomainName, NameError } from '../dns/name.ts';
import type { Services } from '../http/request/door.ts';
import { changeAddresses, deleteAddresses } from '../http/request/original-requests.ts';
import {
  readHost,
  readHostSettings,
  readMember,
  readMemberName,
  readOwnerName,
  readTime,
  readToken,
  readType,
} from './domain-values.ts';

/** Operations that need a running server. */
export interface ServerCalls {
  status(): Promise<ServerStatus>;
  health(): Promise<ServerHealth>;
  /** Reads the configuration again. @throws AppError request-malformed with every problem of the configuration */
  reload(): Promise<ReloadResult>;
}

/** Each is called at each operation, so that a reload takes effect at once and a command opens only what it needs. */
export interface OperationParts {
  services(): Awaitable<Pick<Services, 'zones' | 'updates' | 'unspecifiedFamily' | 'checks'>>;
  /** Undefined if no zone is embedded. */
  zoneAdmin(): Awaitable<ZoneAdmin | undefined>;
  administration(): Awaitable<Administration>;
  /** Undefined in a command without a server. */
  readonly server: ServerCalls | undefined;
}

type Awaitable<T> = T | Promise<T>;

export function operationsInProcess(parts: OperationParts): Operations {
  return validated(handlersOf(parts));
}

/** Checks inputs before it calls handlers. */
export function validated(handlers: OperationHandlers): Operations {
  return {
    async call<Name extends OperationName>(name: Name, input: Input<Name>, body = NO_BODY): Promise<Result<Name>> {
      return handlers[name](readInput(name, input), body);
    },
  };
}

const NO_BODY: AsyncIterable<string> = { async *[Symbol.asyncIterator]() {} };

function handlersOf(parts: OperationParts): OperationHandlers {
  const tokens = async () => (await parts.administration()).tokens;
  const hosts = async () => (await parts.administration()).hosts;
  const history = async () => (await parts.administration()).history;
  const zones = async () => requireZoneAdmin(await parts.zoneAdmin());
  return {
    status: async () => requireServer(parts.server).status(),
    health: async () => requireServer(parts.server).health(),
    reload: async () => requireServer(parts.server).reload(),
    check: async () => {
      const services = await parts.services();
      const results = await services.checks.run(services.zones.all);
      return { text: results.map(checkLine).join(''), passed: results.every(({ kind }) => kind === 'passed') };
    },
    update: async ({ fqdn, ips, ttl, wait }) => {
      // Without a server no one asks the secondaries.
      const waiting = parts.server === undefined ? {} : { wait };
      const update = { fqdn, ips, ttl: ttl === undefined ? undefined : String(ttl), ...waiting };
      const { body, secondaries } = await changeAddresses(update, OPERATOR, await parts.services());
      const result = { text: body, ...(secondaries && { secondaries }) };
      const address = ips.find(isCarrierNat);
      if (address === undefined) return result;
      const warning = `${fqdn} has the address ${address} of a carrier's NAT (100.64.0.0/10): the internet cannot reach it.`;
      return { ...result, warning };
    },
    delete: async ({ fqdn }) => ({ text: (await deleteAddresses({ fqdn }, OPERATOR, await parts.services())).body }),

    listTokens: async () => ({ tokens: await (await tokens()).listTokens() }),
    createToken: async (input) => (await tokens()).createToken(readToken(input)),
    revokeToken: async ({ name }) => (await tokens()).revokeToken(name),
    rotateToken: async ({ name, freednsUser }) => (await tokens()).rotateToken(name, freednsUser),

    listHosts: async () => ({ hosts: await (await hosts()).listHosts() }),
    showHost: async ({ host }) => (await hosts()).showHost(readHost(host)),
    addHost: async (input) => (await hosts()).addHost(readHostSettings(input), input.replace ?? false),
    enableHost: async ({ host }) => (await hosts()).enableHost(readHost(host), true),
    disableHost: async ({ host }) => (await hosts()).enableHost(readHost(host), false),
    removeHost: async ({ host }) => (await hosts()).removeHost(readHost(host)),
    listMembers: async ({ host }) => (await hosts()).host(readHost(host)),
    addMember: async ({ host, member, ...address }) =>
      (await hosts()).addMember(readHost(host), readMember({ name: member, ...address })),
    removeMember: async ({ host, member }) => (await hosts()).removeMember(readHost(host), readMemberName(member)),

    readHistory: async ({ host, limit = 20, before }) => (await history()).history(readHost(host), limit, before),
    readAllHistory: async ({ outcome, token, since, limit = 20, before }) => {
      const filter = { outcome, actor: token, sinceMs: since === undefined ? undefined : readTime(since, 'since') };
      return (await history()).allHistory(filter, limit, before);
    },
    readPast: async ({ host, time }) => (await history()).historyAt(readHost(host), readTime(time)),
    purgeHistory: async ({ host }) => {
      const ownerName = readHost(host);
      return { host: ownerName.toString(), events: await (await history()).purgeHistory(ownerName) };
    },

    listZones: async () => ({ zones: await (await zones()).zones() }),
    exportZone: async ({ zone }) => (await zones()).exportZone(readZone(zone)),
    importZone: async ({ zone, mode, dry_run = false }, body) =>
      (await zones()).importZone(readZone(zone), body, { replace: mode === 'replace', dryRun: dry_run }),
    setSerial: async ({ zone, serial }) => (await zones()).setSerial(readZone(zone), serial),
    recoverZone: async ({ zone, serial }) => (await zones()).recoverZone(readZone(zone), serial),
    discardUnserved: async ({ zone, name, type }) => {
      const rrType = type === undefined ? undefined : readType(type);
      return { discarded: await (await zones()).discardUnserved(readZone(zone), readOwnerName(name), rrType) };
    },
    backup: async ({ file }) => (await zones()).backup(file),
  };
}

function isCarrierNat(text: string): boolean {
  return text.startsWith('100.') && isPrivate(text);
}

function requireServer(server: ServerCalls | undefined): ServerCalls {
  if (server !== undefined) return server;
  throw new AppError('request-malformed', 'This operation needs a running server.');
}

function requireZoneAdmin(zoneAdmin: ZoneAdmin | undefined): ZoneAdmin {
  if (zoneAdmin !== undefined) return zoneAdmin;
  throw new AppError(
    'name-invalid',
    "No zone of the configuration is embedded ('nameserver: embedded'). Administer other zones at their primary.",
  );
}

function readZone(text: string): DomainName {
  try {
    return parseHostName(text);
  } catch (error) {
    if (error instanceof NameError) throw new AppError('name-invalid', error.message);
    throw error;
  }
}
