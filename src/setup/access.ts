/**
 * Who may use the wizard of `dyndns setup`: the person with the link that the start printed. The link counts once and becomes a
 * session, which lasts as long as the process. Both are 256 bits, and only their hashes are compared.
 */
import type { GuessBudget } from '../core/access/guess-budget.ts';
import { randomSecret, tokenSha256 } from '../core/access/token.ts';
import { AppError } from '../core/errors.ts';

export interface AccessOptions {
  readonly random: (octets: number) => Uint8Array;
  readonly guesses: GuessBudget;
}

export class SetupAccess {
  readonly #options: AccessOptions;
  /** Undefined once it was used. */
  #linkSha256: string | undefined;
  #sessionSha256: string | undefined;
  /** The secret of the link, in base64url. */
  readonly link: string;

  constructor(options: AccessOptions) {
    this.#options = options;
    this.link = randomSecret(options.random);
    this.#linkSha256 = tokenSha256(this.link);
  }

  /**
   * Exchanges the link for a session.
   * @param source see sourceKey @returns the secret of the session
   * @throws AppError not-authenticated, too-many-guesses
   */
  async signIn(link: string, source: string): Promise<string> {
    const sha256 = tokenSha256(link);
    if (!(await this.#isRight(sha256, this.#linkSha256, source))) {
      const text = 'This link is not valid, or it was used already. End `dyndns setup` with Ctrl-C and start it again.';
      throw new AppError('not-authenticated', `${text} It prints a new link.`);
    }
    this.#linkSha256 = undefined;
    const session = randomSecret(this.#options.random);
    this.#sessionSha256 = tokenSha256(session);
    return session;
  }

  /** @throws AppError not-authenticated, too-many-guesses */
  async check(session: string | undefined, source: string): Promise<void> {
    const isRight = session !== undefined && (await this.#isRight(tokenSha256(session), this.#sessionSha256, source));
    if (!isRight) throw new AppError('not-authenticated', 'Open the link that `dyndns setup` printed.');
  }

  async #isRight(sha256: string, expected: string | undefined, source: string): Promise<boolean> {
    const { open, settle } = await this.#options.guesses.admit(source, [sha256]);
    const isRight = sha256 === expected;
    settle(open.map(() => (isRight ? 'right' : 'wrong')));
    return isRight;
  }
}
