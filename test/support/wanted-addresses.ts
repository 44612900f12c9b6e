/** Wanted addresses written as texts, as tests have them. */
import type { Family } from '../../src/core/zones/family.ts';
import type { WantedAddresses } from '../../src/core/zones/plan-change.ts';
import { type IpAddress, parseIpAddress } from '../../src/dns/address.ts';

/** Several addresses with commas between them; null: no address. */
export type WantedTexts = { readonly [F in Family]?: string | null };

/** @throws TypeError where a text is not an address */
export function wantedOf(texts: WantedTexts): WantedAddresses {
  return Object.fromEntries(
    Object.entries(texts).map(([family, text]) => [family, text?.split(',').map(address) ?? []]),
  );
}

/** The texts of what a protocol asks for. */
export function textsOf(wanted: WantedAddresses): WantedTexts {
  const texts = Object.entries(wanted).map(([family, list]: [string, readonly IpAddress[]]) => {
    return [family, list.map(({ text }) => text).join(',') || null];
  });
  return Object.fromEntries(texts);
}

export function address(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  if (parsed === undefined) throw new TypeError(`not an address: ${text}`);
  return parsed;
}
