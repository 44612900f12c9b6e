/** Which owner names a credential covers: literal names, and patterns. Names are compared by labels and without case. */
import type { DomainName } from '../dns/name.ts';

/** `*.x` covers every name below x at any depth, the literal `*.x` among them, and not x. */
export type NameScope = readonly DomainName[];

export function scopeCovers(scope: NameScope, ownerName: DomainName): boolean {
  return scope.some((pattern) => {
    if (!pattern.isWildcard) return ownerName.equals(pattern);
    const above = pattern.parent() as DomainName;
    return ownerName.octets.length > above.octets.length && ownerName.isAtOrBelow(above);
  });
}

const ACME_CHALLENGE = '\x0f_acme-challenge';

/** The name that `_acme-challenge.name` proves control of (RFC 8555 §8.4); undefined for other names. */
export function acmeSubject(ownerName: DomainName): DomainName | undefined {
  return ownerName.key.startsWith(ACME_CHALLENGE) ? ownerName.parent() : undefined;
}
