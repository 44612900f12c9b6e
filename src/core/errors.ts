/**
 * Every way in which a request can fail: who must act, and what follows from it. Only AppError crosses a port; each protocol
 * has its own map to statuses and words. docs/errors.md is generated from this table.
 */
import type { DomainName } from '../dns/name.ts';

export { errorText } from '../dns/error-text.ts';

/** The stack of an Error, for a log; else the value as text. */
export function errorStack(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** What follows from an error. */
interface ErrorFacts {
  /** Who can repair it. */
  readonly actor: string;
  readonly means: string;
  /** It is a fault of the request, not ours: it counts towards the limit of its source. */
  readonly isRefusal: boolean;
  /**
   * How it goes into the history of the host. A name that is not in the scope of a token is recorded where the reply is made
   * (UpdateRecord.refuse), and only if it is in a zone of this server.
   */
  readonly history: 'refused' | 'failed' | 'not recorded';
  /**
   * What a failed update means for pending updates of the name: `keep` saves it for a retry, `end` deletes older ones (a newer
   * request takes their place even where it failed), `leave` changes nothing.
   */
  readonly pending: 'keep' | 'end' | 'leave';
  /** The change may have been applied, and may be visible. */
  readonly mayBeApplied: boolean;
}

export const ERROR_CODES = {
  'request-malformed': {
    actor: 'the caller',
    means: 'A parameter is missing, unknown or not of the right form.',
    isRefusal: true,
    history: 'not recorded',
    pending: 'leave',
    mayBeApplied: false,
  },
  'body-malformed': {
    actor: 'the caller',
    means: 'The body is not valid JSON, has a name twice, or a value of a type that no parameter has.',
    isRefusal: true,
    history: 'not recorded',
    pending: 'leave',
    mayBeApplied: false,
  },
  'cross-site': {
    actor: 'the caller',
    means: 'A browser sent the request for a page of another web site.',
    // Else such a page could use up the limit of the network that it is read in.
    isRefusal: false,
    history: 'not recorded',
    pending: 'leave',
    mayBeApplied: false,
  },
  'name-invalid': {
    actor: 'the caller',
    means: 'The name is not a domain name, or lies in no zone of this server.',
    isRefusal: true,
    history: 'not recorded',
    pending: 'leave',
    mayBeApplied: false,
  },
  'address-invalid': {
    actor: 'the caller',
    means: 'A text is not an IP address, or of the wrong family.',
    isRefusal: true,
    history: 'not recorded',
    pending: 'leave',
    mayBeApplied: false,
  },
  'not-authenticated': {
    actor: 'the caller',
    means: 'The credential is missing or wrong.',
    isRefusal: false,
    history: 'not recorded',
    pending: 'leave',
    mayBeApplied: false,
  },
  'too-many-guesses': {
    actor: 'the caller, later',
    means: 'Too many wrong credentials came from this source. Nothing was compared; the reply says when to retry.',
    isRefusal: false,
    history: 'not recorded',
    pending: 'leave',
    mayBeApplied: false,
  },
  'not-permitted': {
    actor: 'the caller',
    means: 'The credential does not cover this name; an unknown name looks the same.',
    isRefusal: true,
    history: 'not recorded',
    pending: 'leave',
    mayBeApplied: false,
  },
  'quota-exceeded': {
    actor: 'the caller',
    means: 'The user has as many hosts or tokens as the quota allows.',
    isRefusal: true,
    history: 'not recorded',
    pending: 'leave',
    mayBeApplied: false,
  },
  'host-disabled': {
    actor: 'the operator',
    means: 'Updates of this host are disabled.',
    isRefusal: true,
    history: 'refused',
    pending: 'leave',
    mayBeApplied: false,
  },
  'address-refused': {
    actor: 'the caller',
    means: 'The address policy of the zone, or a limit on the records of a name, refuses this value.',
    isRefusal: true,
    history: 'refused',
    pending: 'leave',
    mayBeApplied: false,
  },
  'rate-limited': {
    actor: 'the caller, later',
    means: 'Too many requests at the moment; the reply says when to retry.',
    isRefusal: false,
    history: 'refused',
    pending: 'leave',
    mayBeApplied: false,
  },
  'caller-unknown': {
    actor: 'the operator',
    means: "The request needs the client's address, which the trusted proxy did not name.",
    isRefusal: false,
    history: 'not recorded',
    pending: 'leave',
    mayBeApplied: false,
  },
  conflict: {
    actor: 'the owner of the host',
    means: 'Other data of the zone is in the way: a CNAME, or a delegation.',
    isRefusal: false,
    history: 'refused',
    pending: 'end',
    mayBeApplied: false,
  },
  contended: {
    actor: 'the caller, later',
    means: 'Others changed the same records repeatedly meanwhile. Nothing was written.',
    isRefusal: false,
    history: 'failed',
    pending: 'end',
    mayBeApplied: false,
  },
  'primary-refused': {
    actor: 'the operator',
    means: 'The primary refused the change; the text says what to repair.',
    isRefusal: false,
    history: 'failed',
    pending: 'end',
    mayBeApplied: false,
  },
  'primary-key-rejected': {
    actor: 'the operator',
    means: 'The primary did not accept the TSIG key: its name, its secret or the time.',
    isRefusal: false,
    history: 'failed',
    pending: 'end',
    mayBeApplied: false,
  },
  'primary-unreachable': {
    actor: 'the operator',
    means: 'The primary gave no answer. Nothing was changed.',
    isRefusal: false,
    history: 'failed',
    pending: 'keep',
    mayBeApplied: false,
  },
  'publish-unknown': {
    actor: 'no one yet',
    means: 'The change was sent and no verified reply came back: it may have been applied.',
    isRefusal: false,
    history: 'failed',
    pending: 'keep',
    mayBeApplied: true,
  },
  'store-unreachable': {
    actor: 'the operator',
    means: 'The store of tokens, hosts and history does not answer.',
    isRefusal: false,
    history: 'not recorded',
    pending: 'leave',
    mayBeApplied: false,
  },
  'check-failed': {
    actor: 'the operator',
    means: 'The update check of at least one zone failed.',
    isRefusal: false,
    history: 'not recorded',
    pending: 'leave',
    mayBeApplied: true,
  },
  internal: {
    actor: 'the authors',
    means: 'A defect of this program.',
    isRefusal: false,
    history: 'not recorded',
    pending: 'leave',
    mayBeApplied: false,
  },
} as const satisfies Readonly<Record<string, ErrorFacts>>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface AppErrorOptions {
  readonly cause?: unknown;
  readonly retryAfterSeconds?: number;
  readonly logText?: string;
  readonly rcode?: string;
  readonly refusedName?: DomainName;
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
  /** The name that is not in the scope of a token; only one in a zone of this server: any other may be a secret. */
  readonly refusedName: DomainName | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.logText = options.logText ?? message;
    this.rcode = options.rcode;
    this.refusedName = options.refusedName;
  }
}

/** The message for an operator, who also learns why the store does not answer. Causes of the stores repeat no secret. */
export function operatorMessage({ code, message, cause }: AppError): string {
  if (code !== 'store-unreachable' || !(cause instanceof Error) || cause.message === '') return message;
  const reason = cause.message.replaceAll(/[\r\n]/g, ' ').replace(/\.$/, '');
  return `The store does not answer. ${reason[0]?.toUpperCase()}${reason.slice(1)}.`;
}

/** The object was changed since it was read (RFC 9110 §13.1.1, `If-Match`). Nothing was changed. */
export class PreconditionFailed extends AppError {
  constructor(message: string) {
    super('conflict', message);
  }
}

/** A field of an input and its rule. */
export interface FieldError {
  /** JSON Pointer to the value in the input (RFC 6901); empty: the whole input. */
  readonly pointer: string;
  /** A full sentence. */
  readonly detail: string;
}

/** An input that is not valid, with the fields and their rules. */
export class InputError extends AppError {
  readonly errors: readonly FieldError[];

  /** @param message the first error by default @param code of an input that is well-formed, and cannot be accepted */
  constructor(errors: readonly FieldError[], message = errors[0]!.detail, code: ErrorCode = 'request-malformed') {
    super(code, message);
    this.errors = errors;
  }
}

/** The error of one field. @param pointer see FieldError */
export function invalidField(pointer: string, detail: string): InputError {
  return new InputError([{ pointer, detail }]);
}
