/**
 * A persistent map by the key of a domain name: a hash array mapped trie, for the changes of a draft. `set` returns a new map that
 * shares all but one path with the old one, so that a draft rolls back to a mark at no cost.
 *
 * Left out: order, and deletion. A deleted name is a change, too (zone-nodes.ts).
 */
import { hashOfKey } from './name-hash.ts';

/** A value that has its key: `DomainName.key`. */
export interface Keyed {
  readonly key: string;
}

const BITS = 5;
const MASK = 31;
/** At this depth the 32 bits of the hash are used up: values with the same hash share a bucket. */
const BUCKET_SHIFT = 35;

/** A bucket is a branch whose slots are all values; its bitmap is unused. */
class Branch<T extends Keyed> {
  bitmap: number;
  slots: (T | Branch<T>)[];

  constructor(bitmap: number, slots: (T | Branch<T>)[]) {
    this.bitmap = bitmap;
    this.slots = slots;
  }
}

function ones(bits: number): number {
  let count = bits - ((bits >>> 1) & 0x55555555);
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

export class NameMap<T extends Keyed> {
  readonly #root: Branch<T>;
  readonly size: number;

  private constructor(root: Branch<T>, size: number) {
    this.#root = root;
    this.size = size;
  }

  static empty<T extends Keyed>(): NameMap<T> {
    return new NameMap<T>(new Branch<T>(0, []), 0);
  }

  /** @param hash hashOfKey(key), for a caller that has it */
  get(key: string, hash = hashOfKey(key)): T | undefined {
    let branch = this.#root;
    for (let shift = 0; shift < BUCKET_SHIFT; shift += BITS) {
      const bit = 1 << ((hash >>> shift) & MASK);
      if ((branch.bitmap & bit) === 0) return undefined;
      const slot = branch.slots[ones(branch.bitmap & (bit - 1))]!;
      if (!(slot instanceof Branch)) return slot.key === key ? slot : undefined;
      branch = slot;
    }
    return branch.slots.find((value) => (value as T).key === key) as T | undefined;
  }

  set(value: T): NameMap<T> {
    const { branch, grew } = insert(this.#root, value, hashOfKey(value.key), 0, false);
    return new NameMap(branch, this.size + (grew ? 1 : 0));
  }

  /** Faster than `values` for a few of them. */
  forEach(call: (value: T) => void): void {
    visit(this.#root, call);
  }

  *values(): Generator<T> {
    // An explicit stack: nested generators would cost one step for each level and value.
    const stack: { readonly branch: Branch<T>; at: number }[] = [{ branch: this.#root, at: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const slot = top.branch.slots[top.at++];
      if (slot === undefined) stack.pop();
      else if (slot instanceof Branch) stack.push({ branch: slot, at: 0 });
      else yield slot;
    }
  }
}

function visit<T extends Keyed>(branch: Branch<T>, call: (value: T) => void): void {
  for (const slot of branch.slots) {
    if (slot instanceof Branch) visit(slot, call);
    else call(slot);
  }
}

/** Inserts a value below a branch: into a copy of it, or with `own` into the branch itself. */
function insert<T extends Keyed>(
  branch: Branch<T>,
  value: T,
  hash: number,
  shift: number,
  own: boolean,
): { branch: Branch<T>; grew: boolean } {
  const target = own ? branch : new Branch(branch.bitmap, branch.slots.slice());
  const { slots } = target;
  if (shift >= BUCKET_SHIFT) {
    const at = slots.findIndex((each) => (each as T).key === value.key);
    slots[at < 0 ? slots.length : at] = value;
    return { branch: target, grew: at < 0 };
  }
  const bit = 1 << ((hash >>> shift) & MASK);
  const at = ones(target.bitmap & (bit - 1));
  if ((target.bitmap & bit) === 0) {
    slots.splice(at, 0, value);
    target.bitmap |= bit;
    return { branch: target, grew: true };
  }
  const slot = slots[at]!;
  if (slot instanceof Branch) {
    const below = insert(slot, value, hash, shift + BITS, own);
    slots[at] = below.branch;
    return { branch: target, grew: below.grew };
  }
  if (slot.key === value.key) {
    slots[at] = value;
    return { branch: target, grew: false };
  }
  const below = new Branch<T>(0, []);
  insert(below, slot, hashOfKey(slot.key), shift + BITS, true);
  insert(below, value, hash, shift + BITS, true);
  slots[at] = below;
  return { branch: target, grew: true };
}
