/** IPv6 addresses as eight groups, as far as the ruler of a prefix needs them (RFC 4291, RFC 5952). */

/** Undefined: it is no IPv6 address. */
export function groupsOf(text: string): readonly number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array.from({ length: halves.length === 2 ? missing : 0 }, () => '0'), ...tail];
  const numbers = groups.map((group) => (/^[0-9a-f]{1,4}$/i.test(group) ? Number.parseInt(group, 16) : Number.NaN));
  return numbers.some(Number.isNaN) ? undefined : numbers;
}

/** In the form of RFC 5952: the longest run of zeros is shortened. */
export function formatGroups(groups: readonly number[]): string {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < groups.length; at += 1) {
    let length = 0;
    while (groups[at + length] === 0) length += 1;
    if (length > best.length) best = { at, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.at < 0) return hex.join(':');
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`;
}

export interface AddressParts {
  /** Like `2001:db8:5a:1200::/56`. */
  readonly prefix: string;
  /** The bits between the prefix and the device, in hexadecimal digits; undefined for a prefix of 64 bits. */
  readonly subnet: string | undefined;
  /** Like `::1`. */
  readonly id: string;
}

/** @param length of the prefix, at most 64 */
export function partsOf(address: string, length: number): AddressParts | undefined {
  const groups = groupsOf(address);
  if (groups === undefined) return undefined;
  const keep = (from: number, to: number) =>
    groups.map((group, index) => {
      let mask = 0;
      for (let bit = 0; bit < 16; bit += 1) {
        const place = index * 16 + bit;
        if (place >= from && place < to) mask |= 1 << (15 - bit);
      }
      return group & mask;
    });
  const middle = keep(length, 64).slice(0, 4);
  const digits = middle.map((group) => group.toString(16).padStart(4, '0')).join('');
  return {
    prefix: `${formatGroups(keep(0, length))}/${length}`,
    subnet: length === 64 ? undefined : digits.slice(-Math.ceil((64 - length) / 4)),
    id: formatGroups(keep(64, 128)),
  };
}
