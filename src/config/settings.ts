/**
 * What the file and the environment say, option by option, each value with its origin: the step between reading
 * (read.ts, environment.ts) and the finished Config (resolve.ts), and what `dyndns config` prints (show.ts).
 */
import { type MaybeOptionValue, type Option, type OptionPath, ROWS } from './options/options.ts';
import type { Origin } from './problem.ts';

interface Setting {
  readonly value: unknown;
  readonly origin: Origin;
}

const DEFAULT: Origin = { kind: 'default' };

/** The options of the file as a whole, or those of one entry of a list: a zone, a key of a zone, a token. */
export class Scope {
  /** Where the scope begins, for problems of the whole. */
  readonly origin: Origin;
  /** `zones[0]` or `zones[0].tsig_keys[1]`; empty for the file. */
  readonly label: string;
  /** The path of the table that the label stands for: `zones[]`; empty for the file. */
  readonly listPath: string;
  readonly #settings = new Map<string, Setting>();
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

  /** Makes the scope of an entry of a list. */
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

  /** Remembers that the path was written, whatever its value is worth: no second error for what follows from it. */
  mention(path: string, origin: Origin): void {
    this.#mentioned.set(path, origin);
  }

  set(path: string, value: unknown, origin: Origin): void {
    this.mention(path, origin);
    this.#settings.set(path, { value, origin });
  }

  isMentioned(path: string): boolean {
    return this.#mentioned.has(path);
  }

  /** Remembers that a map was written where a single value is possible too (the long form of `tsig_key`). */
  markMap(path: string): void {
    this.#maps.add(path);
  }

  isMap(path: string): boolean {
    return this.#maps.has(path);
  }

  /** True if the path is written in this scope or in the one above it. */
  isMentionedAbove(path: string): boolean {
    return this.#parent?.isMentioned(path) ?? false;
  }

  /** True if the value was given here, not inherited and no default. */
  isSet(path: OptionPath): boolean {
    return this.#settings.has(path);
  }

  /** The value given here, else the inherited one, else the default. */
  get<P extends OptionPath>(path: P): MaybeOptionValue<P> {
    return this.find(path)?.value as MaybeOptionValue<P>;
  }

  /** Where the path was written here, else where the value comes from, else where the scope begins. */
  originOf(path: string): Origin {
    return this.#mentioned.get(path) ?? this.find(path)?.origin ?? this.origin;
  }

  /** Where the value itself stands; undefined when there is none. */
  originOfValue(path: OptionPath): Origin | undefined {
    return this.find(path)?.origin;
  }

  /** Like `get`, for a path that is not known when the program is compiled. */
  find(path: string): Setting | undefined {
    const own = this.#settings.get(path);
    if (own !== undefined) return own;
    const row = ROWS.get(path);
    if (row?.inherits !== undefined) return this.#parent?.find(row.inherits);
    return row?.default === undefined ? undefined : { value: row.default, origin: DEFAULT };
  }

  /** The path with the number of the entry in place of `[]`. */
  pathText(path: string): string {
    const text = path.startsWith(this.listPath) ? this.label + path.slice(this.listPath.length) : path;
    return text.replace(/\[\]$/, '');
  }
}

export interface Settings {
  readonly file: string;
  readonly root: Scope;
  readonly zones: readonly Scope[];
  /** A secret stands in the file itself, not in a file that it names. */
  readonly holdsSecrets: boolean;
}

/**
 * Which primary a zone has: the one that it names, else the one of the file; `ns` and no nameserver at all means that it
 * is embedded. Undefined where that cannot be told.
 */
export function primaryKind(zone: Scope): 'remote' | 'embedded' | undefined {
  const primary = zone.get('zones[].nameserver');
  if (primary !== undefined) return primary === 'embedded' ? 'embedded' : 'remote';
  const isNamed = zone.isMentioned('zones[].nameserver') || zone.isMentionedAbove('nameserver');
  return zone.isMentioned('zones[].ns') && !isNamed ? 'embedded' : undefined;
}

/** False where an option belongs to zones with another kind of primary than those that the scope has. */
export function isInForce(row: Option, scope: Scope): boolean {
  if (row.only === undefined) return true;
  if (scope.listPath === '') return scope.items('zones[]').some((zone) => primaryKind(zone) === row.only);
  return scope.listPath !== 'zones[]' || primaryKind(scope) === row.only;
}
