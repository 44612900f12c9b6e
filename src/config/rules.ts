/** What the files of resolve/ share: reporting a problem, copying plain options, making paths and names absolute. */
import { isAbsolute, resolve as resolvePath } from 'node:path';
import { formatIpPrefix } from '../dns/address.ts';
import { parseHostName } from '../dns/host-name.ts';
import { DomainName, NameError } from '../dns/name.ts';
import type { AddressRules } from './config.ts';
import { ValueError } from './kinds/kind.ts';
import { listPathOf, type PlacedValues, ROWS } from './options/options.ts';
import type { Problem } from './problem.ts';
import type { Scope } from './settings.ts';

export interface ResolveContext {
  /** The directory of the configuration file, where relative paths start. */
  readonly directory: string;
  /** Replaces `$CREDENTIALS_DIRECTORY/`. @throws ValueError */
  readonly expandPath: (path: string) => string;
  /** Absolute path of the directory for sockets (systemd's RuntimeDirectory=); undefined where there is none. */
  readonly runtimeDirectory: string | undefined;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly problems: Problem[];
  readonly warnings: string[];
}

export function refuse(context: ResolveContext, scope: Scope, path: string, message: string): void {
  context.problems.push({ origin: scope.originOf(path), path: scope.pathText(path), message });
}

const ROWS_OF_LIST = new Map<string, { path: string; steps: readonly string[]; required: string | undefined }[]>();
for (const [path, { place, required }] of ROWS) {
  if (place === undefined && required === undefined) continue;
  const list = listPathOf(path);
  const rows = ROWS_OF_LIST.get(list) ?? [];
  ROWS_OF_LIST.set(list, rows);
  rows.push({ path, steps: place?.split('.') ?? [], required });
}

/**
 * The options of a scope that are copied as they are, each at the `place` of its row. An option without a value is
 * absent. A required option that is missing is a problem.
 * @param list the path of the list that the scope is an entry of, `zones[]`; empty for the file
 */
export function placedOptions<List extends string>(
  scope: Scope,
  list: List,
  context: ResolveContext,
): PlacedValues<List> {
  const placed: Section = {};
  for (const { path, steps, required } of ROWS_OF_LIST.get(list) ?? []) {
    if (required !== undefined && !scope.isMentioned(path)) refuse(context, scope, path, `is required: ${required}.`);
    const value = scope.find(path)?.value;
    let section = placed;
    for (const step of steps.slice(0, -1)) {
      section[step] ??= {};
      section = section[step] as Section;
    }
    if (steps.length > 0 && value !== undefined) section[steps.at(-1)!] = value;
  }
  return placed as PlacedValues<List>;
}

interface Section {
  [step: string]: unknown;
}

/** The apexes of all zones; undefined while one is invalid: a name that is in no other zone may be in that one. */
export function apexesOf(zones: readonly Scope[]): readonly DomainName[] | undefined {
  const apexes = zones.flatMap((zone) => zone.get('zones[].name') ?? []);
  return apexes.length === zones.length ? apexes : undefined;
}

export function refuseOutsideZones(
  scope: Scope,
  path: string,
  name: DomainName,
  apexes: readonly DomainName[] | undefined,
  context: ResolveContext,
): void {
  if (apexes === undefined || apexes.some((apex) => name.isAtOrBelow(apex))) return;
  const listed = apexes.length === 0 ? 'it has none' : `it has ${apexes.map((apex) => `'${apex}'`).join(', ')}`;
  refuse(context, scope, path, `'${name}' is not in a zone of the file; ${listed}.`);
}

/** The absolute path of the option's file; undefined without the option, or after a problem was reported. */
export function absolutePath(
  scope: Scope,
  path: 'http.tls.certificate' | 'http.tls.key' | 'http.tls.acme.folder' | 'dns.database' | 'control',
  context: ResolveContext,
): string | undefined {
  const file = scope.get(path);
  return file === undefined ? undefined : makeAbsolute(file, scope, path, context);
}

/** The same for a path that is only a part of the option's value. */
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

/** Refuses a prefix in both lists: there would be no longest prefix that decides. */
export function refuseBothLists(
  scope: Scope,
  list: 'zones[]' | 'hosts[]',
  rules: AddressRules,
  context: ResolveContext,
): void {
  const allowed = new Set(rules.allow.map(formatIpPrefix));
  for (const prefix of rules.deny.map(formatIpPrefix)) {
    if (!allowed.has(prefix)) continue;
    const message = `${prefix} is in addresses.allow too; remove it from one of the two lists.`;
    refuse(context, scope, `${list}.addresses.deny`, message);
  }
}

/** Appends the zone's name to relative names; `@` is the apex. Names that end in the zone's name are absolute. */
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
      else refuse(context, scope, path, `'${name}' is not below the zone '${apex}'; use a name below it.`);
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
