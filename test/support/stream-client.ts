/** A raw TCP client of a nameserver: sends octets, and collects the messages that come back. */
import { connect, type Socket } from 'node:net';

const TIMEOUT_MS = 15_000;

export interface StreamClient {
  readonly socket: Socket;
  /** Messages so far, without the length prefix. */
  readonly messages: Buffer[];
  /** Number of octets received, with those of an incomplete message. */
  octets(): number;
  /** Whether the server has closed its side, or the connection broke. */
  isEnded(): boolean;
  /** Resolves when `count` messages have arrived. */
  received(count: number): Promise<readonly Buffer[]>;
  /** Resolves when `isEnded`. */
  ended(): Promise<void>;
}

/** Connects. @param options.paused does not read */
export async function connectStream(
  port: number,
  options: { readonly host?: string; readonly paused?: boolean; readonly localAddress?: string } = {},
): Promise<StreamClient> {
  const { host = '127.0.0.1', localAddress } = options;
  const socket = connect({ host, port, noDelay: true, allowHalfOpen: true, ...(localAddress && { localAddress }) });
  const messages: Buffer[] = [];
  const state = { incoming: Buffer.alloc(0), octets: 0, ended: false, onChange: () => {} };
  socket.on('data', (chunk: Buffer) => {
    state.octets += chunk.length;
    let data = state.incoming.length === 0 ? chunk : Buffer.concat([state.incoming, chunk]);
    while (data.length >= 2 && data.length >= 2 + data.readUInt16BE(0)) {
      const end = 2 + data.readUInt16BE(0);
      messages.push(data.subarray(2, end));
      data = data.subarray(end);
    }
    state.incoming = Buffer.from(data);
    state.onChange();
  });
  const end = () => {
    state.ended = true;
    state.onChange();
  };
  socket.on('end', end).on('close', end).on('error', end);
  if (options.paused) socket.pause();
  await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', resolve));
  function wait(what: string, condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`Timeout while waiting for ${what}`)), TIMEOUT_MS);
      state.onChange = () => {
        if (!condition()) return;
        clearTimeout(timer);
        resolve();
      };
      state.onChange();
    });
  }

  return {
    socket,
    messages,
    octets: () => state.octets,
    isEnded: () => state.ended,
    async received(count) {
      await wait(`${count} messages`, () => messages.length >= count || state.ended);
      return messages;
    },
    ended: () => wait('the end of the connection', () => state.ended),
  };
}
