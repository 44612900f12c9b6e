/** Addresses and prefixes as update clients write them: with a length behind, or prefixes cut short. */
import {
  addressOctets,
  formatIpv6,
  type IpAddress,
  type IpPrefix,
  parseIpAddress,
  prefixOf,
  unmapAddress,
} from '../../dns/address.ts';

/**
 * An address; a length behind it is cut off. With a length and only zeros behind it, an IPv4 address is a prefix; an IPv6
 * address is one if its lower half has only zeros. Undefined also for a prefix of a length that no network has.
 */
export function readAddress(text: string): IpAddress | IpPrefix | undefined {
  if (!text.includes('/')) return readPlainAddress(text);
  const read = readAddressWithLength(text);
  if (read === undefined) return undefined;
  const { address, length } = read;
  if (length === undefined || isWholeLength(address, length)) return address;
  return hasOnlyZeros(address, address.family === 4 ? length : MAX_PREFIX) ? networkOf(address, length) : address;
}

/** An address, and its length if it has one; both as written, but `::ffff:192.0.2.1` is unmapped. */
export function readAddressWithLength(text: string): { address: IpAddress; length: number | undefined } | undefined {
  const slash = text.indexOf('/');
  const address = readPlainAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  if (slash < 0) return { address, length: undefined };
  const length = readLength(text.slice(slash + 1), address.family === 4 ? 32 : 128);
  return length === undefined ? undefined : { address, length };
}

function readPlainAddress(text: string): IpAddress | undefined {
  const address = parseIpAddress(text);
  return address && unmapAddress(address);
}

/** `2001:db8:0:10::/60`, `2001:db8:0:10::` or `2001:db8:0:10`; without a length it has 64 bits. IPv6 only. */
export function readPrefix(text: string): IpPrefix | undefined {
  const [front = '', behind, ...more] = text.split('/', 3);
  // Without a colon, `cafe` is a word.
  if (!front.includes(':') || front.length > MAX_IPV6_TEXT) return undefined;
  const whole = front.includes('::') || front.split(':').length === 8 ? front : `${front.replace(/:$/, '')}::`;
  const address = parseIpAddress(whole);
  const length = behind === undefined ? 64 : readLength(behind, 64);
  if (address?.family !== 6 || length === undefined || more.length > 0) return undefined;
  return networkOf(address, length);
}

const MAX_IPV6_TEXT = 45;

/** The network of an address; undefined for a length that no network has. */
export function networkOf(address: IpAddress, length: number): IpPrefix | undefined {
  const [min, max] = address.family === 4 ? [MIN_PREFIX_4, MAX_PREFIX_4] : [MIN_PREFIX, MAX_PREFIX];
  return length >= min && length <= max ? prefixOf(address, length) : undefined;
}

/** No network of one site is larger. */
const MIN_PREFIX_4 = 8;
const MAX_PREFIX_4 = 31;
/** No provider delegates a shorter prefix. */
const MIN_PREFIX = 16;
/** The other half is the host's own. */
const MAX_PREFIX = 64;

/** Whether `/32` or `/128` is behind an address: it says nothing. */
export function isWholeLength({ family }: IpAddress, length: number): boolean {
  return length === (family === 4 ? 32 : 128);
}

/** Whether all bits behind the first `length` are zero. */
function hasOnlyZeros(address: IpAddress, length: number): boolean {
  return prefixOf(address, length).octets.join() === addressOctets(address).join();
}

/**
 * Whether an IPv6 address is only an interface identifier (RFC 4291 §2.5.1): its upper half has only zeros. `::` and `::1`
 * are addresses of their own.
 */
export function isInterfaceIdentifier({ family, text }: IpAddress): boolean {
  if (family === 4 || !text.startsWith('::') || text === '::' || text === '::1') return false;
  // In the canonical text, `::` stands for the first four groups at least where they are zero.
  return text.split(':').length <= 6;
}

/** The address in a prefix of at most 64 bits that has the interface identifier; the bits between both are zero. */
export function joinIdentifier({ octets }: IpPrefix, identifier: IpAddress): IpAddress {
  const joined = Uint8Array.from(octets);
  joined.set(addressOctets(identifier).subarray(8), 8);
  return { family: 6, text: formatIpv6(joined) };
}

/** Items of a list that are looked at. */
const MAX_ITEMS = 100;

/** Whether a text is an address or a prefix, or a list of them and of other words; also in brackets. */
export function looksLikeAddress(text: string): boolean {
  if (!text.includes('.') && !text.includes(':')) return false;
  return text.split(/[\s,]/, MAX_ITEMS).some((item) => {
    if (item.length < 2 || item.length > MAX_IPV6_TEXT + 6) return false;
    return readAddressWithLength(item.startsWith('[') && item.endsWith(']') ? item.slice(1, -1) : item) !== undefined;
  });
}

function readLength(digits: string, max: number): number | undefined {
  return /^\d{1,3}$/.test(digits) && Number(digits) <= max ? Number(digits) : undefined;
}
