/**
 * Who is asking. A credential is compared by its SHA-256 in constant time: neither its length nor its content shows in
 * how long the answer takes.
 */
import { hash, timingSafeEqual } from 'node:crypto';

/** The master secret covers every name in every zone. */
export interface Principal {
  readonly kind: 'master';
}

export class Authenticator {
  readonly #masterHash: Uint8Array | undefined;

  /** @param masterSecret absent: nobody has one */
  constructor(masterSecret: string | undefined) {
    this.#masterHash = masterSecret === undefined || masterSecret === '' ? undefined : sha256(masterSecret);
  }

  /** The one whom the credential belongs to. No credential, or an empty one, belongs to nobody. */
  authenticate(credential: string | undefined): Principal | undefined {
    const hash = sha256(credential ?? '');
    if (this.#masterHash === undefined || !timingSafeEqual(hash, this.#masterHash)) return undefined;
    return credential ? { kind: 'master' } : undefined;
  }
}

function sha256(text: string): Uint8Array {
  return hash('sha256', text, 'buffer');
}
