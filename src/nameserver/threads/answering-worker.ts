/** A thread that answers queries: its UDP sockets, and its messages with the main thread (answering-thread.ts). */

import { parentPort, workerData } from 'node:worker_threads';
import { errorText } from '../../dns/error-text.ts';
import { UdpListener } from '../sockets/udp-listener.ts';

import type { FromThread, ThreadStart, ToThread } from './messages.ts';
import { ThreadService } from './thread-service.ts';

const port = parentPort;
if (port === null) throw new Error('answering-worker.ts is started by answering-thread.ts only');
const post = (message: FromThread): void => port.postMessage(message);
const onFault = (error: unknown) => post({ kind: 'fault', message: errorText(error) });

const service = new ThreadService(workerData as ThreadStart, (requests) => post({ kind: 'requests', requests }));
const sockets = new Map<number, UdpListener>();

async function open(socket: number, host: string, port: number, sharers: number): Promise<void> {
  const listener = new UdpListener(service, onFault, sharers);
  sockets.set(socket, listener);
  try {
    await listener.open(host, port);
    post({ kind: 'opened', socket, failed: undefined });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    post({ kind: 'opened', socket, failed: { code, message } });
  }
}

async function close(socket: number, graceMs: number): Promise<void> {
  const listener = sockets.get(socket);
  sockets.delete(socket);
  await listener?.close(graceMs);
  post({ kind: 'closed', socket });
}

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'zones':
      service.setZones(message.zones, message.settings);
      break;
    case 'octets':
      service.setOctets(message.zone);
      break;
    case 'open':
      void open(message.socket, message.host, message.port, message.sharers);
      break;
    case 'close':
      void close(message.socket, message.graceMs);
      break;
    case 'replies':
      service.receive(message.replies);
      break;
  }
});
