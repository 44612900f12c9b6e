/**
 * Accounts of acme-dns. An account is a stored token that may write TXT records at one random name below `acme_dns.zone`. The
 * owner of another name delegates its challenge there by a CNAME at `_acme-challenge`; the account can change nothing else.
 * Registration may be open to anyone, so the number of accounts and their rate are limited.
 */

import type { IpAddress, IpPrefix } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { AppError } from '../errors.ts';
import { type MinuteLimiter, sourceKey } from './rate-limits.ts';
import { type HostToken, isInPrefixes, tokenSha256 } from './token.ts';
import type { TokenStore } from './token-store.ts';

export interface AcmeDnsOptions {
  /** The parent of all accounts' names. */
  readonly above: DomainName;
  /** The sources that may register without a credential. */
  readonly register: readonly IpPrefix[];
  /** Web origins whose pages may use the API from a browser. */
  readonly corsOrigins: readonly string[];
  /** How many values stay at a name: the newest. */
  readonly values: number;
  readonly maxAccounts: number;
  readonly store: Pick<TokenStore, 'create' | 'countNamed'>;
  /** Limits registrations by source. */
  readonly registrations: MinuteLimiter;
  readonly random: (octets: number) => Uint8Array;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A new account, for its one reply: the password is not stored. */
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
  readonly corsOrigins: ReadonlySet<string>;

  constructor(options: AcmeDnsOptions) {
    this.#options = options;
    this.corsOrigins = new Set(options.corsOrigins);
  }

  get values(): number {
    return this.#options.values;
  }

  /** Whether there are sources that may register without a credential. */
  get opensBySource(): boolean {
    return this.#options.register.length > 0;
  }

  /** May this source register without a credential? */
  isOpenTo(caller: IpAddress | undefined): boolean {
    return isInPrefixes(caller, this.#options.register);
  }

  /** Counts a registration of a caller who may register. @throws AppError rate-limited */
  admit(caller: IpAddress | undefined): void {
    const { registrations } = this.#options;
    const source = sourceKey(caller);
    const retryAfterSeconds = registrations.retryAfterSeconds(source);
    if (retryAfterSeconds !== undefined) {
      throw new AppError('rate-limited', 'Too many registrations in the last minute.', { retryAfterSeconds });
    }
    registrations.count(source);
  }

  /**
   * Creates an account for an admitted caller.
   * @param sources where its requests may come from; empty: anywhere
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
    // Random bits do not repeat, unless the source of randomness is broken.
    if (outcome !== 'created') throw new AppError('internal', 'The random id of a new account already exists.');
    return { username, password, subdomain, ownerName };
  }
}

/** The name of this user's token. */
export function acmeDnsTokenName(username: string): string {
  return `${TOKEN_PREFIX}${username}`;
}

/** The one owner name of an account; undefined if the token is not an account. */
export function acmeDnsOwnerName({ name, hosts }: Pick<HostToken, 'name' | 'hosts'>): DomainName | undefined {
  const [ownerName] = hosts;
  const isAccount = name.startsWith(TOKEN_PREFIX) && hosts.length === 1 && ownerName?.isWildcard === false;
  return isAccount ? ownerName : undefined;
}

/** A UUID of version 4 (RFC 9562 §5.4). */
function uuid(random: AcmeDnsOptions['random']): string {
  const octets = Buffer.from(random(16));
  octets[6] = (octets[6]! & 0x0f) | 0x40;
  octets[8] = (octets[8]! & 0x3f) | 0x80;
  return octets.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
