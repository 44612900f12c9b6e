/** The two kinds of address records, by the name of their RR type (RFC 1035 §3.4.1, RFC 3596 §2.1). */
import type { IpAddress } from '../../dns/address.ts';

export type Family = 'A' | 'AAAA';
export const FAMILIES: readonly Family[] = ['A', 'AAAA'];

/** Addresses of one family that an operator or a client may give a name. */
export const MAX_ADDRESSES = 8;

export function familyOf({ family }: IpAddress): Family {
  return family === 4 ? 'A' : 'AAAA';
}

/** @param text canonical, as in a store, a zone or a HostSettings: it is not parsed again */
export function addressOf(family: Family, text: string): IpAddress {
  return { family: family === 'A' ? 4 : 6, text };
}

/** @param left sorted texts of one family, as in an AddressSet; so is `right` */
export function sameAddresses(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((address, index) => address === right[index]);
}
