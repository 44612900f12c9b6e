/**
 * Who may use the wizard of `dyndns setup`: whoever has the link that the start printed. The link counts once and becomes a
 * session, which lasts as long as the process. Both are 256 bits, and only their hashes are compared.
 */
import { createHash } from 'node:crypto';
import type { GuessBudget } from '../core/access/guess-budget.ts';
import { AppError } from '../core/errors.ts';

const SECRET_OCTETS = 32;

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
    this.link = this.#newSecret();
    this.#linkSha256 = sha256Of(this.link);
  }

  /**
   * Exchanges the link for a session.
   * @param source see sourceKey @returns the secret of the session
   * @throws AppError not-authenticated, too-many-guesses
   */
  async signIn(link: string, source: string): Promise<string> {
    const sha256 = sha256Of(link);
    if (!(await this.#isRight(sha256, this.#linkSha256, source))) {
      const text = 'This link is not valid, or it was used already. End `dyndns setup` with Ctrl-C and start it again.';
      throw new AppError('not-authenticated', `${text} It prints a new link.`);
    }
    this.#linkSha256 = undefined;
    const session = this.#newSecret();
    this.#sessionSha256 = sha256Of(session);
    return session;
  }

  /** @throws AppError not-authenticated, too-many-guesses */
  async check(session: string | undefined, source: string): Promise<void> {
    const isRight = session !== undefined && (await this.#isRight(sha256Of(session), this.#sessionSha256, source));
    if (!isRight) throw new AppError('not-authenticated', 'Open the link that `dyndns setup` printed.');
  }

  async #isRight(sha256: string, expected: string | undefined, source: string): Promise<boolean> {
    const { open, settle } = await this.#options.guesses.admit(source, [sha256]);
    const isRight = sha256 === expected;
    settle(open.map(() => (isRight ? 'right' : 'wrong')));
    return isRight;
  }

  #newSecret(): string {
    return Buffer.from(this.#options.random(SECRET_OCTETS)).toString('base64url');
  }
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
