/**
 * Domain names (RFC 1035 §3.1, RFC 4343, RFC 4034 §6.1) as immutable values.
 *
 * A name is stored in uncompressed wire form with its original case, and compared without case.
 * `DomainName.parse` reads the presentation form of zone files and tools; for names that people enter see host-name.ts.
 * Left out: bit-string labels (obsoleted by RFC 6891 §5).
 */
import { excerpt } from './excerpt.ts';

/** Octets of a name in wire form, including the root's zero octet (RFC 1035 §3.1). */
export const MAX_NAME_OCTETS = 255;
/** Octets of a label (RFC 1035 §3.1). */
export const MAX_LABEL_OCTETS = 63;

export type NameErrorCode =
  | 'empty-label'
  | 'label-too-long'
  | 'name-too-long'
  | 'bad-escape'
  | 'bad-label'
  | 'numeric-tld';

/** The text is not a valid domain name. The message may be shown to the user. */
export class NameError extends Error {
  readonly code: NameErrorCode;
  constructor(code: NameErrorCode, message: string) {
    super(message);
    this.name = 'NameError';
    this.code = code;
  }
}

const DOT = 0x2e;
const BACKSLASH = 0x5c;

export class DomainName {
  /** The uncompressed wire form, case preserved, including the root's zero octet. Never modified. */
  readonly octets: Uint8Array;
  #key: string | undefined;
  #wireText: string | undefined;
  #text: string | undefined;

  private constructor(octets: Uint8Array) {
    this.octets = octets;
  }

  static readonly root: DomainName = new DomainName(new Uint8Array(1));

  /** @param octets one valid uncompressed name; neither copied nor checked */
  static ofWire(octets: Uint8Array): DomainName {
    return new DomainName(octets);
  }

  /** @param wireText wire form and @param text presentation form of one valid name; not checked */
  static ofTexts(wireText: string, text: string): DomainName {
    const name = new DomainName(Buffer.from(wireText, 'latin1'));
    name.#wireText = wireText;
    name.#text = text;
    return name;
  }

  /**
   * @param labels the left-most first, without the root
   * @throws NameError if a label is empty or longer than 63 octets, or the name longer than 255 octets
   */
  static ofLabels(labels: readonly Uint8Array[]): DomainName {
    let length = 1;
    for (const label of labels) {
      if (label.length === 0) throw new NameError('empty-label', 'A domain name has an empty label.');
      if (label.length > MAX_LABEL_OCTETS) throw new NameError('label-too-long', 'A label has more than 63 octets.');
      length += label.length + 1;
    }
    if (length > MAX_NAME_OCTETS) throw new NameError('name-too-long', 'A domain name has more than 255 octets.');
    const octets = new Uint8Array(length);
    let at = 0;
    for (const label of labels) {
      octets[at] = label.length;
      octets.set(label, at + 1);
      at += label.length + 1;
    }
    return new DomainName(octets);
  }

  /**
   * Parses the presentation form (RFC 1035 §5.1) with `\X` and `\DDD` escapes; `@` is a normal character. A text without
   * a final dot is relative to `origin`. Non-ASCII characters become their UTF-8 octets.
   * @throws NameError
   */
  static parse(text: string, origin: DomainName = DomainName.root): DomainName {
    if (text === '.') return DomainName.root;
    if (text === '') throw new NameError('empty-label', 'A domain name is empty.');
    const source = Buffer.from(text, 'utf8');
    const labels: Uint8Array[] = [];
    let label: number[] = [];
    let absolute = false;
    for (let i = 0; i < source.length; i++) {
      const octet = source[i]!;
      // Checked here as well, so that a long text ends early.
      if (label.length > MAX_LABEL_OCTETS) break;
      if (octet === DOT) {
        if (label.length === 0 || labels.length > MAX_NAME_OCTETS) break;
        labels.push(Uint8Array.from(label));
        label = [];
        absolute = i === source.length - 1;
      } else if (octet === BACKSLASH) {
        const digits = /^\d{3}/.exec(source.toString('latin1', i + 1, i + 4))?.[0];
        if (digits !== undefined) {
          if (Number(digits) > 255) throw new NameError('bad-escape', `The escape '\\${digits}' is larger than 255.`);
          label.push(Number(digits));
          i += 3;
        } else {
          const next = source[i + 1];
          if (next === undefined || (next >= 0x30 && next <= 0x39)) {
            throw new NameError('bad-escape', `The domain name '${excerpt(text)}' has an incomplete escape.`);
          }
          label.push(next);
          i += 1;
        }
      } else {
        label.push(octet);
      }
    }
    if (!absolute) {
      labels.push(Uint8Array.from(label));
      labels.push(...origin.labels());
    }
    return DomainName.ofLabels(labels);
  }

  /** The lower-cased wire form as a latin1 string, for Maps: names are equal (RFC 4343) if and only if their keys are. */
  get key(): string {
    this.#key ??= lowerCaseText(this.wireText);
    return this.#key;
  }

  /** The wire form as a latin1 string, case preserved: cheap to slice and to look up. */
  get wireText(): string {
    const { buffer, byteOffset, length } = this.octets;
    this.#wireText ??= Buffer.from(buffer, byteOffset, length).toString('latin1');
    return this.#wireText;
  }

  get isRoot(): boolean {
    return this.octets.length === 1;
  }

  /** True for `*.something` (RFC 4592 §2.1.1). */
  get isWildcard(): boolean {
    return this.octets[0] === 1 && this.octets[1] === 0x2a;
  }

  /** The number of labels without the root. */
  get labelCount(): number {
    let count = 0;
    for (let at = 0; this.octets[at] !== 0; at += this.octets[at]! + 1) count += 1;
    return count;
  }

  /** The labels, left-most first, without the root. */
  labels(): Uint8Array[] {
    const labels: Uint8Array[] = [];
    for (let at = 0; this.octets[at] !== 0; at += this.octets[at]! + 1) {
      labels.push(this.octets.subarray(at + 1, at + 1 + this.octets[at]!));
    }
    return labels;
  }

  equals(other: DomainName): boolean {
    return this === other || (this.octets.length === other.octets.length && this.key === other.key);
  }

  /** Compared label by label: `notexample.com` is not below `example.com`. */
  isAtOrBelow(ancestor: DomainName): boolean {
    const start = this.octets.length - ancestor.octets.length;
    if (start < 0) return false;
    let at = 0;
    while (at < start) at += this.octets[at]! + 1;
    return at === start && this.key.endsWith(ancestor.key);
  }

  /** The name without its left-most label; undefined for the root. */
  parent(): DomainName | undefined {
    if (this.isRoot) return undefined;
    return new DomainName(this.octets.subarray(this.octets[0]! + 1));
  }

  /** @throws NameError if the label or the new name is too long */
  prepend(label: string): DomainName {
    return DomainName.ofLabels([Buffer.from(label, 'utf8'), ...this.labels()]);
  }

  /** Presentation form with the final dot; special characters are escaped (RFC 1035 §5.1, RFC 4343 §2.1). */
  toString(): string {
    this.#text ??= formatName(this.octets);
    return this.#text;
  }

  toJSON(): string {
    return this.toString();
  }

  /** Canonical DNS name order (RFC 4034 §6.1). */
  static compare(a: DomainName, b: DomainName): number {
    return compareNameKeys(a.key, b.key);
  }
}

/** Offsets of the labels of two names. Can be shared, as comparing is synchronous. */
const LEFT_LABELS = new Uint8Array(MAX_NAME_OCTETS >> 1);
const RIGHT_LABELS = new Uint8Array(MAX_NAME_OCTETS >> 1);

function findLabels(key: string, starts: Uint8Array): number {
  let count = 0;
  for (let at = 0, length = key.charCodeAt(0); length > 0; length = key.charCodeAt(at)) {
    starts[count++] = at;
    at += length + 1;
  }
  return count;
}

/**
 * Canonical DNS name order (RFC 4034 §6.1) of two `DomainName.key`: labels from the right, a missing label first. Negative if `a` is
 * before `b`.
 */
export function compareNameKeys(a: string, b: string): number {
  if (a === b) return 0;
  let left = findLabels(a, LEFT_LABELS);
  let right = findLabels(b, RIGHT_LABELS);
  while (left > 0 && right > 0) {
    const leftAt = LEFT_LABELS[--left]!;
    const rightAt = RIGHT_LABELS[--right]!;
    const leftLength = a.charCodeAt(leftAt);
    const rightLength = b.charCodeAt(rightAt);
    const shorter = Math.min(leftLength, rightLength);
    for (let i = 1; i <= shorter; i++) {
      const order = a.charCodeAt(leftAt + i) - b.charCodeAt(rightAt + i);
      if (order !== 0) return order;
    }
    if (leftLength !== rightLength) return leftLength - rightLength;
  }
  return left - right;
}

/** Lower-cases A to Z only (RFC 4343 §3). Safe for whole names in wire form: length octets are below 0x40. */
export function lowerCaseText(wireText: string): string {
  return /[A-Z]/.test(wireText) ? wireText.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : wireText;
}

/**
 * The value of the longest name at or above `key`, like the zone of a name ("nearest ancestor", RFC 1034 §4.3.2).
 * @param byKey values by `DomainName.key`
 */
export function findNearestAncestor<Value>(byKey: ReadonlyMap<string, Value>, key: string): Value | undefined {
  for (let rest = key; ; rest = rest.slice(rest.charCodeAt(0) + 1)) {
    const value = byKey.get(rest);
    if (value !== undefined || rest.length === 1) return value;
  }
}

const SPECIAL = new Set([...'."();@$\\'].map((character) => character.charCodeAt(0)));

function formatName(octets: Uint8Array): string {
  if (octets.length === 1) return '.';
  let text = '';
  for (let at = 0; octets[at] !== 0; ) {
    const end = at + 1 + octets[at]!;
    for (let i = at + 1; i < end; i++) {
      const octet = octets[i]!;
      if (octet <= 0x20 || octet >= 0x7f) text += `\\${String(octet).padStart(3, '0')}`;
      else if (SPECIAL.has(octet)) text += `\\${String.fromCharCode(octet)}`;
      else text += String.fromCharCode(octet);
    }
    text += '.';
    at = end;
  }
  return text;
}
