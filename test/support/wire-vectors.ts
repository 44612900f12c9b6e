// The recorded messages of test/vectors/messages.hex, and values in a form that compares by content.
import { readFileSync } from 'node:fs';
import { DomainName } from '../../src/dns/name.ts';

export interface WireVector {
  readonly label: string;
  readonly octets: Uint8Array;
}

/** Octets from hexadecimal text; white space is passed over. */
export function hex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error(`not hexadecimal: ${text}`);
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

/** All recorded messages: a label on a line of its own, its octets on the indented lines below. */
export function recordedMessages(): readonly WireVector[] {
  const text = readFileSync(new URL('../vectors/messages.hex', import.meta.url), 'utf8');
  const vectors: { label: string; octets: Uint8Array }[] = [];
  for (const block of text.replace(/^#.*\n/gm, '').split(/\n(?=\S)/)) {
    const [label = '', ...lines] = block.trim().split('\n');
    if (label !== '') vectors.push({ label, octets: hex(lines.join('')) });
  }
  return vectors;
}

/** The recorded message with a label. */
export function recordedMessage(label: string): Uint8Array {
  const found = recordedMessages().find((vector) => vector.label === label);
  if (found === undefined) throw new Error(`no recorded message is called '${label}'`);
  return found.octets;
}

/**
 * A value as plain data: names as `name(hex of the wire form)`, octets as `octets(hex)`. Two messages carry the same,
 * the case of names included, exactly when their plain values are equal; where a TSIG record began does not count.
 */
export function plainValue(value: unknown): unknown {
  if (value instanceof DomainName) return `name(${Buffer.from(value.octets).toString('hex')})`;
  if (value instanceof Uint8Array) return `octets(${Buffer.from(value).toString('hex')})`;
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'tsigOffset');
  return Object.fromEntries(entries.map(([key, member]) => [key, plainValue(member)]));
}
