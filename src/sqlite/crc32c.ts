/**
 * CRC-32C (Castagnoli; RFC 3720 §12.1, Appendix B.4), by tables that take eight octets at a time. Node.js has CRC-32 alone,
 * and only since 20.15.
 */

/** The polynomial 0x1edc6f41, reflected. */
const POLYNOMIAL = 0x82f63b78;

/** Eight tables of 256: the first for one octet, each further one for an octet that lies one position earlier. */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let octet = 0; octet < 256; octet++) {
    let crc = octet;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[octet] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256]!;
    tables[at] = (before >>> 8) ^ tables[before & 0xff]!;
  }
  return tables;
}

/**
 * The checksum of octets, 0 to 2^32 - 1.
 * @param previous the checksum of the octets before them, for a text in several pieces
 */
export function crc32c(octets: Uint8Array, previous = 0, end = octets.length): number {
  const t = TABLES;
  let crc = ~previous;
  let at = 0;
  for (; at + 8 <= end; at += 8) {
    const low = crc ^ (octets[at]! | (octets[at + 1]! << 8) | (octets[at + 2]! << 16) | (octets[at + 3]! << 24));
    crc =
      t[1792 + (low & 0xff)]! ^
      t[1536 + ((low >>> 8) & 0xff)]! ^
      t[1280 + ((low >>> 16) & 0xff)]! ^
      t[1024 + (low >>> 24)]! ^
      t[768 + octets[at + 4]!]! ^
      t[512 + octets[at + 5]!]! ^
      t[256 + octets[at + 6]!]! ^
      t[octets[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t[(crc ^ octets[at]!) & 0xff]!;
  return ~crc >>> 0;
}
