/**
 * A client's own credential: what it may change, and until when. Only the SHA-256 of the secret is ever kept.
 *
 * A secret has 160 random bits, so that one fast hash is enough. It is made of letters and digits alone, since many
 * routers put it into a URL without escaping it.
 */
import { hash } from 'node:crypto';
import type { IpAddress, IpPrefix } from '../../dns/address.ts';
import { addressOctets, formatIpPrefix, prefixContains, unmapAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { AppError } from '../errors.ts';
import { challengeSubject } from './acme-challenge.ts';
import { type NameScope, scopeCovers } from './name-scope.ts';

/** `own`: only the address that the request comes from. */
export type TokenAddresses = 'any' | 'own' | readonly IpPrefix[];

export interface HostToken {
  /** Random; stays when the secret is rotated. */
  readonly id: string;
  /** For people, the log and the history; not secret. */
  readonly name: string;
  /** Of the secret: 64 hexadecimal digits, lower case. */
  readonly sha256: string;
  /** The owner names that it may change. */
  readonly hosts: NameScope;
  /** The RR types that it may change. */
  readonly types: readonly number[];
  readonly addresses: TokenAddresses;
  /** Where requests with it may come from, at least one; absent: anywhere. From elsewhere it is a wrong credential. */
  readonly sources?: readonly IpPrefix[];
  /** The last day on which it counts, `YYYY-MM-DD` in UTC. */
  readonly expires?: string;
  /** Milliseconds since 1970, as every `…Ms` here. */
  readonly createdMs: number;
  readonly revokedMs?: number;
}

/** A token as it is shown in lists. */
export interface ListedToken extends HostToken {
  /** To the second or so; absent: never used. */
  readonly lastUsedMs?: number;
}

/** The types of a token that names none. */
export const DEFAULT_TOKEN_TYPES: readonly number[] = [RRType.A, RRType.AAAA];

/** The SHA-256 of a secret, as tokens keep it. */
export function tokenSha256(secret: string): string {
  return hash('sha256', secret, 'hex');
}

/**
 * What a client of FreeDNS version 1 sends in place of user name and password: a secret like any other, of which again
 * only the SHA-256 is kept. @param user in lower case: some clients make it so
 */
export function freednsSecret(user: string, password: string): string {
  return hash('sha1', `${user}|${password}`, 'hex');
}

const SECRET_OCTETS = 20;
const SECRET_LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';

/** A new secret: 32 letters and digits. @param random gives so many random octets */
export function newTokenSecret(random: (octets: number) => Uint8Array): string {
  const octets = random(SECRET_OCTETS);
  let secret = '';
  let bits = 0;
  let held = 0;
  for (const octet of octets) {
    held = (held << 8) | octet;
    for (bits += 8; bits >= 5; bits -= 5) secret += SECRET_LETTERS[(held >> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return secret;
}

/** When a token ends by itself: 24:00 UTC of its last day; undefined: never. */
export function expiryMs({ expires }: Pick<HostToken, 'expires'>): number | undefined {
  return expires === undefined ? undefined : Date.parse(`${expires}T00:00:00Z`) + 86_400_000;
}

export function tokenState(
  token: Pick<HostToken, 'expires' | 'revokedMs'>,
  nowMs: number,
): 'valid' | 'expired' | 'revoked' {
  if (token.revokedMs !== undefined) return 'revoked';
  // NaN, of a day that cannot be read, is no later time either.
  return nowMs < (expiryMs(token) ?? Number.POSITIVE_INFINITY) ? 'valid' : 'expired';
}

/** Does the token count for a request from there? An address that is not known is in no prefix. */
export function tokenAllowsSource({ sources }: Pick<HostToken, 'sources'>, caller: IpAddress | undefined): boolean {
  if (sources === undefined) return true;
  if (caller === undefined) return false;
  const octets = addressOctets(unmapAddress(caller));
  return sources.some((prefix) => prefixContains(prefix, octets));
}

/**
 * May the token change RRs of this type at this name? TXT also at `_acme-challenge.` of every name that it covers
 * (RFC 8555 §8.4); a token of TXT alone writes such names only. `*.x` covers `_acme-challenge.x`: a certificate for `*.x`
 * needs it.
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
 * @param caller where the request comes from, if that is known
 * @throws AppError address-refused
 */
export function checkTokenAddress(
  { addresses }: Pick<HostToken, 'addresses'>,
  address: IpAddress,
  caller: IpAddress | undefined,
): void {
  if (addresses === 'any') return;
  const plain = unmapAddress(address);
  if (addresses === 'own') {
    if (caller !== undefined && unmapAddress(caller).text === plain.text) return;
    throw new AppError(
      'address-refused',
      `The address '${address.text}' is not the caller's own, and this token may publish no other.`,
    );
  }
  const octets = addressOctets(plain);
  if (addresses.some((prefix) => prefixContains(prefix, octets))) return;
  const allowed = addresses.map(formatIpPrefix).join(', ');
  throw new AppError('address-refused', `The address '${address.text}' is not in what this token allows: ${allowed}.`);
}
