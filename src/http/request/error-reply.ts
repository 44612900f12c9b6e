/** The part of an error reply that protocols have in common: how to authenticate, and when to retry. */
import type { AppError } from '../../core/errors.ts';
import { errorLine, ORIGINAL_ERRORS } from '../../core/updates/original-lines.ts';
import type { DoorReply } from './door.ts';

/** Where the error has no time of its own. */
const RETRY_AFTER_SECONDS = 60;

/** @param status 401 adds a challenge for Basic */
export function errorReply(error: AppError, status: number, body: string): DoorReply {
  return reply(error, status, body, error.retryAfterSeconds);
}

/** The same for update clients: only 503 has Retry-After, and it always does. */
export function clientErrorReply(error: AppError, status: number, body: string): DoorReply {
  const retryAfter = status === 503 ? (error.retryAfterSeconds ?? RETRY_AFTER_SECONDS) : undefined;
  return reply(error, status, body, retryAfter);
}

function reply(error: AppError, status: number, body: string, retryAfterSeconds: number | undefined): DoorReply {
  const headers: Record<string, string> = {};
  if (status === 401) headers['WWW-Authenticate'] = 'Basic realm="dyndns"';
  if (retryAfterSeconds !== undefined) headers['Retry-After'] = String(retryAfterSeconds);
  return { status, body, headers, outcome: 'failed', detail: error.logText };
}

/** The reply of the original API to an error; routes without a protocol of their own use it, too. */
export function originalErrorReply(error: AppError, requestId: string): DoorReply {
  return errorReply(error, ORIGINAL_ERRORS[error.code][0], errorLine(error, requestId));
}
