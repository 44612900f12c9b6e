/**
 * The values of the file and the environment, option by option, each with its origin: the step between reading
 * (read.ts, environment.ts) and the finished Config (resolve/), and the source of `dyndns config` (show.ts).
 */
import type { Option } from './options/option.ts';
import { type MaybeOptionValue, type OptionPath, ROWS } from './options/options.ts';
import type { Origin } from './problem.ts';

interface Setting {
  readonly value: unknown;
  readonly origin: Origin;
}

const DEFAULT: Origin = { kind: 'default' };

/** The options of the file as a whole, or those of one entry of a list: a zone, a key of a zone, a token. */
export class Scope {
  /** Where the scope begins, for problems that concern it as a whole. */
  readonly origin: Origin;
  /** `zones[0]` or `zones[0].tsig_keys[1]`; empty for the file. */
  readonly label: string;
  /** The list in the table: `zones[]`; empty for the file. */
  readonly listPath: string;
  readonly #settings = new Map<string, Setting>();
  readonly #defaults = new Map<string, Setting>();
  readonly #mentioned = new Map<string, Origin>();
  readonly #maps = new Set<string>();
  readonly #items = new Map<string, Scope[]>();
  readonly #parent: Scope | undefined;

  constructor(origin: Origin, label = '', listPath = '', parent?: Scope) {
    this.origin = origin;
    this.label = label;
    this.listPath = listPath;
    this.#parent = parent;
  }

  /** Adds the scope of a list entry. */
  addItem(listPath: string, index: number, origin: Origin): Scope {
    const items = this.#items.get(listPath) ?? [];
    this.#items.set(listPath, items);
    const item = new Scope(origin, `${this.pathText(listPath)}[${index}]`, listPath, this);
    items.push(item);
    return item;
  }

  /** The entries of a list in the order of the file. */
  items(listPath: string): readonly Scope[] {
    return this.#items.get(listPath) ?? [];
  }

  /** Records that the path is in the file, even if its value is invalid: a consequence of that is not a second problem. */
  mention(path: string, origin: Origin): void {
    this.#mentioned.set(path, origin);
  }

  set(path: string, value: unknown, origin: Origin): void {
    this.mention(path, origin);
    this.#settings.set(path, { value, origin });
  }

  /** Adds a default that depends on other options. @param reason why it is this value, for `dyndns config` */
  setDefault(path: OptionPath, value: unknown, reason: string): void {
    this.#defaults.set(path, { value, origin: { kind: 'default', reason } });
  }

  isMentioned(path: string): boolean {
    return this.#mentioned.has(path);
  }

  /** Records that the value is a map where a single value is possible too (the long form of `tsig_key`). */
  markMap(path: string): void {
    this.#maps.add(path);
  }

  isMap(path: string): boolean {
    return this.#maps.has(path);
  }

  /** True if the path is in the scope above this one. */
  isMentionedAbove(path: string): boolean {
    return this.#parent?.isMentioned(path) ?? false;
  }

  /** True if the value is set here: not inherited, not a default. */
  isSet(path: OptionPath): boolean {
    return this.#settings.has(path);
  }

  /** The value that is set here, else the inherited one, else the default. */
  get<P extends OptionPath>(path: P): MaybeOptionValue<P> {
    return this.find(path)?.value as MaybeOptionValue<P>;
  }

  /** Where the path is in this scope, else where its value comes from, else where the scope begins. */
  originOf(path: string): Origin {
    return this.#mentioned.get(path) ?? this.find(path)?.origin ?? this.origin;
  }

  /** The origin of the value; undefined when there is none. */
  originOfValue(path: OptionPath): Origin | undefined {
    return this.find(path)?.origin;
  }

  /** Like `get`, for a path that is computed. */
  find(path: string): Setting | undefined {
    const own = this.#settings.get(path);
    if (own !== undefined) return own;
    const row = ROWS.get(path);
    if (row?.inherits !== undefined) return this.#parent?.find(row.inherits);
    return row?.default === undefined ? this.#defaults.get(path) : { value: row.default, origin: DEFAULT };
  }

  /** The path with the index of the entry in place of `[]`. */
  pathText(path: string): string {
    const text = path.startsWith(this.listPath) ? this.label + path.slice(this.listPath.length) : path;
    return text.replace(/\[\]$/, '');
  }
}

export interface Settings {
  readonly file: string;
  readonly root: Scope;
  readonly zones: readonly Scope[];
  /** The file itself contains a secret, not only the paths of secret files. */
  readonly holdsSecrets: boolean;
}

/**
 * The kind of primary that a zone has: from its own `nameserver`, else from that of the file; with `ns` and no
 * nameserver at all it is embedded. Undefined where none of these is set, or the value is invalid.
 */
export function primaryKind(zone: Scope): 'remote' | 'embedded' | undefined {
  const primary = zone.get('zones[].nameserver');
  if (primary !== undefined) return primary === 'embedded' ? 'embedded' : 'remote';
  const isNamed = zone.isMentioned('zones[].nameserver') || zone.isMentionedAbove('nameserver');
  return zone.isMentioned('zones[].ns') && !isNamed ? 'embedded' : undefined;
}

/** False if the option is for zones with another kind of primary than the scope has. */
export function isInForce(row: Option, scope: Scope): boolean {
  if (row.only === undefined) return true;
  if (scope.listPath === '') return scope.items('zones[]').some((zone) => primaryKind(zone) === row.only);
  return scope.listPath !== 'zones[]' || primaryKind(scope) === row.only;
}
