/** A client of a stream of events (`text/event-stream`): collects messages, or never reads. */
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { waitUntil } from './process.ts';

export interface StreamMessage {
  readonly event: string;
  readonly id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what is in it.
  readonly data: any;
}

export interface EventReader {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Without heartbeats. */
  readonly messages: readonly StreamMessage[];
  /** The id that a client sends when it connects again; undefined: it got none. */
  readonly lastId: string | undefined;
  /** The data of messages of an event. */
  of(event: string): StreamMessage['data'][];
  text(): string;
  isEnded(): boolean;
  ended(): Promise<void>;
  /** Disconnects. */
  close(): void;
}

export interface EventReaderOptions {
  readonly port: number;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function readEvents({ port, path = '/', headers = {} }: EventReaderOptions): Promise<EventReader> {
  const sent = request({ port, host: '127.0.0.1', path, headers, agent: false });
  sent.end();
  const reply = await new Promise<IncomingMessage>((resolve, reject) =>
    sent.on('response', resolve).on('error', reject),
  );
  let text = '';
  let rest = '';
  let isEnded = false;
  let lastId: string | undefined;
  const messages: StreamMessage[] = [];
  reply.setEncoding('utf8');
  reply.on('data', (chunk: string) => {
    text += chunk;
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]));
      lastId = fields.get('id') ?? lastId;
      const data = fields.get('data');
      if (data !== undefined)
        messages.push({ event: fields.get('event')!, id: fields.get('id'), data: JSON.parse(data) });
    }
  });
  reply.on('error', () => undefined);
  reply.on('close', () => {
    isEnded = true;
  });
  return {
    status: reply.statusCode!,
    headers: reply.headers,
    messages,
    get lastId() {
      return lastId;
    },
    of: (event) => messages.filter((message) => message.event === event).map(({ data }) => data),
    text: () => text,
    isEnded: () => isEnded,
    ended: () => waitUntil('the stream to end', () => isEnded),
    close: () => reply.destroy(),
  };
}

/** A client that sends a request and never reads. @returns whether the server has disconnected it, and the end */
export function stall({ port, path = '/', headers = {} }: EventReaderOptions) {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.pause();
  socket.on('error', () => undefined);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('')}\r\n`);
  return { close: () => socket.destroy() };
}
