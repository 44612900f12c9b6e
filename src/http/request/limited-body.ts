/**
 * Reads the body of a request that the framework left alone: so that a door can authenticate first, and then read more than it would
 * take from anyone.
 */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../core/errors.ts';
import { isJsonObject, type JsonObject, parseStrictJson } from './strict-json.ts';

/** What remains unread of a request that is refused may have this size, and is discarded; with more the connection ends. */
const MAX_DISCARDED = 64 * 1024;

/** The body is larger than the limit, or was not sent to its end. */
export class BodyError extends Error {
  readonly status: 400 | 413;

  constructor(status: BodyError['status'], message: string) {
    super(message);
    this.name = 'BodyError';
    this.status = status;
  }
}

/** @param maxOctets of the body @throws BodyError (rejects) */
export function readLimitedBody(request: IncomingMessage, maxOctets: number): Promise<Buffer> {
  const cutShort = () => new BodyError(400, 'The body was not sent to its end.');
  const tooLarge = () => new BodyError(413, `The body is larger than ${maxOctets} octets.`);
  return new Promise((resolve, reject) => {
    if (announcedOctets(request) > maxOctets) {
      reject(tooLarge());
      return;
    }
    const isCut = request.destroyed && !request.readableEnded;
    if (isCut) {
      reject(cutShort());
      return;
    }
    const chunks: Buffer[] = [];
    let octets = 0;
    const stop = () => {
      request.off('data', take);
      request.off('end', finish);
      request.off('close', cut);
      request.off('error', cut);
    };
    const take = (chunk: Buffer) => {
      octets += chunk.length;
      if (octets <= maxOctets) {
        chunks.push(chunk);
        return;
      }
      stop();
      request.pause();
      reject(tooLarge());
    };
    const finish = () => {
      stop();
      resolve(Buffer.concat(chunks, octets));
    };
    const cut = () => {
      stop();
      reject(cutShort());
    };
    request.on('data', take);
    request.once('end', finish);
    request.once('close', cut);
    request.once('error', cut);
  });
}

/** Whether the connection must end with the reply, because too much of the body is unread, or it is not known how much. */
export function endsConnection(request: IncomingMessage): boolean {
  if (request.complete) return false;
  return request.headers['transfer-encoding'] !== undefined || announcedOctets(request) > MAX_DISCARDED;
}

/** How much is read and discarded of a body that is not used, and how long. */
const MAX_DISCARDED_SLOWLY = 4 * 1024 * 1024;
const DISCARD_MS = 1000;

/**
 * Discards what is left of a body, before a reply that ends the connection: a client that sends first and reads then would lose the
 * reply, because a connection with unread octets is reset. Resolves at the end of the body, or when that is too long or too slow.
 */
export function discardRest(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let octets = 0;
    const timer = setTimeout(stop, DISCARD_MS);
    function stop(): void {
      clearTimeout(timer);
      request.off('data', take);
      request.off('end', stop);
      request.off('close', stop);
      resolve();
    }
    function take(chunk: Buffer): void {
      octets += chunk.length;
      if (octets > MAX_DISCARDED_SLOWLY) stop();
    }
    request.on('data', take);
    request.once('end', stop);
    request.once('close', stop);
    request.resume();
  });
}

/** 0 for a body in chunks. */
function announcedOctets({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0);
}

/** Answered with 413. */
export class BodyTooLarge extends AppError {
  /** @param most octets */
  constructor(most: number) {
    super('request-malformed', `The body is larger than ${most} octets.`);
  }
}

/** The body in pieces of UTF-8. A reader that stops early leaves the connection open, for the reply. @throws BodyTooLarge */
export function piecesOf(request: IncomingMessage, most: number): AsyncIterable<string> {
  return {
    async *[Symbol.asyncIterator]() {
      if (announcedOctets(request) > most) throw new BodyTooLarge(most);
      const decoder = new TextDecoder('utf-8');
      let octets = 0;
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        octets += (chunk as Buffer).length;
        if (octets > most) throw new BodyTooLarge(most);
        yield decoder.decode(chunk as Buffer, { stream: true });
      }
      yield decoder.decode();
    },
  };
}

/**
 * The JSON object in the body; an empty body is an empty object.
 * @throws BodyTooLarge, AppError body-malformed
 */
export async function jsonObjectIn(request: IncomingMessage, most: number): Promise<JsonObject> {
  const octets = await readLimitedBody(request, most).catch((error: unknown) => {
    if (!(error instanceof BodyError)) throw error;
    throw error.status === 413 ? new BodyTooLarge(most) : new AppError('body-malformed', error.message);
  });
  const text = utf8Of(octets);
  if (text?.trim() === '') return {};
  const value = text === undefined ? undefined : parseStrictJson(text);
  if (isJsonObject(value)) return value;
  throw new AppError('body-malformed', 'The body must be a JSON object in UTF-8.');
}

function utf8Of(octets: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch {
    return undefined;
  }
}
