/** `unknown`: the zone has no such key; `refused`: the key cannot be added; `files`: the files cannot be read or written. */
export type KeyStoreReason = 'unknown' | 'refused' | 'files';

/** Its message is full sentences for the operator, with the file and what to do. It never has a part of a private key. */
export class KeyStoreError extends Error {
  override readonly name = 'KeyStoreError';
  readonly reason: KeyStoreReason;

  constructor(reason: KeyStoreReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
