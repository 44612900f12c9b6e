/**
 * A primary with scripted replies to UPDATE, for RCODEs and TSIG errors that no real nameserver sends on demand. TCP
 * only; queries are answered with NXDOMAIN. It signs with our own ServerTransaction.
 */
import { createServer, type Socket } from 'node:net';
import { checkRequest, ServerTransaction } from '../../src/dns/tsig.ts';
import type { TsigKey } from '../../src/dns/tsig-key.ts';
import { decodeMessage, encodeMessage, makeMessage, Opcode, Rcode } from '../../src/dns/wire/message.ts';

/** The reply to an UPDATE. */
export type Script =
  | { readonly kind: 'rcode'; readonly rcode: number; readonly signed: boolean }
  /** The primary's clock is off by this number of seconds. */
  | { readonly kind: 'clock'; readonly offsetSeconds: number }
  /** NOTAUTH with this TSIG error, signed. */
  | { readonly kind: 'tsig-error'; readonly error: number }
  /** A well-formed reply whose TSIG record has a wrong MAC. */
  | { readonly kind: 'forged' }
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'close' }
  | { readonly kind: 'silence' };

export interface ScriptedPrimary {
  readonly port: number;
  script: Script;
  /** Number of UPDATE messages received. */
  updates: number;
  close(): Promise<void>;
}

export async function startScriptedPrimary(key: TsigKey): Promise<ScriptedPrimary> {
  const sockets = new Set<Socket>();
  const state: { script: Script; updates: number } = { script: { kind: 'silence' }, updates: 0 };

  function replyTo(request: Buffer): Uint8Array | 'close' | undefined {
    const message = decodeMessage(request);
    const { id, opcode, questions } = message;
    const isUpdate = opcode === Opcode.UPDATE;
    const script: Script = isUpdate ? state.script : { kind: 'rcode', rcode: Rcode.NXDOMAIN, signed: false };
    if (isUpdate) state.updates += 1;
    const now = Math.floor(Date.now() / 1000) + (script.kind === 'clock' ? script.offsetSeconds : 0);
    const check = checkRequest(request, message, (name) => (name.equals(key.keyName) ? key : undefined), now);
    const make = (rcode: number) =>
      encodeMessage(makeMessage({ id, response: true, authoritative: true, opcode, rcode, questions }));
    switch (script.kind) {
      case 'rcode': {
        const reply = make(script.rcode);
        return check.kind === 'verified' && script.signed ? check.transaction.sign(reply, now) : reply;
      }
      case 'clock':
        return check.kind === 'rejected' ? check.transaction?.sign(make(check.rcode), now) : make(Rcode.NOERROR);
      case 'tsig-error': {
        const tsig = message.additional.at(-1)?.rdata;
        if (tsig?.kind !== 'TSIG') return make(Rcode.FORMERR);
        return new ServerTransaction(key, tsig, script.error).sign(make(Rcode.NOTAUTH), now);
      }
      case 'forged': {
        if (check.kind !== 'verified') return make(Rcode.NOERROR);
        const reply = check.transaction.sign(make(Rcode.NOERROR), now);
        // The last six octets are Original ID, Error and Other Len; the MAC is before them.
        reply[reply.length - 10]! ^= 1;
        return reply;
      }
      case 'octets':
        return script.octets;
      case 'close':
        return 'close';
      case 'silence':
        return undefined;
    }
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    let data = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      data = Buffer.concat([data, chunk]);
      while (data.length >= 2 && data.length >= 2 + data.readUInt16BE(0)) {
        const end = 2 + data.readUInt16BE(0);
        const reply = replyTo(data.subarray(2, end));
        data = data.subarray(end);
        if (reply === 'close') return void socket.destroy();
        if (reply === undefined) continue;
        const frame = Buffer.alloc(2 + reply.length);
        frame.writeUInt16BE(reply.length);
        frame.set(reply, 2);
        socket.write(frame);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return Object.assign(state, {
    port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  });
}
