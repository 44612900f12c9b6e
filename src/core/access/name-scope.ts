/** A scope: the owner names that a credential covers, as literal names and patterns. Compared by labels, without case. */
import type { DomainName } from '../../dns/name.ts';

/** `*.x` covers every name below x at any depth, including the literal `*.x`, but not x itself. */
export type NameScope = readonly DomainName[];

/** A longer scope gets an index: an UPDATE can have thousands of names, and a scope, too. */
const FEW = 8;

interface ScopeIndex {
  /** `DomainName.key` of the literal names. */
  readonly literal: ReadonlySet<string>;
  /** Of the x of each pattern `*.x`. */
  readonly above: ReadonlySet<string>;
}

const indexes = new WeakMap<NameScope, ScopeIndex>();

export function scopeCovers(scope: NameScope, ownerName: DomainName): boolean {
  if (scope.length > FEW) return indexCovers(indexOf(scope), ownerName.key);
  for (const pattern of scope) if (patternCovers(pattern, ownerName)) return true;
  return false;
}

/** The same for a name by its key: for a search through all names of a zone. */
export function scopeCoversKey(scope: NameScope, key: string): boolean {
  return indexCovers(indexOf(scope), key);
}

function patternCovers(pattern: DomainName, ownerName: DomainName): boolean {
  if (!pattern.isWildcard) return ownerName.equals(pattern);
  const above = pattern.parent() as DomainName;
  return ownerName.octets.length > above.octets.length && ownerName.isAtOrBelow(above);
}

function indexOf(scope: NameScope): ScopeIndex {
  let index = indexes.get(scope);
  if (index === undefined) {
    index = {
      literal: new Set(scope.filter((name) => !name.isWildcard).map(({ key }) => key)),
      above: new Set(scope.filter((name) => name.isWildcard).map((name) => name.parent()!.key)),
    };
    indexes.set(scope, index);
  }
  return index;
}

function indexCovers({ literal, above }: ScopeIndex, key: string): boolean {
  if (literal.has(key)) return true;
  for (let parent = key; parent.length > 1; ) {
    parent = parent.slice(parent.charCodeAt(0) + 1);
    if (above.has(parent)) return true;
  }
  return false;
}
