/** What protects sign-ins from guessing. One for the process: it outlives reloads. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { tokenSha256 } from '../access/token.ts';
import { AttemptBudget } from './attempt-budget.ts';
import { Passwords } from './password.ts';

const MAX_ACCOUNTS = 100_000;
const MAX_UNKNOWN = 1_000;
const NONCE_OCTETS = 16;

export class SignInGuard {
  readonly passwords = new Passwords();
  readonly #accounts: AttemptBudget;
  /** Of names that no user has. Apart, so that inventing names evicts no account. */
  readonly #unknown: AttemptBudget;
  readonly #browsers: AttemptBudget;

  /** @param nowMs monotonic */
  constructor(nowMs: () => number) {
    this.#accounts = new AttemptBudget(nowMs, MAX_ACCOUNTS);
    this.#unknown = new AttemptBudget(nowMs, MAX_UNKNOWN);
    this.#browsers = new AttemptBudget(nowMs, MAX_ACCOUNTS);
  }

  /**
   * @param userId undefined: there is no user of this name @param mark of the browser, as it was sent
   * @returns to be called if the attempt was right @throws AppError rate-limited
   */
  take(name: string, userId: string | undefined, phc: string | undefined, mark: string | undefined): () => void {
    if (userId === undefined) return this.#unknown.take(name);
    const nonce = phc === undefined || mark === undefined ? undefined : knownNonce(mark, userId, phc);
    return nonce === undefined ? this.#accounts.take(userId) : this.#browsers.take(`${userId} ${nonce}`);
  }

  /** Of a change that a session makes. @throws AppError rate-limited */
  takeOf(sessionId: string): () => void {
    return this.#browsers.take(sessionId);
  }
}

/**
 * What a browser that signed in with a password keeps, so that it is known to the account later. It is no credential. It ends with the
 * password: the key is the stored hash.
 */
export function browserMark(userId: string, phc: string, random: (octets: number) => Uint8Array): string {
  const nonce = Buffer.from(random(NONCE_OCTETS)).toString('base64url');
  return `${nonce}.${macOf(nonce, userId, phc)}`;
}

function knownNonce(mark: string, userId: string, phc: string): string | undefined {
  const [nonce = '', mac = ''] = mark.split('.', 2);
  const expected = Buffer.from(macOf(nonce, userId, phc));
  const sent = Buffer.from(mac);
  return expected.length === sent.length && timingSafeEqual(expected, sent) ? nonce : undefined;
}

function macOf(nonce: string, userId: string, phc: string): string {
  return createHmac('sha256', tokenSha256(phc)).update(`${userId} ${nonce}`).digest('base64url');
}
