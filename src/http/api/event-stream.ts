/**
 * Writes a stream of events as the reply to a request: `text/event-stream` (HTML Living Standard §9.2). The connection ends with it.
 */
import type { ServerResponse } from 'node:http';
import { identified } from '../../core/admin/caller.ts';
import { readInput } from '../../core/admin/read-input.ts';
import { invalidField } from '../../core/errors.ts';
import type { EventStreams, StreamRequest } from '../../core/stream/event-streams.ts';
import type { StreamSink } from '../../core/stream/reader.ts';
import { parseHostName } from '../../dns/host-name.ts';
import { type DomainName, NameError } from '../../dns/name.ts';
import type { OpenStream } from './operation-door.ts';

const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  // A proxy must not collect events; nginx reads this.
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
};

/** From the end of a stream until a client that does not read that is disconnected. */
const END_MS = 1_000;

/** Opens the streams of the operation `stream`. @param streams not called before the first request */
export function streamOpener(streams: () => EventStreams): OpenStream {
  return async (request, response, input, caller) => {
    const { host = [], last_event_id: lastEventId } = readInput('stream', input);
    const watched = host.map(readWatched);
    if (request.method === 'HEAD') {
      response.writeHead(200, HEADERS).end();
      return;
    }
    // A browser sends the header when it connects again; the query then has the id of the first time.
    const [sent = lastEventId] = [request.headers['last-event-id']].flat();
    serveEventStream(streams(), { caller: identified(caller), watched, lastEventId: sent }, response);
    await new Promise<void>((resolve) => response.once('close', resolve));
  };
}

function readWatched(text: string, index: number): DomainName {
  try {
    return parseHostName(text);
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    throw invalidField(`/host/${index}`, error.message);
  }
}

/**
 * Sends the header, and events until the stream ends or the client is gone.
 * @param response without a header yet; it belongs to the stream from here on
 * @throws AppError rate-limited before anything is sent
 */
export function serveEventStream(streams: EventStreams, request: StreamRequest, response: ServerResponse): void {
  streams.checkLimits(request.caller);
  // Requests behind this one would never be answered.
  response.shouldKeepAlive = false;
  response.writeHead(200, HEADERS);
  response.on('error', () => response.destroy());
  const leave = streams.open(request, sinkOf(response));
  response.on('close', leave);
  // The listeners leave connections half-open for clients that end their side after a request. One of a stream is gone.
  const { socket } = response.req;
  socket.once('end', () => response.destroy());
  if (socket.readableEnded || socket.destroyed) response.destroy();
  if (response.destroyed) leave();
}

function sinkOf(response: ServerResponse): StreamSink {
  return {
    write: (octets) => {
      if (!response.destroyed && !response.writableEnded) response.write(octets);
    },
    get pendingOctets() {
      return response.writableLength;
    },
    end: () => {
      const timer = setTimeout(() => response.destroy(), END_MS);
      timer.unref();
      response.once('close', () => clearTimeout(timer));
      response.end();
    },
    destroy: () => void response.destroy(),
  };
}
