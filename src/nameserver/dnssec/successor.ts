/**
 * Replaces the whole content of a large zone, which is served and changed meanwhile: the new content is made apart from it, in memory and
 * in the database, and one commit puts it in its place (EmbeddedZone.successor).
 *
 * The main thread works in slices. Names that are changed meanwhile are taken over again, until few are left, which the commit takes
 * over. Ended before that, it leaves nothing but rows that are never read, and the zone as it was.
 */
import { nextSerial } from '../../dns/serial.ts';
import { TimeSlices } from '../admin/time-slices.ts';
import type { Committer } from '../journal/committer.ts';
import type { DraftSigner } from '../zone/draft.ts';
import { copyNames, EmbeddedZone, MAX_TAKEN_OVER } from '../zone/embedded-zone.ts';
import type { PackedNodes } from '../zone/packed-nodes.ts';
import { ZoneNodes } from '../zone/zone-nodes.ts';
import { ZoneVersion } from '../zone/zone-version.ts';

/** Where the new content is stored before it is in force; see Journal. */
export interface SuccessorStore {
  createSuccessor(version: ZoneVersion): Promise<number>;
  writeTable(id: number, table: PackedNodes, keys: readonly string[]): Promise<void>;
  writeNames(zone: EmbeddedZone, keys: readonly string[]): Promise<void>;
  dropSuccessor(id: number): void;
}

export interface SuccessorOptions {
  readonly zone: EmbeddedZone;
  readonly committer: Committer;
  readonly successors: SuccessorStore;
  /** Ends it early, with an error. */
  readonly signal: AbortSignal;
  /** A full sentence, at intervals. */
  readonly onProgress: (text: string) => void;
}

/** What was made of a version. */
export interface SuccessorContent {
  /** All names. The serial of its SOA is of `serialBehind`. */
  readonly table: PackedNodes;
  /** Of the names, if possible in their order: in another one SQLite writes each page many times. A key can be there twice. */
  readonly keys: Iterable<string>;
  /** Keys of names that are taken over again, as if they had been changed meanwhile. */
  readonly changed: readonly string[];
  /** Of the zone afterwards; undefined: it is not signed. */
  readonly signer: DraftSigner | undefined;
}

/** Names of one transaction. */
const ROWS = 500;
/** Changed names in one step: their signatures take some 5 ms. */
const CATCH_UP_NAMES = 50;
const PROGRESS_MS = 10_000;

/**
 * @param make makes the content of the version of the work, in its slices
 * @throws the reason of the signal; what `make`, the store and the committer throw: the zone is as it was
 */
export async function replaceWhileServed(
  options: SuccessorOptions,
  make: (work: SuccessorWork) => Promise<SuccessorContent>,
): Promise<void> {
  const { zone, successors } = options;
  zone.takeChanges();
  const work = new SuccessorWork(zone.published, options);
  let id: number | undefined;
  try {
    id = await successors.createSuccessor(work.version);
    const content = await make(work);
    await store(work, id, content, options);
    const successor = new EmbeddedZone(id, versionWith(work.version, content.table), 0);
    successor.signer = content.signer;
    await takeOver(options, successor, content.changed);
  } finally {
    zone.endChanges();
    if (id !== undefined) successors.dropSuccessor(id);
  }
}

/** The time slices of the work. */
export class SuccessorWork {
  /** The version that the content is made of. */
  readonly version: ZoneVersion;
  readonly #options: SuccessorOptions;
  readonly #slices = new TimeSlices();
  #saidMs = performance.now();

  constructor(version: ZoneVersion, options: SuccessorOptions) {
    this.version = version;
    this.#options = options;
  }

  /** Check it after each step: if true, `await pause()`. */
  get isOver(): boolean {
    return this.#slices.over;
  }

  /** @param describe a full sentence @throws the reason of the signal */
  async pause(describe?: () => string): Promise<void> {
    await this.#slices.next();
    const { signal, onProgress } = this.#options;
    signal.throwIfAborted();
    if (describe === undefined || performance.now() - this.#saidMs < PROGRESS_MS) return;
    this.#saidMs = performance.now();
    onProgress(describe());
  }
}

function versionWith({ apex, cuts, statics, unserved }: ZoneVersion, table: PackedNodes): ZoneVersion {
  return new ZoneVersion(apex, ZoneNodes.ofTable(table), cuts, statics, unserved);
}

/** Writes the rows of all names. */
async function store(
  work: SuccessorWork,
  id: number,
  { table, keys }: SuccessorContent,
  { successors }: SuccessorOptions,
): Promise<void> {
  let step: string[] = [];
  for (const key of keys) {
    step.push(key);
    if (step.length === ROWS) {
      await successors.writeTable(id, table, step);
      step = [];
    }
    if (work.isOver) await work.pause();
  }
  await successors.writeTable(id, table, step);
}

/** Brings the successor up to date and puts it in the place of the zone. */
async function takeOver(
  { zone, committer, successors, signal }: SuccessorOptions,
  successor: EmbeddedZone,
  first: readonly string[],
): Promise<void> {
  const slices = new TimeSlices();
  let changed = [...first];
  while (zone.id !== successor.id) {
    changed.push(...zone.takeChanges());
    for (let at = 0; at < changed.length; at += CATCH_UP_NAMES) {
      await copyAgain(zone, successor, successors, changed.slice(at, at + CATCH_UP_NAMES));
      await slices.next();
      signal.throwIfAborted();
    }
    const isUpToDate = changed.length < MAX_TAKEN_OVER / 2;
    changed = [];
    if (!isUpToDate) continue;
    zone.successor = successor;
    // If many names were changed just now, this commit has them, and the next one is it.
    await committer.change(zone, (draft) => draft.renew([]));
    zone.successor = undefined;
  }
}

async function copyAgain(
  zone: EmbeddedZone,
  successor: EmbeddedZone,
  successors: SuccessorStore,
  keys: readonly string[],
): Promise<void> {
  const { draft } = successor;
  copyNames(zone.published, draft, keys);
  draft.setSerial(nextSerial(draft.base.serial));
  const sealed = successor.seal()!;
  successor.publish(sealed);
  await successors.writeNames(successor, sealed.keys);
}
