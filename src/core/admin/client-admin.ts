/**
 * What an operator does to tokens, hosts and their history, on a store that may be shared with others. What stands in the
 * configuration file is shown with the rest, and is changed there only. Texts of errors are for the operator, who may
 * see every name.
 */

import { DomainName } from '../../dns/name.ts';
import { formatRRType } from '../../dns/rdata.ts';
import {
  freednsSecret,
  type HostToken,
  type ListedToken,
  newTokenSecret,
  tokenCovers,
  tokenSha256,
  tokenState,
} from '../access/token.ts';
import type { TokenStore } from '../access/token-store.ts';
import { AppError } from '../errors.ts';
import { defaultHostSettings, type HostMember, type HostSettings } from '../hosts/host.ts';
import type { HostDirectory } from '../hosts/host-directory.ts';
import type { Store } from '../store.ts';
import type { ReadOutcome } from '../zones/publisher.ts';
import type { Zone } from '../zones/zone.ts';
import {
  eventView,
  type HistoryView,
  type HostDetails,
  type HostView,
  hostView,
  isoTime,
  type NewTokenView,
  newTokenView,
  type PastView,
  type PendingView,
  pendingUpdateView,
  type TokenView,
  tokenView,
} from './views.ts';

export interface NewToken extends Pick<HostToken, 'name' | 'hosts' | 'types' | 'addresses' | 'sources' | 'expires'> {
  /** Makes it one for FreeDNS version 1, whose clients send a hash of this name and the password; in lower case. */
  readonly freednsUser?: string;
}
export type NewHost = Pick<HostSettings, 'ownerName' | 'ttl' | 'addresses' | 'silentAfterSeconds' | 'leaseSeconds'> &
  Partial<Pick<HostSettings, 'fallback'>>;

export interface ClientAdminOptions {
  /** Undefined: the configuration names none. */
  readonly store: Pick<Store, 'tokens' | 'hosts' | 'history' | 'pending'> | undefined;
  /** Those of the configuration file. */
  readonly tokens: readonly HostToken[];
  readonly hosts: readonly HostSettings[];
  readonly zones: readonly Pick<Zone, 'apex' | 'ttl'>[];
  /** Is told of changes, where updates are served by this process. */
  readonly directory?: Pick<HostDirectory, 'changed'> | undefined;
  /** What is published at a name. @throws AppError */
  readonly read: (ownerName: DomainName) => Promise<ReadOutcome>;
  /** When tokens were used, those of the configuration too; absent: that is not known. */
  readonly uses?: Pick<TokenStore, 'lastUses'> | undefined;
  /** Writes what waits to be written into the history. */
  readonly flush?: (() => Promise<void>) | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random: (octets: number) => Uint8Array;
}

/** Wishes that are told one by one. */
const SHOWN_UPDATES = 100;
const ID_OCTETS = 12;
/** One change has room for so many. */
const MAX_MEMBERS = 200;

/** A token with a new secret, which is told here and nowhere else; with `freednsUser` it is that user's password. */
export function makeToken(
  wanted: NewToken,
  random: ClientAdminOptions['random'],
  nowMs: number,
): { readonly token: HostToken; readonly secret: string } {
  const { freednsUser, ...token } = wanted;
  const secret = newTokenSecret(random);
  const id = Buffer.from(random(ID_OCTETS)).toString('hex');
  return { token: { ...token, id, sha256: secretSha256(secret, freednsUser), createdMs: nowMs }, secret };
}

function secretSha256(secret: string, freednsUser: string | undefined): string {
  return tokenSha256(freednsUser === undefined ? secret : freednsSecret(freednsUser, secret));
}

export class ClientAdmin {
  readonly #options: ClientAdminOptions;

  constructor(options: ClientAdminOptions) {
    this.#options = options;
  }

  // --- tokens ---

  /** @throws AppError conflict (the name is taken), name-invalid (a host lies in no zone), store-unreachable */
  async createToken(wanted: NewToken): Promise<NewTokenView> {
    const { random, now } = this.#options;
    const { token, secret } = makeToken(this.checkToken(wanted), random, now());
    const { tokens } = this.#store();
    const outcome = await tokens.create(token);
    if (outcome === 'name-taken') {
      throw new AppError(
        'conflict',
        `There is a token '${wanted.name}' already. \`dyndns token rotate\` gives it a new secret; \`dyndns token revoke\` ends it.`,
      );
    }
    // 160 random bits do not come twice: the source of randomness is broken.
    if (outcome === 'secret-taken') throw new AppError('internal', 'A new secret was there already.');
    return this.#madeToken(token, secret, wanted.freednsUser);
  }

  /** @throws AppError conflict (the name stands in the configuration), name-invalid (a host lies in no zone) */
  checkToken(wanted: NewToken): NewToken {
    this.#refuseConfigured(wanted.name, 'Choose another name.');
    for (const pattern of wanted.hosts) this.#requireZone(pattern);
    return wanted;
  }

  /** Those of the configuration first. */
  async listTokens(): Promise<readonly TokenView[]> {
    const { tokens, store, uses, now } = this.#options;
    // First: it writes uses that the store is to list.
    const lastUses = await uses?.lastUses(tokens.map(({ id }) => id));
    const stored = (await store?.tokens.list()) ?? [];
    const listed = tokens.map((token): ListedToken => {
      const lastUsedMs = lastUses?.get(token.id);
      return lastUsedMs === undefined ? token : { ...token, lastUsedMs };
    });
    return [
      ...listed.map((token) => tokenView(token, 'configuration', now())),
      ...stored.map((token) => tokenView(token, 'store', now())),
    ];
  }

  /** @throws AppError name-invalid (there is none of this name), conflict (it stands in the configuration) */
  async revokeToken(name: string): Promise<TokenView> {
    const { tokens } = this.#store();
    if ((await tokens.revoke(name, this.#options.now())) === 'unknown') {
      this.#refuseConfigured(name, 'Remove it there, and let the server read the file again (SIGHUP).');
      throw this.#unknownToken(name);
    }
    const revoked = (await this.listTokens()).filter((token) => token.name === name && token.state === 'revoked');
    return revoked.reduce((latest, token) => ((token.revoked ?? '') > (latest.revoked ?? '') ? token : latest));
  }

  /** @param freednsUser the new secret is this user's password, and no other kind @throws AppError as `revokeToken` */
  async rotateToken(name: string, freednsUser?: string): Promise<NewTokenView> {
    const { tokens } = this.#store();
    const secret = newTokenSecret(this.#options.random);
    const token = await tokens.rotate(name, secretSha256(secret, freednsUser));
    if (token !== undefined) return this.#madeToken(token, secret, freednsUser);
    this.#refuseConfigured(
      name,
      'Write the `sha256` of a new secret there: `dyndns token create --print-only` makes one.',
    );
    throw this.#unknownToken(name);
  }

  #madeToken(token: HostToken, secret: string, freednsUser: string | undefined): NewTokenView {
    return newTokenView(tokenView(token, 'store', this.#options.now()), token.sha256, secret, freednsUser);
  }

  #refuseConfigured(name: string, advice: string): void {
    if (!this.#options.tokens.some((token) => token.name === name)) return;
    throw new AppError('conflict', `The token '${name}' stands in the configuration file. ${advice}`);
  }

  #unknownToken(name: string): AppError {
    return new AppError(
      'name-invalid',
      `There is no token '${name}'; \`dyndns token list\` shows those that there are.`,
    );
  }

  // --- hosts ---

  /**
   * Sets the settings of a host.
   * @param replace also where it has settings
   * @throws AppError name-invalid (in no zone), request-malformed (a TTL that its zone refuses, a prefix allowed and
   *   denied, a fallback without a lease), conflict (it has settings), store-unreachable
   */
  async addHost(wanted: NewHost, replace: boolean): Promise<HostView> {
    const { ownerName } = wanted;
    this.#refuseConfiguredHost(ownerName);
    this.#checkHost(wanted);
    const { hosts } = this.#store();
    if (!replace && (await hosts.get(ownerName)) !== undefined) {
      throw new AppError('conflict', `The host '${ownerName}' has settings already; --replace sets others.`);
    }
    const members = (await hosts.get(ownerName))?.members ?? [];
    await this.#put({ ...defaultHostSettings(ownerName), members, ...wanted });
    return this.#hostView(ownerName);
  }

  /**
   * Makes a name a member of a host, or gives it another address below the prefix.
   * @throws AppError name-invalid (in no zone), request-malformed (not in the zone of the host), conflict, store-unreachable
   */
  async addMember(ownerName: DomainName, member: HostMember): Promise<HostView> {
    this.#refuseConfiguredHost(ownerName);
    if (this.#requireZone(ownerName) !== this.#requireZone(member.ownerName) || ownerName.isWildcard) {
      const message = `'${member.ownerName}' must be in the zone of its host '${ownerName}': they change in one step.`;
      throw new AppError('request-malformed', message);
    }
    const known = await this.#store().hosts.get(ownerName);
    const others = known?.members.filter((other) => !other.ownerName.equals(member.ownerName)) ?? [];
    if (others.length >= MAX_MEMBERS) throw new AppError('conflict', `A host has at most ${MAX_MEMBERS} members.`);
    await this.#put({ ...(known ?? defaultHostSettings(ownerName)), members: [...others, member].sort(byName) });
    return this.#hostView(ownerName);
  }

  /** Its records stay. @throws AppError name-invalid (it is none), conflict, store-unreachable */
  async removeMember(ownerName: DomainName, member: DomainName): Promise<HostView> {
    this.#refuseConfiguredHost(ownerName);
    const known = await this.#store().hosts.get(ownerName);
    const members = known?.members.filter((other) => !other.ownerName.equals(member)) ?? [];
    if (known === undefined || members.length === known.members.length) {
      throw new AppError('name-invalid', `'${member}' is no member of '${ownerName}'.`);
    }
    await this.#put({ ...known, members });
    return this.#hostView(ownerName);
  }

  /** @throws AppError name-invalid, store-unreachable */
  async host(ownerName: DomainName): Promise<HostView> {
    this.#requireZone(ownerName);
    return this.#hostView(ownerName);
  }

  /** @throws AppError name-invalid, conflict (it stands in the configuration), store-unreachable */
  async enableHost(ownerName: DomainName, enabled: boolean): Promise<HostView> {
    this.#refuseConfiguredHost(ownerName);
    this.#requireZone(ownerName);
    const known = await this.#store().hosts.get(ownerName);
    await this.#put({ ...(known ?? defaultHostSettings(ownerName)), enabled });
    return this.#hostView(ownerName);
  }

  /** Its records, history and tokens stay. @throws AppError name-invalid, conflict, store-unreachable */
  async removeHost(ownerName: DomainName): Promise<HostView> {
    this.#refuseConfiguredHost(ownerName);
    const { hosts } = this.#store();
    if ((await hosts.remove(ownerName)) === 'unknown') {
      throw new AppError('name-invalid', `The host '${ownerName}' has no settings of its own.`);
    }
    this.#options.directory?.changed(ownerName, undefined);
    return this.#hostView(ownerName);
  }

  /** Hosts with settings, and those that were heard of, in canonical order (RFC 4034 §6.1). */
  async listHosts(): Promise<readonly HostView[]> {
    await this.#options.flush?.();
    const { store, hosts: configured } = this.#options;
    const stored = (await store?.hosts.list()) ?? [];
    const activities = (await store?.history.activities()) ?? [];
    const heard = new Map(activities.map((activity) => [activity.ownerName.key, activity]));
    const views = new Map<string, { readonly ownerName: DomainName; readonly view: HostView }>();
    const add = (ownerName: DomainName, settings: HostSettings | undefined, origin: HostView['origin']) => {
      if (views.has(ownerName.key)) return;
      views.set(ownerName.key, { ownerName, view: hostView(ownerName, settings, origin, heard.get(ownerName.key)) });
    };
    for (const settings of configured) add(settings.ownerName, settings, 'configuration');
    for (const settings of stored) add(settings.ownerName, settings, 'store');
    for (const { ownerName } of activities) add(ownerName, undefined, 'none');
    const inOrder = [...views.values()].sort((a, b) => DomainName.compare(a.ownerName, b.ownerName));
    return inOrder.map(({ view }) => view);
  }

  /** @throws AppError name-invalid, store-unreachable */
  async showHost(ownerName: DomainName): Promise<HostDetails> {
    this.#requireZone(ownerName);
    await this.#options.flush?.();
    const { store, tokens, now, read } = this.#options;
    const [view, wishes, stored, published] = await Promise.all([
      this.#hostView(ownerName),
      store?.pending.list() ?? [],
      store?.tokens.list() ?? [],
      read(ownerName).then(describeRead, (error: unknown) => {
        if (error instanceof AppError) return { publishedProblem: error.message };
        throw error;
      }),
    ]);
    const covering = (all: readonly HostToken[], origin: 'configuration' | 'store') =>
      all.flatMap((token) => {
        const types = token.types.filter((type) => tokenCovers(token, ownerName, type)).map(formatRRType);
        return types.length > 0 && tokenState(token, now()) === 'valid' ? [{ name: token.name, origin, types }] : [];
      });
    return {
      ...view,
      ...published,
      pending: wishes.filter((wish) => wish.ownerName.equals(ownerName)).map(pendingUpdateView),
      tokens: [...covering(tokens, 'configuration'), ...covering(stored, 'store')],
    };
  }

  async #put(settings: HostSettings): Promise<void> {
    await this.#store().hosts.put(settings);
    this.#options.directory?.changed(settings.ownerName, settings);
  }

  async #hostView(ownerName: DomainName): Promise<HostView> {
    const { store, hosts } = this.#options;
    const configured = hosts.find((settings) => settings.ownerName.equals(ownerName));
    const settings = configured ?? (await store?.hosts.get(ownerName));
    const origin = configured !== undefined ? 'configuration' : settings !== undefined ? 'store' : 'none';
    return hostView(ownerName, settings, origin, await store?.history.activity(ownerName));
  }

  #checkHost({ ownerName, ttl, addresses, leaseSeconds, fallback = [] }: NewHost): void {
    const zone = this.#requireZone(ownerName);
    const { min = 0, max = Number.POSITIVE_INFINITY } = zone.ttl;
    if (ttl !== undefined && (ttl < min || ttl > max)) {
      const limit = ttl < min ? `less than ttl.min (${min})` : `more than ttl.max (${max})`;
      throw new AppError('request-malformed', `The TTL ${ttl} is ${limit} of the zone '${zone.apex}'.`);
    }
    const { allow, deny } = hostView(ownerName, { ...defaultHostSettings(ownerName), addresses }, 'store', undefined);
    const both = deny.find((prefix) => allow.includes(prefix));
    if (both !== undefined) throw new AppError('request-malformed', `${both} cannot be allowed and denied at once.`);
    const isIpv6 = (text: string) => text.includes(':');
    if (fallback.filter(isIpv6).length > 1 || fallback.filter((text) => !isIpv6(text)).length > 1) {
      throw new AppError('request-malformed', 'A host has at most one IPv4 and one IPv6 address as fallback.');
    }
    if (fallback.length > 0 && leaseSeconds === undefined) {
      throw new AppError('request-malformed', 'A fallback needs a lease, which says when it is published.');
    }
  }

  #refuseConfiguredHost(ownerName: DomainName): void {
    if (!this.#options.hosts.some((settings) => settings.ownerName.equals(ownerName))) return;
    throw new AppError(
      'conflict',
      `The settings of '${ownerName}' stand in the configuration file, which counts before the store. Change them there, and let the server read the file again (SIGHUP).`,
    );
  }

  // --- history and wishes ---

  /** @param before only events with smaller ids @throws AppError conflict (no store), store-unreachable */
  async history(ownerName: DomainName, limit: number, before?: string): Promise<HistoryView> {
    const { history } = this.#store();
    await this.#options.flush?.();
    const events = await history.read(ownerName, limit + 1, before);
    const { lastSeen, repeats } = hostView(ownerName, undefined, 'none', await history.activity(ownerName));
    return {
      host: ownerName.toString(),
      events: events.slice(0, limit).map(eventView),
      more: events.length > limit,
      ...(lastSeen !== undefined && { lastSeen }),
      ...(repeats !== undefined && { repeats }),
    };
  }

  /** What the host had at some time. @throws AppError as `history` */
  async historyAt(ownerName: DomainName, timeMs: number): Promise<PastView> {
    const { history } = this.#store();
    await this.#options.flush?.();
    return { host: ownerName.toString(), time: isoTime(timeMs), ...(await history.stateAt(ownerName, timeMs)) };
  }

  /** Forgets the events of a host, and when it was last seen; says how many events there were. @throws AppError as `history` */
  async purgeHistory(ownerName: DomainName): Promise<number> {
    const { history } = this.#store();
    await this.#options.flush?.();
    return history.purge(ownerName);
  }

  /** What was accepted and could not be published yet, the oldest first. @throws AppError store-unreachable */
  async pending(): Promise<PendingView> {
    const wishes = (await this.#options.store?.pending.list()) ?? [];
    return { count: wishes.length, oldest: wishes.slice(0, SHOWN_UPDATES).map(pendingUpdateView) };
  }

  // --- what they share ---

  #store(): Pick<Store, 'tokens' | 'hosts' | 'history' | 'pending'> {
    const { store } = this.#options;
    if (store !== undefined) return store;
    throw new AppError(
      'conflict',
      "The configuration names no store: set 'store: sqlite:/var/lib/dyndns/dyndns.db' (or postgres://USER@HOST/DATABASE) and start the server again.",
    );
  }

  /** The zone of a name; a pattern may also stand above zones. @throws AppError name-invalid that names the zones */
  #requireZone(pattern: DomainName): Pick<Zone, 'apex' | 'ttl'> {
    const { zones } = this.#options;
    const above = zones.filter(({ apex }) => pattern.isAtOrBelow(apex));
    above.sort((a, b) => b.apex.labelCount - a.apex.labelCount);
    const zone = above[0] ?? zones.find(({ apex }) => pattern.isWildcard && apex.isAtOrBelow(pattern.parent()!));
    if (zone !== undefined) return zone;
    const known = zones.map(({ apex }) => `'${apex}'`).join(', ');
    throw new AppError('name-invalid', `'${pattern}' is in no zone of the configuration; it has ${known || 'none'}.`);
  }
}

function byName(a: HostMember, b: HostMember): number {
  return DomainName.compare(a.ownerName, b.ownerName);
}

function describeRead(outcome: ReadOutcome): Pick<HostDetails, 'published' | 'publishedProblem'> {
  if (outcome.kind === 'cname') return { publishedProblem: 'a CNAME is there' };
  if (outcome.kind === 'occluded') return { publishedProblem: `it lies below '${outcome.by}'` };
  const { A, AAAA } = outcome.published;
  return { published: { A: A.addresses, AAAA: AAAA.addresses } };
}
