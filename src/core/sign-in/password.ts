/**
 * Passwords as PHC strings of scrypt (RFC 7914): `$scrypt$ln=15,r=8,p=1$SALT$HASH`. One takes about 0.1 s of processor time and 32 MiB,
 * so at most two are computed at a time, and few wait.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { AppError } from '../errors.ts';
import { TaskLimit } from '../parallel.ts';

const LOG_N = 15;
const BLOCK_SIZE = 8;
const HASH_OCTETS = 32;
const SALT_OCTETS = 16;
/** Node.js refuses more than 32 MiB by default, and these parameters need a little more. */
const MAX_MEMORY = 64 * 1024 * 1024;
const AT_A_TIME = 2;
const MAX_WAITING = 32;

export const MIN_PASSWORD = 10;
export const MAX_PASSWORD = 200;

const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=1\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/;

export class Passwords {
  readonly #limit = new TaskLimit(AT_A_TIME);
  #waiting = 0;

  /** @returns a PHC string @throws AppError rate-limited */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_OCTETS);
    const hash = await this.#derive(password, salt, LOG_N, BLOCK_SIZE);
    return `$scrypt$ln=${LOG_N},r=${BLOCK_SIZE},p=1$${base64(salt)}$${base64(hash)}`;
  }

  /**
   * Takes the same time for a user who does not exist or has no password.
   * @param phc undefined: there is none, and nothing matches @throws AppError rate-limited
   */
  async verify(password: string, phc: string | undefined): Promise<boolean> {
    const match = phc === undefined ? null : PHC.exec(phc);
    const [, logN = LOG_N, blockSize = BLOCK_SIZE, salt = '', expected = ''] = match ?? [];
    const hash = await this.#derive(password, Buffer.from(salt, 'base64'), Number(logN), Number(blockSize));
    const wanted = Buffer.from(expected, 'base64');
    return match !== null && wanted.length === hash.length && timingSafeEqual(hash, wanted);
  }

  async #derive(password: string, salt: Uint8Array, logN: number, r: number): Promise<Buffer> {
    if (this.#waiting >= MAX_WAITING) {
      throw new AppError('rate-limited', 'Too many people sign in at the same time. Try again.', {
        retryAfterSeconds: 5,
      });
    }
    this.#waiting += 1;
    try {
      return await this.#limit.run(
        () =>
          new Promise((resolve, reject) => {
            // The same password is the same however the keyboard composes its letters.
            const text = password.normalize('NFC');
            const options = { N: 2 ** logN, r, p: 1, maxmem: MAX_MEMORY };
            scrypt(text, salt, HASH_OCTETS, options, (error, hash) => (error ? reject(error) : resolve(hash)));
          }),
      );
    } finally {
      this.#waiting -= 1;
    }
  }
}

function base64(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64').replaceAll('=', '');
}
