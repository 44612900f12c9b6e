/**
 * The first signing of a large zone, which is served unsigned and changed meanwhile: a signed zone is made apart from it (successor.ts).
 * Threads sign; the main thread works in slices.
 */
import { BulkSigner } from '../signing/bulk-signer.ts';
import { NameFlag } from '../signing/signing-messages.ts';
import { type PlacedName, WholeZone } from '../signing/whole-zone.ts';
import type { ZoneSigner } from '../signing/zone-signer.ts';
import { nodeLength, writeNode } from '../zone/node-octets.ts';
import { PackedNodes } from '../zone/packed-nodes.ts';
import { replaceWhileServed, type SuccessorContent, type SuccessorOptions, type SuccessorWork } from './successor.ts';

export interface FirstSigningOptions extends SuccessorOptions {
  /** Has the keys. Its chain is that of the zone afterwards. */
  readonly signer: ZoneSigner;
}

/** Of a job of a thread: some 400 names, whose signatures take 15 ms. */
const JOB_OCTETS = 32_768;

/** @throws the reason of the signal; what the store and the committer throw: the zone is as it was */
export async function signWhileServed(options: FirstSigningOptions): Promise<void> {
  const { zone, signer, onProgress } = options;
  const threads = new BulkSigner(signer.policy.keys);
  try {
    await replaceWhileServed(options, (work) => new FirstSigning(work, signer, threads).make());
  } finally {
    await threads.close();
  }
  onProgress(`The zone ${zone.apex} is signed, with the serial ${zone.published.serial}.`);
}

/** The names of a version with keys, chain and signatures. */
class FirstSigning {
  /** Keys of names that are not signed. */
  readonly #irregular: string[] = [];
  readonly #work: SuccessorWork;
  readonly #signer: ZoneSigner;
  readonly #whole: WholeZone;
  readonly #threads: BulkSigner;
  readonly #table: PackedNodes;
  readonly #job = new JobWriter();
  readonly #sent: Promise<void>[] = [];

  constructor(work: SuccessorWork, signer: ZoneSigner, threads: BulkSigner) {
    const { version } = work;
    this.#work = work;
    this.#signer = signer;
    this.#whole = new WholeZone(version, signer);
    this.#threads = threads;
    this.#table = new PackedNodes(signer.policy.chain === 'nsec3' ? 2 * version.nodes.size : version.nodes.size);
  }

  async make(): Promise<SuccessorContent> {
    await this.#order();
    await this.#sign();
    this.#signer.useChain(this.#whole.chain);
    return { table: this.#table, keys: this.#whole.keys(), changed: this.#irregular, signer: this.#signer };
  }

  async #order(): Promise<void> {
    for (const _ of this.#whole.order()) if (this.#work.isOver) await this.#pause();
  }

  async #sign(): Promise<void> {
    for (const name of this.#whole.names()) {
      const { node } = name;
      if (name.isIrregular) this.#irregular.push(node.key);
      if (name.isIrregular || (node.rrsets.length === 0 && node.signerRRsets === undefined)) this.#table.put(node);
      else if (!this.#job.add(name)) {
        await this.#send();
        this.#job.add(name);
      }
      if (this.#work.isOver) await this.#pause();
    }
    await this.#send();
    await Promise.all(this.#sent);
  }

  /** Gives the names of the job to a thread. */
  async #send(): Promise<void> {
    const { now, validitySeconds } = this.#signer.policy;
    const { octets, children } = this.#job.take();
    if (this.#sent.length >= this.#threads.jobs) await this.#sent.shift();
    const signed = this.#threads
      .sign({ octets, nowSeconds: now(), validitySeconds })
      .then(({ octets, ends, signatures }) => {
        this.#signer.made += signatures;
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

  async #pause(): Promise<void> {
    await this.#work.pause(() => {
      const { apex, nodes } = this.#work.version;
      const { size } = nodes;
      const share = this.#table.size / (this.#signer.policy.chain === 'nsec3' ? 2 * size : size);
      return `The zone ${apex} is being signed, ${Math.floor(100 * share)} % of ${size} names. It is served unsigned until all are.`;
    });
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
