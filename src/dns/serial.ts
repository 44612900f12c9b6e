/** Arithmetic of SOA serials: 32-bit serial numbers that wrap around (RFC 1982). */

/** True if `a` is greater than `b`. Serials exactly 2^31 apart have no order: false either way (RFC 1982 §3.2). */
export function serialIsLater(a: number, b: number): boolean {
  const distance = (a - b) >>> 0;
  return distance !== 0 && distance < 0x80000000;
}

/** The next serial; 2^32 - 1 wraps to 0. */
export function nextSerial(serial: number): number {
  return (serial + 1) >>> 0;
}
