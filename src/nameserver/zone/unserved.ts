/**
 * Unserved data: dynamic RRsets that collide with the static ones of the configuration. A start sets them aside instead of
 * failing; they stay in the database until the collision is gone, or until an operator discards them.
 */
import type { DomainName } from '../../dns/name.ts';
import { formatRRType, RRType } from '../../dns/rdata.ts';
import { ZoneDraft } from './draft.ts';
import { newlyOccluded } from './occlusion.ts';
import type { ZoneNode, ZoneRRset } from './zone-node.ts';
import { isStrictlyBelow, nameOf, type StaticRRsets, type ZoneVersion } from './zone-version.ts';

export interface UnservedRRset {
  readonly ownerName: DomainName;
  readonly type: number;
  /** Number of its records. */
  readonly records: number;
  /** Completes the sentence "It is not served: …". */
  readonly why: string;
}

/** Changes the unserved data of a draft, whose map is copied once. */
export class UnservedEditor {
  readonly #draft: ZoneDraft;
  #copy: Map<string, ZoneNode> | undefined;

  constructor(draft: ZoneDraft) {
    this.#draft = draft;
  }

  /** Moves a dynamic RRset from the zone to its unserved data. */
  setAside(key: string, type: number): void {
    const node = this.#draft.find(key)!;
    const rrset = this.#draft.findRRset(key, type)!;
    const others = this.#draft.unserved.get(key)?.rrsets.filter((each) => each.type !== type) ?? [];
    this.#set({ ...node, rrsets: [...others, rrset], children: 0 });
    this.#draft.deleteRRset(key, type);
  }

  /** Serves those RRsets again that no longer collide. */
  serve(statics: StaticRRsets): void {
    for (const node of this.#draft.unserved.values()) {
      const rest = node.rrsets.filter((rrset) => tryToServe(this.#draft, statics, node, rrset) !== undefined);
      if (rest.length < node.rrsets.length) this.#set({ ...node, rrsets: rest });
    }
  }

  /** Deletes RRsets of a name. @param type undefined: of all types. @returns how many */
  discard(key: string, type: number | undefined): number {
    const node = this.#draft.unserved.get(key);
    if (node === undefined) return 0;
    const rrsets = type === undefined ? [] : node.rrsets.filter((rrset) => rrset.type !== type);
    if (rrsets.length < node.rrsets.length) this.#set({ ...node, rrsets });
    return node.rrsets.length - rrsets.length;
  }

  #set(node: ZoneNode): void {
    this.#copy ??= new Map(this.#draft.unserved);
    if (node.rrsets.length === 0) this.#copy.delete(node.key);
    else this.#copy.set(node.key, node);
    this.#draft.unserved = this.#copy;
  }
}

/** The unserved data of a version, each with the reason. */
export function* listUnserved(version: ZoneVersion): Generator<UnservedRRset> {
  const draft = new ZoneDraft(version);
  for (const node of version.unserved.values()) {
    const ownerName = nameOf(node.wireText);
    for (const rrset of node.rrsets) {
      const mark = draft.mark();
      const why = tryToServe(draft, version.statics, node, rrset) ?? 'the next reload serves it';
      draft.rollBack(mark);
      yield { ownerName, type: rrset.type, records: rrset.rdatas.length, why };
    }
  }
}

/** RRsets that the warning names. */
const MAX_NAMED = 10;

/** The warning for a zone with unserved data. */
export function describeUnserved(version: ZoneVersion): string | undefined {
  const listed = [...listUnserved(version)];
  if (listed.length === 0) return undefined;
  const named = listed.slice(0, MAX_NAMED).map(({ ownerName, type, why }) => {
    return `the ${formatRRType(type)} RRset of '${ownerName}' (${why})`;
  });
  const more = listed.length > MAX_NAMED ? ` and ${listed.length - MAX_NAMED} more` : '';
  const them = listed.length === 1 ? 'it is' : 'they are';
  return (
    `The zone ${version.apex} has dynamic data that collides with its static records, so that ${them} kept but not ` +
    `served: ${named.join('; ')}${more}. Remove the static records and reload, or discard the dynamic data: ` +
    `'dyndns zone discard ${version.apex} NAME'.`
  );
}

/** Adds an unserved RRset to the zone; where it still collides, the reason, and the draft is as before. */
function tryToServe(draft: ZoneDraft, statics: StaticRRsets, node: ZoneNode, rrset: ZoneRRset): string | undefined {
  const { key } = node;
  if (statics.get(key)?.has(rrset.type)) return 'a static RRset has the same name and type';
  const present = draft.find(key)?.rrsets ?? [];
  const isAlias = rrset.type === RRType.CNAME;
  if (present.some(({ type }) => type === rrset.type)) return 'another RRset of the same type was added since';
  if (present.length > 0 && isAlias) return 'other data is at its name, which cannot be beside a CNAME';
  if (present.some(({ type }) => type === RRType.CNAME)) return 'a CNAME is at its name';
  const mark = draft.mark();
  draft.setRRset(node, rrset);
  const why = newlyOccluded(mark, draft, [key]);
  if (why === undefined) return undefined;
  draft.rollBack(mark);
  const hidden = [...statics.keys()].find((name) => isStrictlyBelow(name, key));
  return hidden === undefined ? why : `${why} (the static data of '${nameOf(hidden)}' among them)`;
}
