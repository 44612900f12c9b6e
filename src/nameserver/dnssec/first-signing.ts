/**
 * The first signing of a large zone, which is served unsigned and changed meanwhile: a signed zone is made apart from it, in memory and in
 * the database, and one commit puts it in its place (EmbeddedZone.successor).
 *
 * Threads sign; the main thread works in slices. Names that are changed meanwhile are signed again in the signed zone, until few are left,
 * which the commit takes over. Ended before that, it leaves nothing but rows that are never read, and the next start begins again.
 */

import { nextSerial } from '../../dns/serial.ts';
import { TimeSlices } from '../admin/time-slices.ts';
import type { Committer } from '../journal/committer.ts';
import { BulkSigner } from '../signing/bulk-signer.ts';
import { NameFlag } from '../signing/signing-messages.ts';
import { type PlacedName, WholeZone } from '../signing/whole-zone.ts';
import type { ZoneSigner } from '../signing/zone-signer.ts';
import { copyNames, EmbeddedZone, MAX_TAKEN_OVER } from '../zone/embedded-zone.ts';
import { nodeLength, writeNode } from '../zone/node-octets.ts';
import { PackedNodes } from '../zone/packed-nodes.ts';
import { ZoneNodes } from '../zone/zone-nodes.ts';
import { ZoneVersion } from '../zone/zone-version.ts';

/** Where the signed zone is stored before it is in force; see Journal. */
export interface SuccessorStore {
  createSuccessor(version: ZoneVersion): Promise<number>;
  writeTable(id: number, table: PackedNodes, keys: readonly string[]): Promise<void>;
  writeNames(zone: EmbeddedZone, keys: readonly string[]): Promise<void>;
  dropSuccessor(id: number): void;
}

export interface FirstSigningOptions {
  readonly zone: EmbeddedZone;
  /** Has the keys. Its chain is that of the zone afterwards. */
  readonly signer: ZoneSigner;
  readonly committer: Committer;
  readonly successors: SuccessorStore;
  /** Ends it early, with an error. */
  readonly signal: AbortSignal;
  /** A full sentence, at intervals. */
  readonly onProgress: (text: string) => void;
}

/** Of a job of a thread: some 400 names, whose signatures take 15 ms. */
const JOB_OCTETS = 32_768;
/** Names of one transaction. */
const ROWS = 500;
/** Changed names in one step: their signatures take some 5 ms. */
const CATCH_UP_NAMES = 50;
const PROGRESS_MS = 10_000;

/** @throws the reason of the signal; what the store and the committer throw: the zone is as it was */
export async function signWhileServed(options: FirstSigningOptions): Promise<void> {
  const { zone, signer, successors, onProgress } = options;
  const threads = new BulkSigner(signer.policy.keys);
  let id: number | undefined;
  try {
    zone.takeChanges();
    const version = zone.published;
    const whole = new WholeZone(version, signer);
    id = await successors.createSuccessor(version);
    const made = new SuccessorTable(options, version, id, threads);
    await made.order(whole);
    await made.sign(whole);
    await made.store(whole);
    signer.useChain(whole.chain);
    const successor = new EmbeddedZone(id, made.version(), 0);
    successor.signer = signer;
    await takeOver(options, successor, made.irregular);
    onProgress(`The zone ${zone.apex} is signed, with the serial ${zone.published.serial}.`);
  } finally {
    await threads.close();
    if (id !== undefined) successors.dropSuccessor(id);
  }
}

/** The names of a version with keys, chain and signatures. */
class SuccessorTable {
  /** Keys of names that are not signed. */
  readonly irregular: string[] = [];
  readonly #options: FirstSigningOptions;
  readonly #version: ZoneVersion;
  readonly #id: number;
  readonly #threads: BulkSigner;
  readonly #table: PackedNodes;
  readonly #slices = new TimeSlices();
  readonly #job = new JobWriter();
  readonly #sent: Promise<void>[] = [];
  #saidMs = performance.now();

  constructor(options: FirstSigningOptions, version: ZoneVersion, id: number, threads: BulkSigner) {
    this.#options = options;
    this.#version = version;
    this.#id = id;
    this.#threads = threads;
    const { size } = version.nodes;
    this.#table = new PackedNodes(options.signer.policy.chain === 'nsec3' ? 2 * size : size);
  }

  version(): ZoneVersion {
    const { apex, cuts, statics, unserved } = this.#version;
    return new ZoneVersion(apex, ZoneNodes.ofTable(this.#table), cuts, statics, unserved);
  }

  async order(whole: WholeZone): Promise<void> {
    for (const _ of whole.order()) if (this.#slices.over) await this.#pause();
  }

  async sign(whole: WholeZone): Promise<void> {
    for (const name of whole.names()) {
      const { node } = name;
      if (name.isIrregular) this.irregular.push(node.key);
      if (name.isIrregular || (node.rrsets.length === 0 && node.signerRRsets === undefined)) this.#table.put(node);
      else if (!this.#job.add(name)) {
        await this.#send();
        this.#job.add(name);
      }
      if (this.#slices.over) await this.#pause();
    }
    await this.#send();
    await Promise.all(this.#sent);
  }

  /** Gives the names of the job to a thread. */
  async #send(): Promise<void> {
    const { now, validitySeconds } = this.#options.signer.policy;
    const { octets, children } = this.#job.take();
    if (this.#sent.length >= this.#threads.jobs) await this.#sent.shift();
    const signed = this.#threads
      .sign({ octets, nowSeconds: now(), validitySeconds })
      .then(({ octets, ends, signatures }) => {
        this.#options.signer.made += signatures;
        let start = 0;
        for (const [at, end] of ends.entries()) {
          this.#table.addOctets(octets, start, end, children[at]!);
          start = end;
        }
      });
    // The first failure ends all of this; those after it are of no interest.
    signed.catch(() => undefined);
    this.#sent.push(signed);
  }

  /** Writes the rows of all names, in the order of their keys, as far as it is known: in another one SQLite writes each page many times. */
  async store(whole: WholeZone): Promise<void> {
    let keys: string[] = [];
    for (const key of whole.keys()) {
      keys.push(key);
      if (keys.length === ROWS) {
        await this.#options.successors.writeTable(this.#id, this.#table, keys);
        keys = [];
        this.#options.signal.throwIfAborted();
      }
      if (this.#slices.over) await this.#pause();
    }
    await this.#options.successors.writeTable(this.#id, this.#table, keys);
  }

  async #pause(): Promise<void> {
    await this.#slices.next();
    const { signal, onProgress, zone } = this.#options;
    signal.throwIfAborted();
    if (performance.now() - this.#saidMs < PROGRESS_MS) return;
    this.#saidMs = performance.now();
    const share =
      this.#table.size / (this.#version.nodes.size * (this.#options.signer.policy.chain === 'nsec3' ? 2 : 1));
    onProgress(
      `The zone ${zone.apex} is being signed, ${Math.floor(100 * share)} % of ${this.#version.nodes.size} names. It is served unsigned until all are.`,
    );
  }
}

/** Names for a thread, in octets. */
class JobWriter {
  #octets = Buffer.allocUnsafeSlow(JOB_OCTETS);
  #length = 0;
  #children: number[] = [];

  /** @returns false if it does not fit; it always fits into an empty one */
  add({ node, isApex, isCovered }: PlacedName): boolean {
    const length = 1 + nodeLength(node);
    if (this.#length + length > this.#octets.length) {
      if (this.#length > 0) return false;
      this.#octets = Buffer.allocUnsafeSlow(length);
    }
    this.#octets[this.#length] = (isApex ? NameFlag.isApex : 0) | (isCovered ? NameFlag.isCovered : 0);
    this.#length = writeNode(this.#octets, this.#length + 1, node);
    this.#children.push(node.children);
    return true;
  }

  take(): { octets: Uint8Array; children: readonly number[] } {
    const taken = { octets: new Uint8Array(this.#octets.subarray(0, this.#length)), children: this.#children };
    this.#length = 0;
    this.#children = [];
    return taken;
  }
}

/** Brings the signed zone up to date and puts it in the place of the zone. */
async function takeOver(
  { zone, committer, successors, signal }: FirstSigningOptions,
  successor: EmbeddedZone,
  irregular: readonly string[],
): Promise<void> {
  const slices = new TimeSlices();
  let changed = [...irregular];
  while (!zone.published.isSigned) {
    changed.push(...zone.takeChanges());
    for (let at = 0; at < changed.length; at += CATCH_UP_NAMES) {
      await signAgain(zone, successor, successors, changed.slice(at, at + CATCH_UP_NAMES));
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

async function signAgain(
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
