/**
 * Which names a member may take: where the zone lets members, and only a name that no one has or had. What others have is not
 * told: every such name is simply taken.
 */
import { DomainName, NameError } from '../../dns/name.ts';
import { toChallengeName } from '../access/acme-challenge.ts';
import type { HostToken } from '../access/token.ts';
import { AppError } from '../errors.ts';
import type { HostSettings } from '../hosts/host.ts';
import type { Store } from '../store.ts';
import type { User } from '../users/user.ts';
import { FAMILIES } from '../zones/family.ts';
import { type MembersRule, ownerNameRefusal, type Zone, type ZoneTable } from '../zones/zone.ts';
import { taken } from './host-settings.ts';

export interface NameClaimsOptions {
  readonly zones: () => ZoneTable | Promise<ZoneTable>;
  readonly store: Pick<Store, 'hosts' | 'tokens' | 'history' | 'pending'> | undefined;
  /** Those of the configuration file. */
  readonly tokens: readonly HostToken[];
  readonly hosts: readonly HostSettings[];
  /** Writes the buffered events of the history. */
  readonly flush?: (() => Promise<void>) | undefined;
  /** Of a check at the primary, by the monotonic clock. */
  readonly deadlineMs: () => number;
}

/** Refused requests alone are no history: anyone who has a token can cause them at any name. */
const EVENTS_READ = 100;

export class NameClaims {
  readonly #options: NameClaimsOptions;

  constructor(options: NameClaimsOptions) {
    this.#options = options;
  }

  /**
   * Checks that a member may take a name.
   * @throws AppError not-permitted (members may take no such name), conflict (it is taken), store-unreachable, primary-*
   */
  async check(user: User, ownerName: DomainName): Promise<void> {
    const zone = (await this.#options.zones()).find(ownerName);
    if (zone === undefined || !mayBeClaimed(zone, ownerName)) {
      throw new AppError('not-permitted', `Members may not take the name '${ownerName}'. An admin can give it to you.`);
    }
    if (zone.staticNames?.has(ownerName.key) || this.#isConfigured(ownerName)) throw taken(ownerName);
    if ((await this.#isStored(user, ownerName)) || (await this.#isPublished(zone, ownerName))) throw taken(ownerName);
  }

  /** Does the configuration file name it: a host, a member of one, or a token? */
  #isConfigured(ownerName: DomainName): boolean {
    const { hosts, tokens } = this.#options;
    const names = withChallenge(ownerName);
    const isName = (name: DomainName) => names.some((each) => each.equals(name));
    return (
      hosts.some((host) => isName(host.ownerName) || host.members.some((member) => isName(member.ownerName))) ||
      tokens.some((token) => token.hosts.some(isName))
    );
  }

  async #isStored(user: User, ownerName: DomainName): Promise<boolean> {
    const { store, flush } = this.#options;
    if (store === undefined) return false;
    await flush?.();
    const { hosts, tokens, history, pending } = store;
    const found = await Promise.all([
      hosts.get(ownerName),
      history.activity(ownerName),
      ...FAMILIES.map((family) => pending.get(ownerName, family)),
    ]);
    if (found.some((each) => each !== undefined)) return true;
    const events = await history.read(ownerName, EVENTS_READ);
    if (events.length === EVENTS_READ || events.some(({ outcome }) => outcome !== 'refused')) return true;
    for (const name of withChallenge(ownerName)) {
      if (await tokens.othersName(name, user.id)) return true;
    }
    return false;
  }

  /** Has the name records, of whatever type, or is it hidden by a delegation? A wildcard above it does not count. */
  async #isPublished({ apex, publisher }: Zone, ownerName: DomainName): Promise<boolean> {
    const deadlineMs = this.#options.deadlineMs();
    if ((await publisher.read(ownerName, deadlineMs)).kind === 'occluded') return true;
    const change = {
      zone: apex,
      ownerName,
      prerequisites: [{ kind: 'name-not-in-use' as const, ownerName }],
      edits: [],
    };
    return (await publisher.publish(change, deadlineMs)) !== 'published';
  }
}

function mayBeClaimed(zone: Zone, ownerName: DomainName): boolean {
  const { members, apex } = zone;
  if (members?.claim !== true || ownerName.isWildcard || ownerName.equals(apex)) return false;
  return matchesPattern(members, apex, ownerName) && ownerNameRefusal(zone, ownerName) === undefined;
}

/** Is the name one label below what the pattern has behind its `*`? */
function matchesPattern({ pattern }: Pick<MembersRule, 'pattern'>, apex: DomainName, ownerName: DomainName): boolean {
  const below = pattern === '*' ? apex : DomainName.parse(`${pattern.slice('*.'.length)}.${apex}`);
  return ownerName.parent()?.equals(below) === true;
}

/** The name, and that of its DNS-01 challenge: who may write there can have certificates for it (RFC 8555 §8.4). */
function withChallenge(ownerName: DomainName): readonly DomainName[] {
  try {
    return [ownerName, toChallengeName(ownerName)];
  } catch (error) {
    // It would be too long.
    if (error instanceof NameError) return [ownerName];
    throw error;
  }
}
