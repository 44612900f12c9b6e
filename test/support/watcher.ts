/** A fast DNS client for tests that query a name thousands of times: UDP over one socket, with our own codec. */
import { createSocket } from 'node:dgram';
import type { DomainName } from '../../src/dns/name.ts';
import { RRClass, RRType } from '../../src/dns/rdata.ts';
import { rrsetAddresses } from '../../src/dns/rrset.ts';
import { decodeMessage, encodeMessage, makeMessage } from '../../src/dns/wire/message.ts';
import type { ServerAddress } from './dig.ts';

export interface Watcher {
  /** Queries the A records, sorted. Retries each second; rejects after five attempts. */
  ask(ownerName: DomainName): Promise<readonly string[]>;
  close(): void;
}

export function openWatcher(server: ServerAddress): Watcher {
  const socket = createSocket('udp4');
  const waiting = new Map<number, (addresses: readonly string[]) => void>();
  let nextId = 0;
  socket.on('message', (octets) => {
    const message = decodeMessage(octets);
    const addresses = message.answers.filter((record) => record.type === RRType.A).map((record) => record.rdata);
    waiting.get(message.id)?.(rrsetAddresses(addresses).sort());
    waiting.delete(message.id);
  });
  return {
    ask(qname) {
      const id = nextId++ & 0xffff;
      const query = encodeMessage(makeMessage({ id, questions: [{ qname, qtype: RRType.A, qclass: RRClass.IN }] }));
      return new Promise((resolve, reject) => {
        let attempts = 1;
        const send = () => socket.send(query, server.port, server.host);
        const retry = setInterval(() => {
          attempts += 1;
          if (attempts <= 5) return send();
          clearInterval(retry);
          waiting.delete(id);
          reject(new Error(`No answer for ${qname}.`));
        }, 1000);
        waiting.set(id, (addresses) => {
          clearInterval(retry);
          resolve(addresses);
        });
        send();
      });
    },
    close: () => socket.close(),
  };
}
