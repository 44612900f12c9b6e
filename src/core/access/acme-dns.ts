/**
 * Accounts of acme-dns: each is a stored token that may write TXT at one name of its own, below the name that the operator
 * has set aside. Whoever controls a name puts a CNAME from its `_acme-challenge` there, and nothing else of its zone is in
 * reach of the account. Anybody may be let in to register, so their number and their pace have bounds.
 */

import type { IpAddress, IpPrefix } from '../../dns/address.ts';
import { addressOctets, prefixContains, unmapAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { AppError } from '../errors.ts';
import { type MinuteLimiter, sourceKey } from './rate-limits.ts';
import { type HostToken, tokenSha256 } from './token.ts';
import type { TokenStore } from './token-store.ts';

export interface AcmeDnsOptions {
  /** The names of accounts are right below it. */
  readonly above: DomainName;
  /** Who may register. */
  readonly register: readonly IpPrefix[];
  /** So many values at a name: the newest. */
  readonly values: number;
  readonly maxAccounts: number;
  readonly store: Pick<TokenStore, 'create' | 'countNamed'>;
  /** Of registrations, by source. */
  readonly registrations: MinuteLimiter;
  readonly random: (octets: number) => Uint8Array;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What a client is told of its account, once. */
export interface NewAcmeDnsAccount {
  readonly username: string;
  readonly password: string;
  readonly subdomain: string;
  readonly ownerName: DomainName;
}

const TOKEN_PREFIX = 'acme-dns-';
const ID_OCTETS = 12;
/** 40 characters of base64url. */
const PASSWORD_OCTETS = 30;

export class AcmeDns {
  readonly #options: AcmeDnsOptions;

  constructor(options: AcmeDnsOptions) {
    this.#options = options;
  }

  get values(): number {
    return this.#options.values;
  }

  /** Counts one request to register. @throws AppError not-permitted, rate-limited */
  admit(caller: IpAddress | undefined): void {
    const { registrations } = this.#options;
    if (!this.#mayRegister(caller)) throw new AppError('not-permitted', 'Registration is not open to this address.');
    const source = sourceKey(caller);
    const retryAfterSeconds = registrations.retryAfterSeconds(source);
    if (retryAfterSeconds !== undefined) {
      throw new AppError('rate-limited', 'Too many registrations in the last minute.', { retryAfterSeconds });
    }
    registrations.count(source);
  }

  /**
   * Makes an account for somebody who was admitted.
   * @param sources where its requests may come from; none: anywhere
   * @throws AppError conflict (too many accounts), store-unreachable
   */
  async register(sources: readonly IpPrefix[]): Promise<NewAcmeDnsAccount> {
    const { above, maxAccounts, store, random, now } = this.#options;
    if ((await store.countNamed(TOKEN_PREFIX)) >= maxAccounts) {
      throw new AppError(
        'conflict',
        `There are ${maxAccounts} accounts already: the operator raises acme_dns.max_accounts, or revokes tokens.`,
      );
    }
    const [username, subdomain] = [uuid(random), uuid(random)];
    const password = Buffer.from(random(PASSWORD_OCTETS)).toString('base64url');
    const ownerName = above.prepend(subdomain);
    const token: HostToken = {
      id: Buffer.from(random(ID_OCTETS)).toString('hex'),
      name: `${TOKEN_PREFIX}${username}`,
      sha256: tokenSha256(password),
      hosts: [ownerName],
      types: [RRType.TXT],
      addresses: 'any',
      ...(sources.length > 0 && { sources }),
      createdMs: now(),
    };
    const outcome = await store.create(token);
    // Random bits do not come twice: the source of randomness is broken.
    if (outcome !== 'created') throw new AppError('internal', 'A new account was there already.');
    return { username, password, subdomain, ownerName };
  }

  #mayRegister(caller: IpAddress | undefined): boolean {
    if (caller === undefined) return false;
    const octets = addressOctets(unmapAddress(caller));
    return this.#options.register.some((prefix) => prefixContains(prefix, octets));
  }
}

/** The name of the token that is the account of this user. */
export function acmeDnsTokenName(username: string): string {
  return `${TOKEN_PREFIX}${username}`;
}

/** The one name of an account; undefined for a token that is none. */
export function acmeDnsOwnerName({ name, hosts }: Pick<HostToken, 'name' | 'hosts'>): DomainName | undefined {
  const [ownerName, ...others] = hosts;
  const isOne = name.startsWith(TOKEN_PREFIX) && others.length === 0 && ownerName?.isWildcard === false;
  return isOne ? ownerName : undefined;
}

/** RFC 9562 §5.4. */
function uuid(random: AcmeDnsOptions['random']): string {
  const octets = Buffer.from(random(16));
  octets[6] = (octets[6]! & 0x0f) | 0x40;
  octets[8] = (octets[8]! & 0x3f) | 0x80;
  return octets.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
