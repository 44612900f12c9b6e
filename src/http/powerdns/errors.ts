/** Statuses of the PowerDNS-compatible API. The body of every error is `{"error": text}`. */
import type { AppError, ErrorCode } from '../../core/errors.ts';
import { errorText } from '../../core/updates/original-lines.ts';
import type { DoorReply } from '../request/door.ts';

/** 422 is PowerDNS's own for a request that is well-formed and cannot be done. */
export const POWERDNS_ERRORS = {
  'request-malformed': 422,
  'body-malformed': 400,
  'cross-site': 403,
  'name-invalid': 422,
  'address-invalid': 422,
  'not-authenticated': 401,
  'too-many-guesses': 429,
  'not-permitted': 403,
  'quota-exceeded': 403,
  'host-disabled': 403,
  'address-refused': 422,
  'rate-limited': 429,
  'caller-unknown': 503,
  conflict: 422,
  contended: 503,
  'primary-refused': 503,
  'primary-key-rejected': 503,
  'primary-unreachable': 503,
  'publish-unknown': 504,
  'store-unreachable': 503,
  'check-failed': 503,
  internal: 500,
} as const satisfies Record<ErrorCode, number>;

/** Where the error has no time of its own. */
const RETRY_AFTER_SECONDS = 60;

export function formatError(error: AppError, requestId: string): DoorReply {
  const status = POWERDNS_ERRORS[error.code];
  const retry = status === 429 || status === 503 ? (error.retryAfterSeconds ?? RETRY_AFTER_SECONDS) : undefined;
  const headers = {
    ...(status === 401 && { 'WWW-Authenticate': 'X-API-Key realm="dyndns"' }),
    ...(retry !== undefined && { 'Retry-After': String(retry) }),
  };
  return { ...errorReply(status, errorText(error, requestId), error.logText), headers };
}

/** An error that is not one of the core: a wrong path or method, a zone that cannot be made here. */
export function errorReply(status: number, text: string, detail = text): DoorReply {
  return { ...jsonReply(status, { error: text }), outcome: 'failed', detail };
}

export function jsonReply(status: number, value: unknown): DoorReply {
  return { status, body: JSON.stringify(value), contentType: 'application/json', outcome: 'info', detail: '' };
}
