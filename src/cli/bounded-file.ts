/** Reads a file or the standard input up to a limit, so that neither fills the memory. */
import { closeSync, openSync, readSync } from 'node:fs';

/** The file name of the standard input. */
export const STANDARD_INPUT = '-';

/** @returns at most one octet more than the limit: then it is too long. @throws an error of node:fs */
export function readBounded(file: string, limit: number): Buffer {
  const descriptor = file === STANDARD_INPUT ? 0 : openSync(file, 'r');
  try {
    const pieces: Buffer[] = [];
    let length = 0;
    while (length <= limit) {
      const piece = Buffer.allocUnsafe(Math.min(64 * 1024, limit + 1 - length));
      const read = readSome(descriptor, piece);
      if (read === 0) break;
      pieces.push(piece.subarray(0, read));
      length += read;
    }
    return Buffer.concat(pieces, length);
  } finally {
    if (descriptor !== 0) closeSync(descriptor);
  }
}

/** A pipe that another process has made non-blocking gives EAGAIN until there is something; the end of some pipes is EOF. */
function readSome(descriptor: number, piece: Buffer): number {
  for (;;) {
    try {
      return readSync(descriptor, piece, 0, piece.length, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
