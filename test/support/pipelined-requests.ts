/** Sends many requests at once on one connection, as octets that no HTTP client would send. */
import { connect } from 'node:net';
import { parseRaw } from './http-client.ts';

/** Pipelines all requests on one connection. If the server ends it, the rest is sent on another one. */
export async function sendBurst(
  port: number,
  requests: readonly string[],
): Promise<{ status: number; body: string }[]> {
  const replies: { status: number; body: string }[] = [];
  while (replies.length < requests.length) {
    const rest = requests.slice(replies.length);
    const some = await sendOnce(port, rest);
    if (some.length === 0) throw new Error(`no reply to ${JSON.stringify(rest[0]?.slice(0, 600))}`);
    replies.push(...some);
  }
  return replies;
}

function sendOnce(port: number, requests: readonly string[]): Promise<{ status: number; body: string }[]> {
  return new Promise((resolve, reject) => {
    const replies: { status: number; body: string }[] = [];
    let received = '';
    const socket = connect({ host: '127.0.0.1', port });
    socket.setEncoding('latin1');
    socket.setTimeout(20_000, () => socket.destroy(new Error(`${replies.length} replies and no more`)));
    socket.on('data', (chunk: string) => {
      received += chunk;
      for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
        const head = received.slice(0, end);
        const isBare = requests[replies.length]?.startsWith('HEAD ') || / 204 /.test(head.slice(0, 16));
        const length = isBare ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1]);
        if (Number.isNaN(length)) {
          socket.destroy(new Error(`a reply without Content-Length: ${head}`));
          return;
        }
        if (received.length < end + 4 + length) return;
        replies.push({ status: parseRaw(received).status, body: received.slice(end + 4, end + 4 + length) });
        received = received.slice(end + 4 + length);
      }
      if (replies.length === requests.length) socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(replies);
      else reject(error);
    });
    socket.once('close', () => resolve(replies));
    socket.write(Buffer.from(requests.join(''), 'latin1'));
  });
}
