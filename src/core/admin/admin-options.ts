/** What the administration of tokens, hosts and history shares: the store, the configuration, and the zones. */
import { type DomainName, findNearestAncestor } from '../../dns/name.ts';
import type { HostToken } from '../access/token.ts';
import type { TokenStore } from '../access/token-store.ts';
import { AppError, invalidField } from '../errors.ts';
import type { HostSettings } from '../hosts/host.ts';
import type { HostDirectory } from '../hosts/host-directory.ts';
import type { SignInGuard } from '../sign-in/sign-in-guard.ts';
import type { Store } from '../store.ts';
import type { User } from '../users/user.ts';
import type { ReadOutcome } from '../zones/publisher.ts';
import type { Zone } from '../zones/zone.ts';
import type { Member } from './caller.ts';

type AdminStore = Pick<
  Store,
  'tokens' | 'hosts' | 'history' | 'overview' | 'pending' | 'users' | 'signIns' | 'customers' | 'audit'
>;
export type AdminZone = Pick<Zone, 'apex' | 'ttl' | 'members'> & Partial<Pick<Zone, 'addresses'>>;

export interface SecondariesOfZone {
  /** The apex, with the final dot. */
  readonly zone: string;
  readonly secondaries: readonly string[];
}

export interface SignInOptions {
  /** Absent in a command without a server: users sign in to a running server only. */
  readonly guard?: SignInGuard | undefined;
  /** The absolute end of a session. */
  readonly sessionDays: number;
  /** Where browsers find the dashboard, without a path: `https://dyndns.example.com`. Undefined: it cannot be known. */
  readonly url: () => string | undefined;
  /** What the button of the OpenID provider says; absent: there is none. */
  readonly oidcTitle?: string | undefined;
}

export interface AdminOptions {
  /** Undefined: the configuration names none. It may be shared with other servers. */
  readonly store: AdminStore | undefined;
  /** Those of the configuration file. */
  readonly tokens: readonly HostToken[];
  readonly hosts: readonly HostSettings[];
  readonly zones: readonly AdminZone[];
  /** Notified of changes, if this process serves updates. */
  readonly directory?: Pick<HostDirectory, 'changed'> | undefined;
  /** Reads what is published at a name. @throws AppError */
  readonly read: (ownerName: DomainName) => Promise<ReadOutcome>;
  /** When tokens were used, those of the configuration too; absent: not known. */
  readonly uses?: Pick<TokenStore, 'lastUses'> | undefined;
  /** The zone of a name and its secondaries, `address:port`, if this server is its primary and asks them. */
  readonly secondariesOf?: ((ownerName: DomainName) => SecondariesOfZone | undefined) | undefined;
  /** Whether a member may take a name that has no owner. @throws AppError that says why not */
  readonly claim: (user: User, ownerName: DomainName) => Promise<void>;
  readonly signIn: SignInOptions;
  /** Writes the buffered events of the history. */
  readonly flush?: (() => Promise<void>) | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random: (octets: number) => Uint8Array;
}

/** @throws AppError conflict that says what to configure */
export function requireStore({ store }: Pick<AdminOptions, 'store'>): AdminStore {
  if (store !== undefined) return store;
  throw new AppError(
    'conflict',
    "The configuration names no store: set 'store: sqlite:/var/lib/dyndns/dyndns.db' (or postgres://USER@HOST/DATABASE) and restart the server.",
  );
}

/** The user with this name. @param pointer of the field that has the name @throws AppError store-unreachable; InputError */
export async function requireUser(options: Pick<AdminOptions, 'store'>, name: string, pointer: string): Promise<User> {
  const user = await requireStore(options).users.get(name);
  if (user !== undefined) return user;
  throw invalidField(pointer, `There is no user '${name}'.`);
}

/**
 * The owner of a new token or host; undefined: the operator.
 * @param owner the field of the input: of a member the member's own name, if it is there
 * @throws AppError store-unreachable; InputError
 */
export async function ownerForNew(
  options: Pick<AdminOptions, 'store'>,
  owner: string | undefined,
  member: Member | undefined,
): Promise<User | undefined> {
  if (member === undefined) return owner === undefined ? undefined : requireUser(options, owner, '/owner');
  if (owner === undefined || owner === member.user.name) return member.user;
  throw invalidField('/owner', "'owner' is set by admins alone.");
}

/** The zone of a name. A pattern may also be above zones. @throws AppError name-invalid that names the zones */
export function requireZone({ zones }: Pick<AdminOptions, 'zones'>, pattern: DomainName): AdminZone {
  const byApex = byApexOf(zones);
  const zone =
    findNearestAncestor(byApex, pattern.key) ??
    zones.find(({ apex }) => pattern.isWildcard && apex.isAtOrBelow(pattern.parent()!));
  if (zone !== undefined) return zone;
  const apexes = zones.map(({ apex }) => `'${apex}'`).join(', ');
  throw new AppError('name-invalid', `'${pattern}' is in no zone of the configuration; it has ${apexes || 'none'}.`);
}

const apexMaps = new WeakMap<readonly AdminZone[], ReadonlyMap<string, AdminZone>>();

/** A batch asks for thousands of names. */
function byApexOf(zones: readonly AdminZone[]): ReadonlyMap<string, AdminZone> {
  const byApex = apexMaps.get(zones) ?? new Map(zones.map((zone) => [zone.apex.key, zone]));
  apexMaps.set(zones, byApex);
  return byApex;
}
