/** The texts by which servers tell each other what they have published: JSON of a zone and of its names with their addresses. */
import type { AddressSet, PublishedAddresses } from '../core/zones/publisher.ts';

/** Octets of a PostgreSQL notification, which must be below 8,000. */
const MAX_OCTETS = 7_900;

/** The keys of the apex and of the owner names. */
export interface News {
  readonly apexKey: string;
  readonly names: ReadonlyMap<string, PublishedAddresses>;
}

/** As few texts as hold all of it. A name that is too long for one is left out. */
export function encodeNews({ apexKey, names }: News): readonly string[] {
  const head = `[${asciiJson(apexKey)}`;
  const texts: string[] = [];
  let text = head;
  for (const [nameKey, { A, AAAA }] of names) {
    const item = `,${asciiJson([nameKey, A.addresses, A.ttl, AAAA.addresses, AAAA.ttl])}`;
    if (head.length + item.length + 1 > MAX_OCTETS) continue;
    if (text.length + item.length + 1 > MAX_OCTETS) {
      texts.push(`${text}]`);
      text = head;
    }
    text += item;
  }
  if (text !== head) texts.push(`${text}]`);
  return texts;
}

/** Undefined for a text that is none of ours, or of a version that is written in another way. */
export function decodeNews(text: string): News | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || typeof parsed[0] !== 'string') return undefined;
  const names = new Map<string, PublishedAddresses>();
  for (const item of parsed.slice(1) as unknown[]) {
    if (!Array.isArray(item)) return undefined;
    const [nameKey, a, aTtl, aaaa, aaaaTtl] = item as unknown[];
    const [A, AAAA] = [addressSet(a, aTtl), addressSet(aaaa, aaaaTtl)];
    if (typeof nameKey !== 'string' || A === undefined || AAAA === undefined) return undefined;
    names.set(nameKey, { A, AAAA });
  }
  return { apexKey: parsed[0], names };
}

function addressSet(addresses: unknown, ttl: unknown): AddressSet | undefined {
  if (!Array.isArray(addresses) || !addresses.every((address) => typeof address === 'string')) return undefined;
  return typeof ttl === 'number' ? { addresses, ttl } : undefined;
}

/** JSON without octets above 127: its length is its length in octets, and every encoding of a database can store it. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
