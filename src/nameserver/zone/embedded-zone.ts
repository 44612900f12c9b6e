/** One zone that this server is the primary of: the version that is answered from, and the one that is being made. */
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { type SealedDraft, ZoneDraft } from './draft.ts';
import type { StaticRRsets, ZoneDiff, ZoneVersion } from './zone-version.ts';

/** Differences kept in memory for IXFR, so that a secondary that follows closely needs no disk. */
const RECENT_DIFFS = 200;
/** A larger one, an import for example, is left to the disk. */
const MAX_RECENT_RECORDS = 5000;

export class EmbeddedZone {
  readonly apex: DomainName;
  /** Its row in the database. */
  readonly id: number;
  #published: ZoneVersion;
  /** The newest version: published, or in the transaction that is under way. */
  #newest: ZoneVersion;
  #draft: ZoneDraft | undefined;
  #recent: ZoneDiff[] = [];
  /** Keys of names whose rows on disk are older than the published version. */
  readonly unfolded = new Set<string>();
  #publishedCommit: number;
  /** The number that the journal gave to the commit that is on its way. */
  pendingCommit = 0;

  constructor(id: number, version: ZoneVersion, publishedCommit: number) {
    this.id = id;
    this.#publishedCommit = publishedCommit;
    this.apex = version.apex;
    this.#published = version;
    this.#newest = version;
  }

  /** What is answered and transferred: on disk. */
  get published(): ZoneVersion {
    return this.#published;
  }

  /** The latest differences, oldest first, without a gap up to `published`. */
  get recent(): readonly ZoneDiff[] {
    return this.#recent;
  }

  /** Edits gather here until the next commit takes them. */
  get draft(): ZoneDraft {
    this.#draft ??= new ZoneDraft(this.#newest);
    return this.#draft;
  }

  /** True while there is something that is not on disk yet: what is judged by the draft has to wait for it. */
  get isPending(): boolean {
    return this.#newest !== this.#published || this.#draft?.changed === true;
  }

  /** Ends the draft: what it came to is the newest version, on its way to the disk. */
  seal(): SealedDraft | undefined {
    const sealed = this.#draft?.seal();
    this.#draft = undefined;
    if (sealed !== undefined) this.#newest = sealed.version;
    return sealed;
  }

  /** The journal's number of the commit that made the published version. */
  get publishedCommit(): number {
    return this.#publishedCommit;
  }

  /** What was sealed is on disk. */
  publish({ version, diff, keys }: SealedDraft): void {
    this.#published = version;
    this.#publishedCommit = this.pendingCommit;
    for (const key of keys) this.unfolded.add(key);
    if (diff.removed.length + diff.added.length > MAX_RECENT_RECORDS) this.#recent = [];
    else this.#recent.push(diff);
    if (this.#recent.length > 2 * RECENT_DIFFS) this.#recent = this.#recent.slice(-RECENT_DIFFS);
  }

  /** What was sealed could not be written: it and all that was drafted on top of it is gone. */
  abandon(): void {
    this.#newest = this.#published;
    this.#draft = undefined;
  }

  /** Which RRsets the configuration sets. */
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
