/** What the rules of the resolve files have in common: where problems go, paths and names made absolute. */
import { isAbsolute, resolve as resolvePath } from 'node:path';
import { formatIpPrefix } from '../dns/address.ts';
import { parseHostName } from '../dns/host-name.ts';
import { DomainName, NameError } from '../dns/name.ts';
import type { AddressRules } from './config.ts';
import { ValueError } from './kinds/kinds.ts';
import type { Problem } from './problem.ts';
import type { Scope } from './settings.ts';

export interface ResolveContext {
  /** Directory that relative paths start from: that of the configuration file. */
  readonly directory: string;
  /** Replaces `$CREDENTIALS_DIRECTORY/`. @throws ValueError */
  readonly expandPath: (path: string) => string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly problems: Problem[];
  readonly warnings: string[];
}

export function refuse(context: ResolveContext, scope: Scope, path: string, message: string): void {
  context.problems.push({ origin: scope.originOf(path), path: scope.pathText(path), message });
}

/** The absolute path of a file that the option names, or undefined when it names none or a problem was reported. */
export function absolutePath(
  scope: Scope,
  path: 'http.tls.certificate' | 'http.tls.key' | 'http.tls.acme.folder' | 'dns.database' | 'control',
  context: ResolveContext,
): string | undefined {
  const file = scope.get(path);
  return file === undefined ? undefined : makeAbsolute(file, scope, path, context);
}

/** The same for a path that is part of the value. */
export function makeAbsolute(file: string, scope: Scope, path: string, context: ResolveContext): string | undefined {
  try {
    const expanded = context.expandPath(file);
    return isAbsolute(expanded) ? expanded : resolvePath(context.directory, expanded);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    refuse(context, scope, path, error.message);
    return undefined;
  }
}

/** What is allowed and denied. With the same prefix in both lists no longest prefix wins. */
export function addressRules(scope: Scope, list: 'zones[]' | 'hosts[]', context: ResolveContext): AddressRules {
  const rules = { allow: scope.get(`${list}.addresses.allow`), deny: scope.get(`${list}.addresses.deny`) };
  const allowed = new Set(rules.allow.map(formatIpPrefix));
  for (const prefix of rules.deny.map(formatIpPrefix)) {
    if (!allowed.has(prefix)) continue;
    const message = `${prefix} is in addresses.allow too; it is allowed in one of them.`;
    refuse(context, scope, `${list}.addresses.deny`, message);
  }
  return rules;
}

/** Relative names get the zone's name, `@` is the zone itself; names that end in the zone's name are taken as they are. */
export function namesOfZone(
  scope: Scope,
  path: 'zones[].reserved' | 'zones[].tsig_keys[].hosts',
  apex: DomainName,
  context: ResolveContext,
): DomainName[] {
  const names: DomainName[] = [];
  for (const text of scope.get(path) ?? []) {
    try {
      const name = text === '@' ? apex : text.endsWith('.') ? parseHostName(text) : joinName(text, apex);
      if (name.isAtOrBelow(apex)) names.push(name);
      else refuse(context, scope, path, `'${name}' is not below the zone '${apex}'; it must be a name below it.`);
    } catch (error) {
      if (!(error instanceof NameError)) throw error;
      refuse(context, scope, path, error.message);
    }
  }
  return names;
}

function joinName(text: string, apex: DomainName): DomainName {
  const joined = parseHostName(`${text}.${apex}`);
  const own = DomainName.ofLabels(joined.labels().slice(0, -apex.labelCount));
  return own.isAtOrBelow(apex) ? own : joined;
}
