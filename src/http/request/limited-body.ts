/**
 * Reads the body of a request that the framework has not read, within a limit that the caller sets when it knows who asks.
 * What is behind the limit is not kept.
 */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../core/errors.ts';

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
      const decoder = new TextDecoder('utf-8');
      for await (const chunk of limitedChunks(request, most)) yield decoder.decode(chunk, { stream: true });
      yield decoder.decode();
    },
  };
}

/** The whole body. @throws BodyTooLarge, AppError body-malformed where it is not UTF-8 */
export async function textIn(request: IncomingMessage, most: number): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of limitedChunks(request, most)) chunks.push(chunk);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new AppError('body-malformed', 'The body is not valid UTF-8.');
  }
}

/**
 * The JSON object in the body; an empty body is an empty object.
 * @throws BodyTooLarge, AppError body-malformed
 */
export async function jsonObjectIn(request: IncomingMessage, most: number): Promise<Readonly<Record<string, unknown>>> {
  const text = await textIn(request, most);
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AppError('body-malformed', 'The body must be a JSON object.');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new AppError('body-malformed', 'The body must be a JSON object.');
}

async function* limitedChunks(request: IncomingMessage, most: number): AsyncGenerator<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > most) throw new BodyTooLarge(most);
  let octets = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    octets += (chunk as Buffer).length;
    if (octets > most) throw new BodyTooLarge(most);
    yield chunk as Buffer;
  }
}
