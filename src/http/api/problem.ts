/** Errors of the HTTP API and the control socket as problem documents (RFC 9457), from a total map. */
import { type AppError, type ErrorCode, InputError, operatorMessage, PreconditionFailed } from '../../core/errors.ts';
import { BodyTooLarge } from '../request/limited-body.ts';
import { WrongHost } from './origin-rules.ts';

/** Status and title of each error. A name that the caller may not see is `name-invalid`, like one that does not exist. */
export const PROBLEMS = {
  'request-malformed': [400, 'The request is not valid'],
  'body-malformed': [400, 'The body is not valid JSON'],
  'cross-site': [403, 'A web page of another site sent the request'],
  'name-invalid': [404, 'There is no such object'],
  'address-invalid': [400, 'An address is not valid'],
  'not-authenticated': [401, 'The key is missing or wrong'],
  'too-many-guesses': [503, 'Too many wrong credentials came from this source'],
  'not-permitted': [403, 'The user may not do this'],
  'quota-exceeded': [403, 'A quota of the user is used up'],
  'host-disabled': [403, 'Updates of the host are disabled'],
  'address-refused': [403, 'The address or record is refused'],
  'rate-limited': [429, 'Too many requests'],
  'caller-unknown': [503, 'The address of the client is not known'],
  conflict: [409, 'The request conflicts with what is there'],
  contended: [503, 'Others changed the same data meanwhile'],
  'primary-refused': [502, 'The primary refused the change'],
  'primary-key-rejected': [502, 'The primary rejected the key'],
  'primary-unreachable': [502, 'The primary does not answer'],
  'store-unreachable': [503, 'The store does not answer'],
  'publish-unknown': [504, 'It is not known whether the change was made'],
  'check-failed': [502, 'The update check failed'],
  internal: [500, 'An internal error happened'],
} as const satisfies Record<ErrorCode, readonly [number, string]>;

export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, with a line break at its end. */
  readonly body: string;
}

export const PROBLEM_TYPE = 'application/problem+json';

/** @param status in place of that of the code */
export function problemOf(error: AppError, requestId: string, status = statusOf(error)): Problem {
  const { code, retryAfterSeconds } = error;
  const document = {
    type: `docs/errors.md#${code}`,
    title: PROBLEMS[code][1],
    status,
    detail: code === 'internal' ? `Please report the request ${requestId}.` : operatorMessage(error),
    code,
    requestId,
    ...(error instanceof InputError && { errors: error.errors }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
  const headers: Record<string, string> = {};
  if (retryAfterSeconds !== undefined) headers['Retry-After'] = String(Math.ceil(retryAfterSeconds));
  else if (status === 503) headers['Retry-After'] = '5';
  if (status === 401) headers['WWW-Authenticate'] = 'Bearer realm="dyndns"';
  return { status, headers, body: `${JSON.stringify(document)}\n` };
}

function statusOf(error: AppError): number {
  if (error instanceof PreconditionFailed) return 412;
  if (error instanceof WrongHost) return 421;
  return error instanceof BodyTooLarge ? 413 : PROBLEMS[error.code][0];
}
