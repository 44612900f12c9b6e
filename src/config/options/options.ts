/**
 * The one table of options. Reading, environment overrides, `dyndns config`, the help text, docs/configuration.md and
 * docs/dyndns.example.yml all come from it, in this order.
 *
 * To add an option: a row in the file of its topic, with its `place`, and the field of that name in ../config.ts. Only a
 * rule that concerns a second option, or a default that depends on one, needs code in ../resolve.
 */
import type { ValueOf } from '../kinds/kind.ts';
import { ADMIN_OPTIONS } from './admin.ts';
import { DNS_OPTIONS } from './dns.ts';
import { EMBEDDED_ZONE_OPTIONS } from './embedded-zones.ts';
import { HOST_OPTIONS } from './hosts.ts';
import { HTTP_OPTIONS } from './http.ts';
import type { Option } from './option.ts';
import { PROTOCOL_OPTIONS } from './protocols.ts';
import { SERVER_OPTIONS } from './server.ts';
import { STATE_OPTIONS } from './state.ts';
import { TOKEN_OPTIONS } from './tokens.ts';
import { WEBHOOK_OPTIONS } from './webhooks.ts';
import { ZONE_OPTIONS } from './zones.ts';

const OPTIONS = {
  ...SERVER_OPTIONS,
  ...HTTP_OPTIONS,
  ...DNS_OPTIONS,
  ...STATE_OPTIONS,
  ...PROTOCOL_OPTIONS,
  ...ADMIN_OPTIONS,
  ...ZONE_OPTIONS,
  ...EMBEDDED_ZONE_OPTIONS,
  ...TOKEN_OPTIONS,
  ...HOST_OPTIONS,
  ...WEBHOOK_OPTIONS,
};

type Table = typeof OPTIONS;
export type OptionPath = keyof Table;
export type OptionValue<P extends OptionPath> = ValueOf<Table[P]['kind']>;
/** What `Scope.get` returns: never undefined where the row, or the row that it inherits from, has a default. */
export type MaybeOptionValue<P extends OptionPath> = Table[P] extends { default: NonNullable<unknown> }
  ? OptionValue<P>
  : Table[P] extends { inherits: infer Q extends OptionPath }
    ? OptionValue<P> | Extract<MaybeOptionValue<Q>, undefined>
    : OptionValue<P> | undefined;

/** The rows without their single types, in the order of the table. */
export const ROWS: ReadonlyMap<string, Option> = new Map(Object.entries(OPTIONS));

/** The path of the list whose entries have the option, `zones[].tsig_keys[]`; empty for options of the file. */
export function listPathOf(path: string): string {
  const end = path.lastIndexOf('[].');
  return end < 0 ? '' : path.slice(0, end + 2);
}

/** The same as a type. */
type ListPathOf<P extends string> = P extends `${infer Head}[].${infer Rest}`
  ? `${Head}[]${ListPathOf<Rest> extends '' ? '' : `.${ListPathOf<Rest>}`}`
  : '';

/** `http.socketMode` with a number: an object in an object. */
type Nested<Place extends string, Value> = Place extends `${infer Head}.${infer Rest}`
  ? { readonly [K in Head]: Nested<Rest, Value> }
  : { readonly [K in Place]: Value };
type NestedOptional<Place extends string, Value> = Place extends `${infer Head}.${infer Rest}`
  ? { readonly [K in Head]: NestedOptional<Rest, Value> }
  : { readonly [K in Place]?: Value };

type Intersection<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

/** The object that the rows of one scope with a `place` make together. */
export type PlacedValues<List extends string> = Intersection<
  {
    [P in OptionPath]: ListPathOf<P> extends List
      ? Table[P] extends { place: infer Place extends string }
        ? undefined extends MaybeOptionValue<P>
          ? NestedOptional<Place, OptionValue<P>>
          : Nested<Place, OptionValue<P>>
        : never
      : never;
  }[OptionPath]
>;

/** One step of the tree that the paths of the table form: a map, a list of maps (`zones`), or a row. */
export interface OptionNode {
  /** The path in the table, with `[]` after a list of maps. */
  readonly path: string;
  readonly key: string;
  readonly isList: boolean;
  readonly row?: Option;
  readonly children: ReadonlyMap<string, OptionNode>;
}

function buildNode(path: string, key: string, isList: boolean): OptionNode {
  const prefix = path === '' ? '' : `${path}.`;
  const children = new Map<string, OptionNode>();
  for (const rowPath of ROWS.keys()) {
    if (!rowPath.startsWith(prefix)) continue;
    const step = rowPath.slice(prefix.length).split('.')[0]!;
    const childKey = step.replace('[]', '');
    if (step !== '' && !children.has(childKey)) {
      children.set(childKey, buildNode(prefix + step, childKey, step.endsWith('[]')));
    }
  }
  const row = ROWS.get(path);
  return { path, key, isList, children, ...(row === undefined ? {} : { row }) };
}

/** The root of the tree: its children are the keys at the top of the file. */
export const OPTION_TREE: OptionNode = buildNode('', '', false);

/** The kind of primary that a node is for, from its row; for a map or a list of maps, from the row of its first key. */
export function onlyOf(node: OptionNode): 'remote' | 'embedded' | undefined {
  const row = node.row ?? [...node.children.values()][0]?.row;
  return row?.only;
}

/**
 * The environment variable that overrides the option: `http.listen` gives DYNDNS_HTTP_LISTEN.
 * Undefined below `zones`, `tokens`, `hosts` and `webhooks`.
 */
export function environmentName(path: string): string | undefined {
  if (/^(zones\[\]|tokens|hosts|webhooks)/.test(path)) return undefined;
  return `DYNDNS_${path.replaceAll('.', '_').toUpperCase()}`;
}
