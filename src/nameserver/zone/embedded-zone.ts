/** One zone that this server is the primary of: the published version, which is immutable, and the draft of the next. */
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { nextSerial } from '../../dns/serial.ts';
import type { ChainOrder } from './chain-order.ts';
import { type DraftSigner, type SealedDraft, ZoneDraft } from './draft.ts';
import { readTurns } from './read-turns.ts';
import { isSignerType } from './signer-types.ts';
import { type StaticRRsets, soaSerial, type ZoneDiff, type ZoneVersion } from './zone-version.ts';

/** Recent diffs in memory, so that IXFR to a secondary that follows closely does not read the disk. */
const RECENT_DIFFS = 200;
/** A larger diff, for example of an import, is only on disk. */
const MAX_RECENT_RECORDS = 5000;
/** Changed names that a successor takes over in the commit: their signatures take some 20 ms. */
export const MAX_TAKEN_OVER = 200;
const SERIALS_BEHIND = 2 ** 30;

export class EmbeddedZone {
  readonly apex: DomainName;
  #id: number;
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
  /**
   * Content that was made apart from this zone, for example signed or unsigned, and takes the place of its own with the next commit, in one serial step.
   * It has the names of this zone, without those changes that `takeChanges` would return. The commit takes these over, if they are few.
   */
  successor: EmbeddedZone | undefined;
  #changes: Set<string> | undefined;

  constructor(id: number, version: ZoneVersion, publishedCommit: number) {
    this.#id = id;
    this.#publishedCommit = publishedCommit;
    this.apex = version.apex;
    version.nodes.pack();
    version.nodes.packed?.setCuts(version.cuts);
    this.#published = version;
    this.#newest = version;
  }

  /** Primary key of its row in the database. */
  get id(): number {
    return this.#id;
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
    const sealed = this.#sealSuccessor() ?? this.#draft?.seal(this.signer);
    this.#draft = undefined;
    if (sealed !== undefined) this.#newest = sealed.version;
    return sealed;
  }

  /** Keys of the names that were changed since the last call, for the first one: none. Later ones are collected from now on. */
  takeChanges(): ReadonlySet<string> {
    const changes = this.#changes ?? new Set();
    this.#changes = new Set();
    return changes;
  }

  /** Changes are not collected any more. */
  endChanges(): void {
    this.#changes = undefined;
  }

  #sealSuccessor(): SealedDraft | undefined {
    const { successor, published } = this;
    if (successor === undefined || this.#changes === undefined) return undefined;
    const { draft } = this;
    const keys = new Set([...this.#changes, ...draft.touched.keys()]);
    if (keys.size > MAX_TAKEN_OVER) return undefined;
    const next = successor.draft;
    copyNames(draft, next, keys);
    next.statics = draft.statics;
    next.unserved = draft.unserved;
    const serial = soaSerial(draft.findRRset(this.apex.key, RRType.SOA)!.rdatas[0]!);
    next.setSerial(serial === published.serial ? nextSerial(serial) : serial);
    const sealed = successor.seal()!;
    // Until an unsigned successor is published, queries need proofs.
    if (successor.signer !== undefined) this.signer = successor.signer;
    this.successor = undefined;
    const diff = { serialBefore: published.serial, serial: sealed.version.serial, removed: [], added: [] };
    return { version: sealed.version, keys: sealed.keys, diff, successor: successor.id };
  }

  /** The journal's number of the commit that made the published version. */
  get publishedCommit(): number {
    return this.#publishedCommit;
  }

  /** The sealed draft is on disk. */
  publish({ version, diff, keys, successor }: SealedDraft): void {
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
    if (successor !== undefined) {
      this.#id = successor;
      this.#recent = [];
      this.#changes = undefined;
      if (!version.isSigned) this.signer = undefined;
      // Its rows are those of the version.
      this.unfolded.clear();
      return;
    }
    for (const key of keys) {
      this.unfolded.add(key);
      this.#changes?.add(key);
    }
    if (diff.removed.length + diff.added.length > MAX_RECENT_RECORDS) this.#recent = [];
    else this.#recent.push(diff);
    if (this.#recent.length > 2 * RECENT_DIFFS) this.#recent = this.#recent.slice(-RECENT_DIFFS);
  }

  /** The sealed draft could not be written: discards it and all edits on top of it. */
  abandon(): void {
    this.#newest = this.#published;
    this.#draft = undefined;
    this.successor = undefined;
    this.signer?.abandon();
    if (!this.#published.isSigned) this.signer = undefined;
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

/** The serial of a successor before it is in force: behind that of its zone, so that none of its serials is one of the zone. */
export function serialBehind(serial: number): number {
  return (serial - SERIALS_BEHIND) >>> 0;
}

/** Gives names of a draft the data that they have elsewhere, without what a signer makes. */
export function copyNames(from: Pick<ZoneVersion, 'find'>, to: ZoneDraft, keys: Iterable<string>): void {
  for (const key of keys) {
    const node = from.find(key);
    const name = node ?? to.find(key);
    if (name === undefined) continue;
    to.setRRsets(name, node?.rrsets.filter(({ type }) => !isSignerType(type)) ?? []);
  }
}
