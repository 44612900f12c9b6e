/**
 * Interface identifiers: the lower 64 bits of an IPv6 address (RFC 4291 §2.5.1), given or made from a MAC address, and the
 * address that they make with a prefix. Each part stays within its own bits: nothing is ever carried into another one.
 */
import { addressOctets, formatIpv6, type IpAddress, type IpPrefix, parseIpAddress } from './address.ts';

/** Octet at which the identifier begins. */
const AT = 8;

/** An interface identifier as `::10`, in canonical text; undefined where the text is none. */
export function parseInterfaceId(text: string): string | undefined {
  const address = parseIpAddress(text);
  if (address?.family !== 6) return undefined;
  const octets = addressOctets(address);
  // With an identifier of zeros it is the anycast address of the subnet's routers (RFC 4291 §2.6.1).
  const isZero = octets.subarray(AT).every((octet) => octet === 0);
  return octets.subarray(0, AT).some((octet) => octet !== 0) || isZero ? undefined : address.text;
}

/** A MAC address in lower case with `:` between its octets; undefined where the text is none. */
export function parseMac(text: string): string | undefined {
  if (!/^[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}$/i.test(text)) return undefined;
  return text.toLowerCase().replaceAll('-', ':');
}

/** Eight octets of a text that parseInterfaceId gave. */
export function interfaceIdOctets(text: string): Uint8Array {
  return addressOctets({ family: 6, text }).subarray(AT);
}

/** The identifier that a host makes of its MAC address: modified EUI-64 (RFC 4291 appendix A). @param mac of parseMac */
export function interfaceIdOfMac(mac: string): Uint8Array {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac.split(':').map((octet) => Number.parseInt(octet, 16));
  return Uint8Array.of(a ^ 2, b, c, 0xff, 0xfe, d, e, f);
}

/**
 * The address of an identifier in a subnet below a prefix of at most 64 bits; undefined where the number of the subnet has
 * no room between the prefix and the identifier.
 */
export function addressInSubnet(prefix: IpPrefix, subnet: number, interfaceId: Uint8Array): IpAddress | undefined {
  if (prefix.family !== 6 || prefix.length > AT * 8 || subnet >= 2 ** (AT * 8 - prefix.length)) return undefined;
  const octets = Uint8Array.from(prefix.octets);
  let rest = subnet;
  for (let at = AT - 1; rest > 0; at--) {
    octets[at] = octets[at]! | (rest % 256);
    rest = Math.floor(rest / 256);
  }
  octets.set(interfaceId, AT);
  return { family: 6, text: formatIpv6(octets) };
}
