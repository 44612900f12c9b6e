/**
 * Interface identifiers, the lower 64 bits of an IPv6 address (RFC 4291 §2.5.1): configured or derived from a MAC address,
 * and combined with a prefix and a subnet number. No part overflows into the bits of another.
 */
import { addressOctets, formatIpv6, type IpAddress, type IpPrefix, parseIpAddress } from './address.ts';

/** The octet of the address at which the identifier begins. */
const ID_OFFSET = 8;

/** Parses an interface identifier as `::10` to its canonical text; undefined if the text is anything else. */
export function parseInterfaceId(text: string): string | undefined {
  const address = parseIpAddress(text);
  if (address?.family !== 6) return undefined;
  const octets = addressOctets(address);
  // An identifier of zeros makes the anycast address of the subnet's routers (RFC 4291 §2.6.1).
  const isZero = octets.subarray(ID_OFFSET).every((octet) => octet === 0);
  return octets.subarray(0, ID_OFFSET).some((octet) => octet !== 0) || isZero ? undefined : address.text;
}

/** Parses a MAC address to lower case with `:` between its octets; undefined if the text is anything else. */
export function parseMac(text: string): string | undefined {
  if (!/^[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}$/i.test(text)) return undefined;
  return text.toLowerCase().replaceAll('-', ':');
}

/** The 8 octets of an identifier. @param text as returned by parseInterfaceId */
export function interfaceIdOctets(text: string): Uint8Array {
  return addressOctets({ family: 6, text }).subarray(ID_OFFSET);
}

/** The modified EUI-64 identifier of a MAC address (RFC 4291 appendix A). @param mac as returned by parseMac */
export function interfaceIdOfMac(mac: string): Uint8Array {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac.split(':').map((octet) => Number.parseInt(octet, 16));
  return Uint8Array.of(a ^ 2, b, c, 0xff, 0xfe, d, e, f);
}

/**
 * The address of an interface in a subnet of the prefix; undefined if the prefix is not IPv6, is longer than 64 bits, or
 * leaves too few bits for the subnet number.
 */
export function addressInSubnet(prefix: IpPrefix, subnet: number, interfaceId: Uint8Array): IpAddress | undefined {
  const subnetBits = ID_OFFSET * 8 - prefix.length;
  if (prefix.family !== 6 || subnetBits < 0 || subnet >= 2 ** subnetBits) return undefined;
  const octets = Uint8Array.from(prefix.octets);
  let rest = subnet;
  for (let at = ID_OFFSET - 1; rest > 0; at--) {
    octets[at] = octets[at]! | (rest % 256);
    rest = Math.floor(rest / 256);
  }
  octets.set(interfaceId, ID_OFFSET);
  return { family: 6, text: formatIpv6(octets) };
}
