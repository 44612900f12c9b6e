/** The recorded messages of test/vectors/messages.hex, and a form of values for comparison. */
import { readFileSync } from 'node:fs';
import { DomainName } from '../../src/dns/name.ts';

export interface WireVector {
  readonly label: string;
  readonly octets: Uint8Array;
}

/** Parses hexadecimal text, ignoring white space. */
export function hex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error(`Not hexadecimal: ${text}`);
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

/** Reads all recorded messages: a label on its own line, and the octets on the indented lines below. */
export function recordedMessages(): readonly WireVector[] {
  const text = readFileSync(new URL('../vectors/messages.hex', import.meta.url), 'utf8');
  const vectors: { label: string; octets: Uint8Array }[] = [];
  for (const block of text.replace(/^#.*\n/gm, '').split(/\n(?=\S)/)) {
    const [label = '', ...lines] = block.trim().split('\n');
    if (label !== '') vectors.push({ label, octets: hex(lines.join('')) });
  }
  return vectors;
}

/** Returns the recorded message with a label. */
export function recordedMessage(label: string): Uint8Array {
  const found = recordedMessages().find((vector) => vector.label === label);
  if (found === undefined) throw new Error(`There is no recorded message '${label}'.`);
  return found.octets;
}

/**
 * Converts a value to plain data: names to `name(hex of the wire form)`, octets to `octets(hex)`. Two messages are the
 * same, with the case of names, exactly if their plain values are equal. `tsigOffset` is ignored.
 */
export function plainValue(value: unknown): unknown {
  if (value instanceof DomainName) return `name(${Buffer.from(value.octets).toString('hex')})`;
  if (value instanceof Uint8Array) return `octets(${Buffer.from(value).toString('hex')})`;
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'tsigOffset');
  return Object.fromEntries(entries.map(([key, member]) => [key, plainValue(member)]));
}
