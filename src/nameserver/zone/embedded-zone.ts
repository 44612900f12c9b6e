/** One zone that this server is the primary of: the published version, which is immutable, and the draft of the next. */
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { ChainOrder } from './chain-order.ts';
import { type DraftSigner, type SealedDraft, ZoneDraft } from './draft.ts';
import { readTurns } from './read-turns.ts';

import type { StaticRRsets, ZoneDiff, ZoneVersion } from './zone-version.ts';

/** Recent diffs in memory, so that IXFR to a secondary that follows closely does not read the disk. */
const RECENT_DIFFS = 200;
/** A larger diff, for example of an import, is only on disk. */
const MAX_RECENT_RECORDS = 5000;

export class EmbeddedZone {
  readonly apex: DomainName;
  /** Primary key of its row in the database. */
  readonly id: number;
  #published: ZoneVersion;
  /** The newest version: the published one, or the one in the commit in flight. */
  #newest: ZoneVersion;
  #draft: ZoneDraft | undefined;
  #recent: ZoneDiff[] = [];
  /** Keys of names whose database rows are older than the published version. */
  readonly unfolded = new Set<string>();
  #publishedCommit: number;
  /** The journal's number of the commit in flight. */
  pendingCommit = 0;
  /** Why the zone cannot be changed, in sentences: its signer lacks keys. */
  refusal: string | undefined;
  /** Of a signed zone. */
  signer: DraftSigner | undefined;

  constructor(id: number, version: ZoneVersion, publishedCommit: number) {
    this.id = id;
    this.#publishedCommit = publishedCommit;
    this.apex = version.apex;
    version.nodes.pack();
    version.nodes.packed?.setCuts(version.cuts);
    this.#published = version;
    this.#newest = version;
  }

  /** The version that queries and transfers see. It is on disk. */
  get published(): ZoneVersion {
    return this.#published;
  }

  /** The latest diffs, oldest first, without a gap up to `published`. */
  get recent(): readonly ZoneDiff[] {
    return this.#recent;
  }

  /** Collects edits until the next commit. */
  get draft(): ZoneDraft {
    this.#draft ??= new ZoneDraft(this.#newest);
    return this.#draft;
  }

  /** True while the draft shows data that is not on disk: a result based on it must wait for the commit. */
  get isPending(): boolean {
    return this.#newest !== this.#published || this.#draft?.changed === true;
  }

  /** Seals the draft for a commit; its version becomes the newest one. */
  seal(): SealedDraft | undefined {
    const sealed = this.#draft?.seal(this.signer);
    this.#draft = undefined;
    if (sealed !== undefined) this.#newest = sealed.version;
    return sealed;
  }

  /** The journal's number of the commit that made the published version. */
  get publishedCommit(): number {
    return this.#publishedCommit;
  }

  /** The sealed draft is on disk. */
  publish({ version, diff, keys }: SealedDraft): void {
    const table = this.#published.nodes.packed;
    readTurns.publish(() => {
      // A thread that answers directly must not find what a delegation hides.
      if (version.cuts > 0) table?.setCuts(version.cuts);
      version.nodes.pack();
      version.nodes.packed?.setCuts(version.cuts);
      // Proofs are of the version that they are found in.
      this.signer?.publish();
    });
    if (version.nodes.packed !== table) table?.unshare();
    this.#published = version;
    this.#publishedCommit = this.pendingCommit;
    for (const key of keys) this.unfolded.add(key);
    if (diff.removed.length + diff.added.length > MAX_RECENT_RECORDS) this.#recent = [];
    else this.#recent.push(diff);
    if (this.#recent.length > 2 * RECENT_DIFFS) this.#recent = this.#recent.slice(-RECENT_DIFFS);
  }

  /** The sealed draft could not be written: discards it and all edits on top of it. */
  abandon(): void {
    this.#newest = this.#published;
    this.#draft = undefined;
    this.signer?.abandon();
  }

  /** The number of names, empty non-terminals among them. */
  get names(): number {
    return this.#published.nodes.size - (this.order?.hashedNames ?? 0);
  }

  /** By what proofs of the published version are found; undefined for an unsigned zone. */
  get order(): ChainOrder | undefined {
    return this.#published.isSigned ? this.signer?.order : undefined;
  }

  /** The RRsets that the configuration sets. */
  get statics(): StaticRRsets {
    return (this.#draft ?? this.#newest).statics;
  }

  isStatic(key: string, type: number): boolean {
    return this.statics.get(key)?.has(type) ?? false;
  }

  hasStaticData(key: string): boolean {
    for (const type of this.statics.get(key) ?? []) {
      if (key !== this.apex.key || (type !== RRType.SOA && type !== RRType.NS)) return true;
    }
    return false;
  }
}
