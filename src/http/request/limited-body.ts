/**
 * Reads the body of a request that the framework left alone: so that a door can authenticate first, and then read more than it would
 * take from anyone.
 */
import type { IncomingMessage } from 'node:http';

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

/** 0 for a body in chunks. */
function announcedOctets({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0);
}
