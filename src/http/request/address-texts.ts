/** Addresses and prefixes as update clients write them: with a length behind, or prefixes cut short. */
import { type IpAddress, type IpPrefix, parseIpAddress, prefixOf, unmapAddress } from '../../dns/address.ts';

/** An address; a length behind it is cut off. An IPv6 address with a length and only zeros in its lower half is a prefix. */
export function readAddress(text: string): IpAddress | IpPrefix | undefined {
  if (!text.includes('/')) return readPlainAddress(text);
  const read = readAddressWithLength(text);
  if (read === undefined) return undefined;
  const { address, length } = read;
  if (length === undefined) return address;
  const isPrefix = address.family === 6 && length < 128 && prefixOf(address, 64).octets.join() === octetsOf(address);
  return isPrefix ? networkOf(address, length) : address;
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
  const [front = '', behind, ...more] = text.split('/');
  const whole = front.includes('::') || front.split(':').length === 8 ? front : `${front.replace(/:$/, '')}::`;
  const address = parseIpAddress(whole);
  const length = behind === undefined ? 64 : readLength(behind, 64);
  if (address?.family !== 6 || length === undefined || more.length > 0) return undefined;
  return networkOf(address, length);
}

/** The network of an IPv6 address; undefined for a length that no provider delegates. */
export function networkOf(address: IpAddress, length: number): IpPrefix | undefined {
  return length >= MIN_PREFIX && length <= MAX_PREFIX ? prefixOf(address, length) : undefined;
}

/** No provider delegates a shorter prefix. */
const MIN_PREFIX = 16;
/** The other half is the host's own. */
const MAX_PREFIX = 64;

function octetsOf(address: IpAddress): string {
  return prefixOf(address, 128).octets.join();
}

function readLength(digits: string, max: number): number | undefined {
  return /^\d{1,3}$/.test(digits) && Number(digits) <= max ? Number(digits) : undefined;
}
