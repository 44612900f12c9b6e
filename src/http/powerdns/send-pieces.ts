/** Sends a reply whose size is not known, while it is being made: at once if it is short, else in chunks, no faster than it is read. */
import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import type { DoorReply } from '../request/door.ts';
import type { PiecesReply } from './zone-requests.ts';

/** Characters that are collected before a reply is sent in chunks. */
const SHORT = 64 * 1024;

/**
 * @returns the reply, to be sent if nothing was sent yet; for the log
 * @throws AppError as the pieces, before anything was sent
 */
export async function sendPieces(
  reply: FastifyReply,
  { contentType, detail, pieces }: PiecesReply,
): Promise<DoorReply> {
  const done = (body: string): DoorReply => ({ status: 200, body, contentType, outcome: 'info', detail });
  let text = '';
  for (;;) {
    const next = await pieces.next();
    if (next.done) return done(text);
    text += next.value;
    if (text.length >= SHORT) break;
  }
  const { raw, request } = reply;
  if (request.method === 'HEAD') {
    await pieces.return();
    return done('');
  }
  reply.hijack();
  raw.writeHead(200, {
    'Content-Type': contentType,
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
  });
  try {
    await write(raw, text);
    for await (const piece of pieces) {
      if (raw.destroyed) break;
      await write(raw, piece);
    }
    raw.end();
  } catch {
    // The header was sent: only a reply without its end shows that it is not whole.
    raw.destroy();
  }
  return done('');
}

async function write(raw: FastifyReply['raw'], text: string): Promise<void> {
  if (text === '' || raw.write(text) || raw.destroyed) return;
  const abort = new AbortController();
  const { signal } = abort;
  await Promise.race([once(raw, 'drain', { signal }), once(raw, 'close', { signal })]).finally(() => abort.abort());
}
