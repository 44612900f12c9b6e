/**
 * A client's own credential: what it may change, and until when. Only the SHA-256 of the secret is stored.
 *
 * A secret has 160 random bits, so one fast hash is enough. It consists of letters and digits, because many routers put it
 * into a URL without escaping.
 */
import { hash } from 'node:crypto';
import type { IpAddress, IpPrefix } from '../../dns/address.ts';
import { addressOctets, formatIpPrefix, prefixContains, unmapAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { AppError } from '../errors.ts';
import type { TokenOwner } from '../users/user.ts';
import { challengeSubject } from './acme-challenge.ts';
import { type NameScope, scopeCovers } from './name-scope.ts';
import { requireCaller } from './require-caller.ts';

/** `own`: only the address that the request comes from. */
export type TokenAddresses = 'any' | 'own' | readonly IpPrefix[];

export interface HostToken {
  /** Random; unchanged when the secret is rotated. */
  readonly id: string;
  /** For people, the log and the history; not secret. */
  readonly name: string;
  /** The hash of the secret: 64 hexadecimal digits, lower case. */
  readonly sha256: string;
  /** The owner names that it may change. */
  readonly hosts: NameScope;
  /** The RR types that it may change. */
  readonly types: readonly number[];
  readonly addresses: TokenAddresses;
  /** Where its requests may come from, at least one prefix; absent: anywhere. From elsewhere it is a wrong credential. */
  readonly sources?: readonly IpPrefix[];
  /** It may create accounts of acme-dns. */
  readonly register?: boolean;
  /** It ends when it was not used for this number of days, since its creation or its last use: see unused-tokens.ts. */
  readonly maxUnusedDays?: number;
  /** The last day on which it is valid, `YYYY-MM-DD` in UTC. */
  readonly expires?: string;
  /** The user whom it belongs to: it may not do more than the user may. Absent: the operator. */
  readonly owner?: TokenOwner;
  /** Milliseconds since 1970, as every `…Ms` here. */
  readonly createdMs: number;
  readonly revokedMs?: number;
}

export interface ListedToken extends HostToken {
  /** Accurate to about a second; absent: never used. */
  readonly lastUsedMs?: number;
  /** When a token of the configuration file was first seen; absent: not known. */
  readonly firstSeenMs?: number;
}

/** The types of a token without `types`. */
export const DEFAULT_TOKEN_TYPES: readonly number[] = [RRType.A, RRType.AAAA];

/** The SHA-256 of a secret, as tokens store it. */
export function tokenSha256(secret: string): string {
  return hash('sha256', secret, 'hex');
}

const RANDOM_OCTETS = 32;

/** A secret of 256 random bits that no person types: of sessions and links. @param random returns this number of random octets */
export function randomSecret(random: (octets: number) => Uint8Array): string {
  return Buffer.from(random(RANDOM_OCTETS)).toString('base64url');
}

/**
 * The secret that a FreeDNS version 1 client sends instead of user name and password. Like any secret, it is stored as its
 * SHA-256. @param user in lower case: some clients convert it
 */
export function freednsSecret(user: string, password: string): string {
  return hash('sha1', `${user}|${password}`, 'hex');
}

const SECRET_OCTETS = 20;
const SECRET_LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';

/** A new secret: 32 letters and digits. @param random returns this number of random octets */
export function newTokenSecret(random: (octets: number) => Uint8Array): string {
  const octets = random(SECRET_OCTETS);
  let secret = '';
  let bitCount = 0;
  let bits = 0;
  for (const octet of octets) {
    bits = (bits << 8) | octet;
    for (bitCount += 8; bitCount >= 5; bitCount -= 5) secret += SECRET_LETTERS[(bits >> (bitCount - 5)) & 31];
    bits &= (1 << bitCount) - 1;
  }
  return secret;
}

const DAY_MS = 86_400_000;

/** When a token expires: 24:00 UTC of its last day; undefined: never. */
export function expiryMs({ expires }: Pick<HostToken, 'expires'>): number | undefined {
  return expires === undefined ? undefined : Date.parse(`${expires}T00:00:00Z`) + DAY_MS;
}

/** Without the end of a token that is not used, which depends on its last use: see unused-tokens.ts. */
export function tokenState(
  token: Pick<HostToken, 'expires' | 'revokedMs'>,
  nowMs: number,
): 'valid' | 'expired' | 'revoked' {
  if (token.revokedMs !== undefined) return 'revoked';
  // An unreadable day gives NaN, which is expired, too.
  return nowMs < (expiryMs(token) ?? Number.POSITIVE_INFINITY) ? 'valid' : 'expired';
}

/** When a token ends that is not used again; undefined: never. @param lastMs the later of creation and last use */
export function unusedEndMs({ maxUnusedDays }: Pick<HostToken, 'maxUnusedDays'>, lastMs: number): number | undefined {
  return maxUnusedDays === undefined ? undefined : lastMs + maxUnusedDays * DAY_MS;
}

/** May the token be used from this address? @throws AppError caller-unknown where that depends on an unknown address */
export function tokenAllowsSource({ sources }: Pick<HostToken, 'sources'>, caller: IpAddress | undefined): boolean {
  return sources === undefined || isInPrefixes(requireCaller(caller), sources);
}

/** An IPv4-mapped address is compared as IPv4; an unknown address is in no prefix. */
export function isInPrefixes(address: IpAddress | undefined, prefixes: readonly IpPrefix[]): boolean {
  if (address === undefined) return false;
  const octets = addressOctets(unmapAddress(address));
  return prefixes.some((prefix) => prefixContains(prefix, octets));
}

/**
 * May the token change RRs of this type at this name? TXT includes the challenge name of every covered name (RFC 8555 §8.4),
 * also `_acme-challenge.x` for `*.x`, which a certificate for `*.x` needs. A token with TXT alone writes challenge names only.
 */
export function tokenCovers(
  { hosts, types }: Pick<HostToken, 'hosts' | 'types'>,
  ownerName: DomainName,
  type: number,
): boolean {
  if (!types.includes(type)) return false;
  if (type !== RRType.TXT) return scopeCovers(hosts, ownerName);
  const subject = challengeSubject(ownerName);
  if (subject !== undefined && scopeCovers(hosts, subject)) return true;
  const onlyChallenges = types.every((allowed) => allowed === RRType.TXT);
  return (subject !== undefined || !onlyChallenges) && scopeCovers(hosts, ownerName);
}

/**
 * Checks that the token may publish this address.
 * @param caller where the request comes from, if known
 * @throws AppError address-refused, caller-unknown
 */
export function checkTokenAddress(
  { addresses }: Pick<HostToken, 'addresses'>,
  address: IpAddress,
  caller: IpAddress | undefined,
): void {
  if (addresses === 'any') return;
  if (addresses === 'own') {
    if (unmapAddress(requireCaller(caller)).text === unmapAddress(address).text) return;
    throw new AppError(
      'address-refused',
      `This token may only publish the caller's own address, and '${address.text}' is not it.`,
    );
  }
  if (isInPrefixes(address, addresses)) return;
  const allowed = addresses.map(formatIpPrefix).join(', ');
  throw new AppError(
    'address-refused',
    `The address '${address.text}' is not in a prefix that this token allows: ${allowed}.`,
  );
}
