/** A TCP connection to a nameserver that carries one signed message at a time; opened again if the server closed it. */
import { connect, type Socket } from 'node:net';
import { ClientTransaction } from '../../src/dns/tsig.ts';
import type { TsigKey } from '../../src/dns/tsig-key.ts';
import { type DecodedMessage, decodeMessage, Rcode } from '../../src/dns/wire/message.ts';
import type { ServerAddress } from './dig.ts';

export class DnsLine {
  readonly #server: ServerAddress;
  readonly #key: TsigKey;
  #socket: Socket | undefined;

  constructor(server: ServerAddress, key: TsigKey) {
    this.#server = server;
    this.#key = key;
  }

  async ask(octets: Uint8Array): Promise<DecodedMessage> {
    const transaction = new ClientTransaction(this.#key);
    const now = Math.floor(Date.now() / 1000);
    const reply = await this.#exchange(transaction.sign(octets, now));
    const message = decodeMessage(reply);
    // BIND answers a message that it cannot parse before it verifies the signature.
    if (message.tsigOffset !== undefined || message.rcode === Rcode.NOERROR) transaction.verify(reply, message, now);
    return message;
  }

  async #exchange(request: Uint8Array): Promise<Buffer> {
    const socket = this.#open();
    const length = Buffer.alloc(2);
    length.writeUInt16BE(request.length);
    return new Promise<Buffer>((resolve, reject) => {
      let received = Buffer.alloc(0);
      const settle = (done: () => void): void => {
        socket.off('data', onData).off('error', fail).off('close', fail);
        done();
      };
      const fail = (error?: unknown): void => {
        settle(() => reject(error instanceof Error ? error : new Error('the connection was closed')));
      };
      const onData = (octets: Buffer): void => {
        received = Buffer.concat([received, octets]);
        if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
        settle(() => resolve(received.subarray(2)));
      };
      socket.on('data', onData).on('error', fail).on('close', fail);
      socket.write(Buffer.concat([length, request]));
    });
  }

  #open(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = connect(this.#server.port, this.#server.host);
    socket.setNoDelay(true);
    const forget = (): void => {
      if (this.#socket === socket) this.#socket = undefined;
    };
    socket.on('end', forget).on('close', forget).on('error', forget);
    this.#socket = socket;
    return socket;
  }

  close(): void {
    this.#socket?.destroy();
  }
}
