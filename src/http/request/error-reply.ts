/** The reply to a request that failed, as far as protocols agree: how to authenticate, and when to come again. */
import type { AppError } from '../../core/errors.ts';
import type { DoorReply } from './door.ts';

/** Where the error does not know better. */
const RETRY_AFTER_SECONDS = 60;

/** @param status 401 asks for Basic */
export function errorReply(error: AppError, status: number, body: string): DoorReply {
  return reply(error, status, body, error.retryAfterSeconds);
}

/** The same for update clients: 503 alone says when to come again, and it always does. */
export function clientErrorReply(error: AppError, status: number, body: string): DoorReply {
  const again = status === 503 ? (error.retryAfterSeconds ?? RETRY_AFTER_SECONDS) : undefined;
  return reply(error, status, body, again);
}

function reply(error: AppError, status: number, body: string, retryAfterSeconds: number | undefined): DoorReply {
  const headers: Record<string, string> = {};
  if (status === 401) headers['WWW-Authenticate'] = 'Basic realm="dyndns"';
  if (retryAfterSeconds !== undefined) headers['Retry-After'] = String(retryAfterSeconds);
  return { status, body, headers, outcome: 'failed', detail: error.logText };
}

/** What may be shown of an error; of one that nobody expected only what finds it in the log. */
export function errorText({ code, message }: AppError, requestId: string): string {
  return code === 'internal'
    ? `An internal error happened. Please report it with the request id ${requestId}.`
    : message;
}
