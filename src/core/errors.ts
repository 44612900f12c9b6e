/**
 * Every way in which a request can fail, with who must act. Only AppError crosses a port; the texts for a protocol are
 * that protocol's own map. docs/errors.md is generated from this table.
 */

export const ERROR_CODES = {
  'request-malformed': { actor: 'the caller', means: 'A parameter is missing, unknown or not of the right form.' },
  'name-invalid': { actor: 'the caller', means: 'The name is no domain name, or lies in no zone of this server.' },
  'address-invalid': { actor: 'the caller', means: 'A text is no IP address, or of the wrong family.' },
  'not-authenticated': { actor: 'the caller', means: 'The credential is missing or wrong.' },
  'not-permitted': {
    actor: 'the caller',
    means: 'The credential does not cover this name; an unknown name looks the same.',
  },
  'host-disabled': { actor: 'the operator', means: 'Updates of this host are switched off.' },
  'address-refused': { actor: 'the caller', means: 'The address policy of the zone refuses this address.' },
  'rate-limited': {
    actor: 'the caller, later',
    means: 'Too many requests at the moment; the reply says when to try again.',
  },
  conflict: {
    actor: 'the owner of the host',
    means: 'Other data of the zone is in the way: a CNAME, or a delegation.',
  },
  contended: {
    actor: 'the caller, later',
    means: 'Others changed the same records again and again meanwhile. Nothing was written.',
  },
  'primary-refused': { actor: 'the operator', means: 'The primary refused the change; the text says what to repair.' },
  'primary-key-rejected': {
    actor: 'the operator',
    means: 'The primary did not accept the TSIG key: its name, its secret or the time.',
  },
  'primary-unreachable': { actor: 'the operator', means: 'The primary gave no answer. Nothing was changed.' },
  'publish-unknown': {
    actor: 'nobody yet',
    means: 'The change was sent and no verified reply came back: it may have been applied.',
  },
  'store-unreachable': {
    actor: 'the operator',
    means: 'The store of tokens, hosts and history does not answer.',
  },
  'check-failed': { actor: 'the operator', means: 'The update check of at least one zone failed.' },
  internal: { actor: 'the authors', means: 'A defect of this program.' },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface AppErrorOptions {
  readonly cause?: unknown;
  readonly retryAfterSeconds?: number;
  readonly logText?: string;
  readonly rcode?: string;
}

/** An expected failure. `message` may be shown to the user; `cause` goes to the log only. */
export class AppError extends Error {
  readonly code: ErrorCode;
  /** Seconds after which to try again, where that is known. */
  readonly retryAfterSeconds: number | undefined;
  /** What a log may hold: the message, unless that repeats something of the request that may be a secret. */
  readonly logText: string;
  /** What the primary answered, in the spelling of the RFCs; `SERVFAIL` also for an embedded zone that cannot be written. */
  readonly rcode: string | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.logText = options.logText ?? message;
    this.rcode = options.rcode;
  }
}
