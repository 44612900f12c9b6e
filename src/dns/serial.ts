/** SOA serial arithmetic (RFC 1982): 32 bits, compared on a circle. */

/** True if `a` is later than `b`. Two serials exactly half the circle apart have no order: false both ways (§3.2). */
export function serialIsLater(a: number, b: number): boolean {
  const distance = (a - b) >>> 0;
  return distance !== 0 && distance < 0x80000000;
}

/** The next serial; 2^32 - 1 wraps to 0. */
export function nextSerial(serial: number): number {
  return (serial + 1) >>> 0;
}
