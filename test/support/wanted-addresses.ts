/** Wanted addresses written as texts, as tests have them. */
import type { Family } from '../../src/core/zones/family.ts';
import type { WantedAddresses } from '../../src/core/zones/plan-change.ts';
import { type IpAddress, parseIpAddress } from '../../src/dns/address.ts';

export type WantedTexts = { readonly [F in Family]?: string | null };

/** @throws TypeError where a text is not an address */
export function wantedOf(texts: WantedTexts): WantedAddresses {
  return Object.fromEntries(Object.entries(texts).map(([family, text]) => [family, text && address(text)]));
}

/** The texts of what a protocol asks for. */
export function textsOf(wanted: WantedAddresses): WantedTexts {
  return Object.fromEntries(Object.entries(wanted).map(([family, one]) => [family, one === null ? null : one.text]));
}

export function address(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  if (parsed === undefined) throw new TypeError(`not an address: ${text}`);
  return parsed;
}
