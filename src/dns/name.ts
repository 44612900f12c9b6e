/**
 * Domain names (RFC 1035 §3.1, RFC 4343, RFC 4034 §6.1) as immutable values.
 *
 * A name is held in its uncompressed wire form with the case it came in; it is compared without case.
 * `DomainName.parse` reads the presentation form of zone files and tools; `parseHostName` reads what people and
 * routers type (IDNA, host-name rules). Left out: bit-string labels (RFC 6891 §5 made them obsolete).
 */
import { domainToASCII } from 'node:url';

/** Longest name in wire form, the root's zero octet included (RFC 1035 §3.1). */
export const MAX_NAME_OCTETS = 255;
/** Longest label (RFC 1035 §3.1). */
export const MAX_LABEL_OCTETS = 63;

export type NameErrorCode =
  | 'empty-label'
  | 'label-too-long'
  | 'name-too-long'
  | 'bad-escape'
  | 'bad-label'
  | 'numeric-tld';

/** Thrown where a text is no domain name. The message may be shown to the user. */
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
  /** The uncompressed wire form, case preserved, ending in the root's zero octet. Never written to. */
  readonly octets: Uint8Array;
  #key: string | undefined;
  #wireText: string | undefined;
  #text: string | undefined;

  private constructor(octets: Uint8Array) {
    this.octets = octets;
  }

  static readonly root: DomainName = new DomainName(new Uint8Array(1));

  /** Takes octets that are known to be one valid uncompressed name, without copying or checking them. */
  static ofWire(octets: Uint8Array): DomainName {
    return new DomainName(octets);
  }

  /** Takes the wire form as a string of its octets and the presentation form, both known to be of one valid name. */
  static ofTexts(wireText: string, text: string): DomainName {
    const name = new DomainName(Buffer.from(wireText, 'latin1'));
    name.#wireText = wireText;
    name.#text = text;
    return name;
  }

  /**
   * Builds a name from labels, the left-most first, the root not included.
   * @throws NameError when a label is empty or longer than 63 octets, or the name longer than 255 octets.
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
   * Reads the presentation form (RFC 1035 §5.1): `\.` and `\DDD` escapes, `@` not interpreted. A text without the
   * final dot is taken relative to `origin`, by default the root. Characters beyond ASCII count as their UTF-8 octets.
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
      if (octet === DOT) {
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
            throw new NameError('bad-escape', `The domain name '${shorten(text)}' has an incomplete escape.`);
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

  /**
   * The name in lower case as a string of its wire octets: two names are equal (RFC 4343) exactly when their keys are.
   * Made to be the key of a Map.
   */
  get key(): string {
    this.#key ??= lowerCaseText(this.wireText);
    return this.#key;
  }

  /** The wire octets as a string of the same length, case kept: cheap to slice and to look up. */
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

  /** The number of labels, the root not counted. */
  get labelCount(): number {
    let count = 0;
    for (let at = 0; this.octets[at] !== 0; at += this.octets[at]! + 1) count += 1;
    return count;
  }

  /** The labels, left-most first, the root not included. */
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

  /** True if `this` is `ancestor` or below it, compared label by label: `notexample.com` is not under `example.com`. */
  isAtOrBelow(ancestor: DomainName): boolean {
    const start = this.octets.length - ancestor.octets.length;
    if (start < 0) return false;
    let at = 0;
    while (at < start) at += this.octets[at]! + 1;
    return at === start && this.key.endsWith(ancestor.key);
  }

  /** The name without its left-most label; the root has none. */
  parent(): DomainName | undefined {
    if (this.isRoot) return undefined;
    return new DomainName(this.octets.subarray(this.octets[0]! + 1));
  }

  /** `label` in front of this name. @throws NameError when it gets too long. */
  prepend(label: string): DomainName {
    return DomainName.ofLabels([Buffer.from(label, 'utf8'), ...this.labels()]);
  }

  /** Presentation form with the final dot; what is special in a zone file is escaped (RFC 1035 §5.1, RFC 4343 §2.1). */
  toString(): string {
    this.#text ??= formatName(this.octets);
    return this.#text;
  }

  toJSON(): string {
    return this.toString();
  }

  /** Canonical order (RFC 4034 §6.1): by labels from the right, as lower-case octet strings, the shorter first. */
  static compare(a: DomainName, b: DomainName): number {
    const left = a.labels().reverse();
    const right = b.labels().reverse();
    for (let i = 0; i < Math.min(left.length, right.length); i++) {
      const order = Buffer.compare(lowerCase(left[i]!), lowerCase(right[i]!));
      if (order !== 0) return order;
    }
    return left.length - right.length;
  }
}

/**
 * Reads a name as a person or a router writes it: relative to the root, final dot optional, IDNA for labels that are not
 * ASCII (label by label: on whole names the WHATWG function turns `1.2` into an address and drops `www.example.777`).
 * Letters, digits, hyphens, `_` and a left-most `*` are allowed.
 * @throws NameError with a text that names the label.
 */
export function parseHostName(text: string): DomainName {
  const labels = text.split('.');
  if (labels.length > 1 && labels[labels.length - 1] === '') labels.pop();
  let last = '';
  let wireText = '';
  let presentation = '';
  for (let index = 0; index < labels.length; index++) {
    last = hostLabel(labels[index]!, index, text);
    wireText += String.fromCharCode(last.length) + last;
    presentation += `${last}.`;
  }
  if (/^\d+$/.test(last)) {
    const shortText = shorten(text);
    throw new NameError('numeric-tld', `The TLD '${last}' of the DNS name '${shortText}' must be not purely numeric.`);
  }
  if (wireText.length + 1 > MAX_NAME_OCTETS) {
    throw new NameError('name-too-long', `The DNS name '${shorten(text)}' is longer than 255 octets.`);
  }
  // No character of a host name needs an escape, so that the presentation form is the text itself.
  return DomainName.ofTexts(`${wireText}\0`, presentation);
}

function hostLabel(label: string, index: number, text: string): string {
  if (label === '') throw new NameError('empty-label', `The DNS name '${shorten(text)}' has an empty label.`);
  let ascii = label;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is "not ASCII"
  if (/[^\x00-\x7f]/.test(label)) {
    // The WHATWG function reads the start of a URL: it would decode `%`, stop at `/`, `?`, `#` and `\`, and drop tabs and
    // line ends; a dot-like character would split the label. So nothing but host-name characters may stand beside.
    if (!/^[a-z0-9_\-\u0080-\uffff]+$/i.test(label) || label.startsWith('-') || label.endsWith('-'))
      throw invalidLabel(label, text);
    ascii = domainToASCII(label);
    if (ascii === '' || ascii.includes('.')) throw invalidLabel(label, text);
  }
  if (ascii.length > MAX_LABEL_OCTETS) {
    throw new NameError(
      'label-too-long',
      `The label '${shorten(label)}' of the DNS name '${shorten(text)}' is longer than 63 octets.`,
    );
  }
  if (ascii === '*' && index === 0) return ascii;
  if (!/^[a-z0-9_-]+$/i.test(ascii) || ascii.startsWith('-') || ascii.endsWith('-')) throw invalidLabel(label, text);
  return ascii;
}

function invalidLabel(label: string, text: string): NameError {
  return new NameError('bad-label', `The label '${shorten(label)}' of the DNS name '${shorten(text)}' is invalid.`);
}

/** Keeps an error line readable when someone sends kilobytes, and free of characters that steer a terminal or a page. */
function shorten(text: string): string {
  const start = [...text.slice(0, 202)];
  const clean = start
    .slice(0, 100)
    .join('')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '?');
  return start.length > 100 ? `${clean}…` : clean;
}

function lowerCase(octets: Uint8Array): Uint8Array {
  return octets.map((octet) => (octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet));
}

/** Only A to Z (RFC 4343 §3). Length octets are below 64 (0x40), so that a whole wire form is lower-cased safely. */
export function lowerCaseText(wireText: string): string {
  return /[A-Z]/.test(wireText) ? wireText.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : wireText;
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
