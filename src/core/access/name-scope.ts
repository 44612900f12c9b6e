/** A scope: the owner names that a credential covers, as literal names and patterns. Compared by labels, without case. */
import type { DomainName } from '../../dns/name.ts';

/** `*.x` covers every name below x at any depth, including the literal `*.x`, but not x itself. */
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
