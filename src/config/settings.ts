/**
 * What the file and the environment say, option by option, each value with its origin: the step between reading
 * (read.ts, environment.ts) and the finished Config (resolve.ts), and what `dyndns config` prints (show.ts).
 */
import { type MaybeOptionValue, type Option, type OptionPath, ROWS } from './options.ts';
import type { Origin } from './problem.ts';

interface Setting {
  readonly value: unknown;
  readonly origin: Origin;
}

const DEFAULT: Origin = { kind: 'default' };

/** The options of the file as a whole, or those of one zone. */
export class Scope {
  /** Where the scope begins, for problems of the whole. */
  readonly origin: Origin;
  /** `zones[0]`, or empty for the file. */
  readonly label: string;
  readonly #settings = new Map<string, Setting>();
  readonly #mentioned = new Map<string, Origin>();
  readonly #maps = new Set<string>();
  readonly #parent: Scope | undefined;

  constructor(origin: Origin, label = '', parent?: Scope) {
    this.origin = origin;
    this.label = label;
    this.#parent = parent;
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

  /** Like `get`, for a path that is not known when the program is compiled. */
  find(path: string): Setting | undefined {
    const own = this.#settings.get(path);
    if (own !== undefined) return own;
    const row = ROWS.get(path) as Option | undefined;
    if (row?.inherits !== undefined) return this.#parent?.find(row.inherits);
    return row?.default === undefined ? undefined : { value: row.default, origin: DEFAULT };
  }

  /** The path with the number of the zone in place of `[]`. */
  pathText(path: string): string {
    return path.replace(/^zones\[\]/, this.label);
  }
}

export interface Settings {
  readonly file: string;
  readonly root: Scope;
  readonly zones: readonly Scope[];
  /** A secret stands in the file itself, not in a file that it names. */
  readonly holdsSecrets: boolean;
}
