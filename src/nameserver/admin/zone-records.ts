/** ZoneRecords of an embedded zone: single names at once, whole zones in time slices. */
import type { NameFilter, StoredName, ZoneSnapshot } from '../../core/zones/zone-records.ts';
import type { DomainName } from '../../dns/name.ts';
import { canonicalKey } from '../../dns/zone-file/zone-file-format.ts';
import type { ZoneNode } from '../zone/zone-node.ts';
import { nameOf, rrsetOf, type ZoneVersion } from '../zone/zone-version.ts';
import { type SliceTurns, TimeSlices } from './time-slices.ts';

/** Names in one piece. */
const PIECE = 500;

export class VersionSnapshot implements ZoneSnapshot {
  readonly #version: ZoneVersion;
  readonly #turns: SliceTurns;

  /** @param turns of all searches of this server */
  constructor(version: ZoneVersion, turns: SliceTurns) {
    this.#version = version;
    this.#turns = turns;
  }

  get serial(): number {
    return this.#version.serial;
  }

  find({ key }: DomainName): StoredName | undefined {
    const node = this.#version.find(key);
    return node === undefined || node.rrsets.length === 0 ? undefined : this.#stored(node);
  }

  async *names(isWanted: NameFilter): AsyncGenerator<readonly StoredName[], void, undefined> {
    let piece: StoredName[] = [];
    for await (const nodes of this.#search(isWanted)) {
      for (const node of nodes) {
        piece.push(this.#stored(node));
        if (piece.length < PIECE) continue;
        yield piece;
        piece = [];
      }
    }
    yield piece;
  }

  async page(isWanted: NameFilter, limit: number, after?: DomainName): Promise<readonly StoredName[]> {
    const keyOf = relativeKey(this.#version.apex.key);
    const first = after === undefined ? undefined : keyOf(after.key);
    let found: { readonly order: string; readonly node: ZoneNode }[] = [];
    /** Once `limit` names are known, none after the last of them is on the page. */
    let last: string | undefined;
    const shorten = () => {
      found = found.sort((a, b) => (a.order < b.order ? -1 : 1)).slice(0, limit);
      if (found.length === limit) last = found.at(-1)?.order;
    };
    for await (const nodes of this.#search(isWanted)) {
      for (const node of nodes) {
        const order = keyOf(node.key);
        if ((first !== undefined && order <= first) || (last !== undefined && order > last)) continue;
        found.push({ order, node });
        if (found.length >= 2 * limit) shorten();
      }
    }
    shorten();
    return found.map(({ node }) => this.#stored(node));
  }

  /** The nodes of each slice that have records and are wanted. */
  async *#search(isWanted: NameFilter): AsyncGenerator<readonly ZoneNode[], void, undefined> {
    const slices = new TimeSlices(this.#turns);
    let found: ZoneNode[] = [];
    await slices.next();
    for (const node of this.#version.nodes.values()) {
      if (node.rrsets.length > 0 && isWanted(node.key)) found.push(node);
      const isOver = slices.over;
      if (!isOver && found.length < PIECE) continue;
      if (found.length > 0) yield found;
      found = [];
      if (isOver) await slices.next();
    }
    yield found;
  }

  #stored({ key, rrsets }: ZoneNode): StoredName {
    const ownerName = nameOf(key);
    const statics = this.#version.statics.get(key);
    return {
      ownerName,
      rrsets: rrsets.map((rrset) => ({ ...rrsetOf(ownerName, rrset), isStatic: statics?.has(rrset.type) === true })),
    };
  }
}

/** As canonicalKey, for names of one zone; faster for those directly below the apex, which are most. */
function relativeKey(apexKey: string): (key: string) => string {
  return (key) => canonicalKey(`${key.slice(0, key.length - apexKey.length)}\0`);
}
