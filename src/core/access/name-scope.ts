/** Which owner names a credential covers: literal names, and patterns. Names are compared by labels and without case. */
import { CHALLENGE_LABEL, challengeName } from '../../dns/challenge-name.ts';
import type { DomainName } from '../../dns/name.ts';

/** `*.x` covers every name below x at any depth, the literal `*.x` among them, and not x. */
export type NameScope = readonly DomainName[];

export function scopeCovers(scope: NameScope, ownerName: DomainName): boolean {
  for (const pattern of scope) if (patternCovers(pattern, ownerName)) return true;
  return false;
}

function patternCovers(pattern: DomainName, ownerName: DomainName): boolean {
  if (!pattern.isWildcard) return ownerName.equals(pattern);
  const above = pattern.parent() as DomainName;
  return ownerName.octets.length > above.octets.length && ownerName.isAtOrBelow(above);
}

const ACME_CHALLENGE = String.fromCharCode(CHALLENGE_LABEL.length) + CHALLENGE_LABEL;

/** The name that `_acme-challenge.name` proves control of (RFC 8555 §8.4); undefined for other names. */
export function acmeSubject(ownerName: DomainName): DomainName | undefined {
  return ownerName.key.startsWith(ACME_CHALLENGE) ? ownerName.parent() : undefined;
}

/**
 * Where the challenges for a name stand: for `*.x` they are those of x (RFC 8555 §7.1.3), and a name that is such a place
 * is it itself.
 * @throws NameError
 */
export function acmeChallenge(ownerName: DomainName): DomainName {
  if (acmeSubject(ownerName) !== undefined) return ownerName;
  return challengeName(ownerName);
}
