/**
 * IPv4 and IPv6 addresses and prefixes: text <-> octets, the canonical text of RFC 5952, IPv4-mapped addresses.
 *
 * `text` is always canonical: two addresses are equal if and only if their texts are. Parsing is strict: leading zeros
 * (`010.1.1.1`), short forms (`1.2.3`) and zone identifiers (`fe80::1%eth0`) are rejected.
 */

export type AddressFamily = 4 | 6;

export interface IpAddress {
  readonly family: AddressFamily;
  /** Canonical: dotted quad, or RFC 5952. */
  readonly text: string;
}

export interface IpPrefix {
  readonly family: AddressFamily;
  /** 4 or 16 octets; the host bits are zero. */
  readonly octets: Uint8Array;
  /** Prefix length in bits. */
  readonly length: number;
}

/** Parses one address; undefined if the text is anything else. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (text.includes(':')) {
    const octets = parseIpv6(text);
    return octets && { family: 6, text: formatIpv6(octets) };
  }
  return parseIpv4(text) < 0 ? undefined : { family: 4, text };
}

/** The octets (4 or 16) of an address. */
export function addressOctets(address: IpAddress): Uint8Array {
  return address.family === 4 ? ipv4Octets(address.text) : ipv6Octets(address.text);
}

/** The 4 octets of a valid dotted quad. @throws TypeError otherwise. */
export function ipv4Octets(text: string): Uint8Array {
  const bits = parseIpv4(text);
  if (bits < 0) throw new TypeError(`not an IPv4 address: ${text}`);
  return Uint8Array.of(bits >>> 24, bits >>> 16, bits >>> 8, bits);
}

/** The 16 octets of a valid IPv6 address. @throws TypeError otherwise. */
export function ipv6Octets(text: string): Uint8Array {
  const octets = parseIpv6(text);
  if (octets === undefined) throw new TypeError(`not an IPv6 address: ${text}`);
  return octets;
}

/** `::ffff:192.0.2.1` becomes `192.0.2.1` (RFC 4291 §2.5.5.2); every other address is returned unchanged. */
export function unmapAddress(address: IpAddress): IpAddress {
  if (address.family === 4 || !address.text.startsWith('::ffff:')) return address;
  const text = address.text.slice('::ffff:'.length);
  return text.includes('.') ? { family: 4, text } : address;
}

/**
 * Parses `address/length`; without a length it is that of the whole address, 32 or 128. Undefined if the text is not a
 * prefix or host bits are set.
 */
export function parseIpPrefix(text: string): IpPrefix | undefined {
  const slash = text.indexOf('/');
  const address = parseIpAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const octets = addressOctets(address);
  const maxLength = octets.length * 8;
  let length = maxLength;
  if (slash >= 0) {
    const digits = text.slice(slash + 1);
    if (!/^(0|[1-9]\d{0,2})$/.test(digits)) return undefined;
    length = Number(digits);
    if (length > maxLength) return undefined;
  }
  for (let bit = length; bit < maxLength; bit++) {
    if ((octets[bit >> 3]! >> (7 - (bit & 7))) & 1) return undefined;
  }
  return { family: address.family, octets, length };
}

export function formatIpPrefix(prefix: IpPrefix): string {
  const text = prefix.family === 4 ? formatIpv4(prefix.octets, 0) : formatIpv6(prefix.octets);
  return `${text}/${prefix.length}`;
}

/** True if the address (4 or 16 octets) is in the prefix; false for the other family. */
export function prefixContains(prefix: IpPrefix, octets: Uint8Array): boolean {
  if (octets.length !== prefix.octets.length) return false;
  const wholeOctets = prefix.length >> 3;
  for (let i = 0; i < wholeOctets; i++) if (octets[i] !== prefix.octets[i]) return false;
  const bits = prefix.length & 7;
  return bits === 0 || (octets[wholeOctets]! ^ prefix.octets[wholeOctets]!) >> (8 - bits) === 0;
}

/** Replaces the network bits by those of the prefix and keeps the host bits. @throws TypeError for the other family. */
export function moveAddress(prefix: IpPrefix, address: IpAddress): IpAddress {
  if (address.family !== prefix.family) throw new TypeError(`${address.text} is not of the prefix's family`);
  const octets = Uint8Array.from(addressOctets(address), (octet, index) => {
    const bits = Math.min(Math.max(prefix.length - index * 8, 0), 8);
    const mask = (0xff00 >> bits) & 0xff;
    return (prefix.octets[index]! & mask) | (octet & ~mask);
  });
  return { family: address.family, text: address.family === 4 ? formatIpv4(octets, 0) : formatIpv6(octets) };
}

/** The prefix of `length` bits that contains the address. */
export function prefixOf(address: IpAddress, length: number): IpPrefix {
  const octets = Uint8Array.from(addressOctets(address), (octet, index) => {
    const bits = Math.min(Math.max(length - index * 8, 0), 8);
    return octet & (0xff00 >> bits) & 0xff;
  });
  return { family: address.family, octets, length };
}

/** A dotted quad as 32 unsigned bits; -1 if the text is anything else. */
function parseIpv4(text: string): number {
  let parts = 0;
  let digits = 0;
  let value = 0;
  let bits = 0;
  for (let i = 0; i <= text.length; i++) {
    const code = i === text.length ? 0x2e : text.charCodeAt(i);
    if (code === 0x2e) {
      if (digits === 0 || parts === 4) return -1;
      bits = (bits << 8) | value;
      parts += 1;
      digits = 0;
      value = 0;
    } else {
      if (code < 0x30 || code > 0x39 || (digits > 0 && value === 0)) return -1;
      value = value * 10 + (code - 0x30);
      digits += 1;
      if (value > 255) return -1;
    }
  }
  return parts === 4 ? bits >>> 0 : -1;
}

function parseIpv6(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // "::" stands for at least one group of zeros (RFC 4291 §2.2).
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const octets = new Uint8Array(16);
  head.forEach((group, i) => {
    octets[i * 2] = group >> 8;
    octets[i * 2 + 1] = group & 0xff;
  });
  tail.forEach((group, i) => {
    const at = (8 - tail.length + i) * 2;
    octets[at] = group >> 8;
    octets[at + 1] = group & 0xff;
  });
  return octets;
}

/** The 16-bit groups on one side of `::`; only the last side may end in a dotted quad (RFC 4291 §2.2). */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (last && i === parts.length - 1 && part.includes('.')) {
      const quad = parseIpv4(part);
      if (quad < 0) return undefined;
      groups.push(quad >>> 16, quad & 0xffff);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

/** The dotted quad of the 4 octets at `offset`. */
export function formatIpv4(octets: Uint8Array, offset: number): string {
  return `${octets[offset]}.${octets[offset + 1]}.${octets[offset + 2]}.${octets[offset + 3]}`;
}

/**
 * RFC 5952 text of 16 octets at `offset`: lower case, no leading zeros, the longest run of two or more zero groups
 * (the first of equals) as `::`, IPv4-mapped addresses with a dotted quad (§5).
 */
export function formatIpv6(octets: Uint8Array, offset = 0): string {
  let bestStart = -1;
  let bestLength = 1;
  let start = -1;
  const groups: number[] = [];
  for (let i = 0; i < 8; i++) {
    const group = (octets[offset + i * 2]! << 8) | octets[offset + i * 2 + 1]!;
    groups.push(group);
    if (group !== 0) {
      start = -1;
    } else {
      if (start < 0) start = i;
      if (i - start + 1 > bestLength) {
        bestStart = start;
        bestLength = i - start + 1;
      }
    }
  }
  if (bestStart === 0 && bestLength === 5 && groups[5] === 0xffff) return `::ffff:${formatIpv4(octets, offset + 12)}`;
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === bestStart) {
      text += '::';
      i += bestLength - 1;
    } else {
      text += text === '' || text.endsWith(':') ? groups[i]!.toString(16) : `:${groups[i]!.toString(16)}`;
    }
  }
  return text;
}
