/** A real nameserver as a subject of the contract suite: PrimaryPublisher under test, dig and nsupdate from outside. */
import { DomainName } from '../../src/dns/name.ts';
import { makeTsigKey } from '../../src/dns/tsig-key.ts';
import type { Exchanger } from '../../src/net/exchange.ts';
import { TcpExchanger } from '../../src/net/tcp.ts';
import { TcpPool } from '../../src/net/tcp-pool.ts';
import { UdpExchanger } from '../../src/net/udp.ts';
import { PrimaryPublisher } from '../../src/primary/publisher.ts';
import { dig } from '../support/dig.ts';
import { nsupdate } from '../support/nsupdate.ts';
import type { KeySpec, PrimaryOptions, PrimaryServer } from '../support/primary-server.ts';
import { openWatcher } from '../support/watcher.ts';
import type { PublisherFixture, PublisherSubject } from './zone-publisher.ts';

export interface PrimarySubjectOptions {
  readonly title: string;
  readonly start: (options: PrimaryOptions) => Promise<PrimaryServer>;
  readonly transport?: 'tcp' | 'udp';
  readonly signedReads?: boolean;
  readonly configure?: (config: string) => string;
  readonly answersForAnyName?: boolean;
}

export function primarySubject(options: PrimarySubjectOptions): PublisherSubject {
  const { title, start, transport = 'tcp', signedReads = false, configure, answersForAnyName = true } = options;
  return {
    title,
    countsMessages: true,
    answersForAnyName,
    async start(apex, records): Promise<PublisherFixture> {
      const secret = Buffer.alloc(64, 'not a secret');
      const key: KeySpec = { name: apex, algorithm: 'hmac-sha512', secret: secret.toString('base64') };
      const text = records.map(({ at, ttl, type, rdata }) => `${at} ${ttl} IN ${type} ${rdata}\n`).join('');
      const zones = [{ name: apex, records: text }];
      const server = await start({ zones, keys: [key], ...(configure === undefined ? {} : { configure }) });
      const absolute = (at: string) => (at === '@' ? apex : `${at}.${apex}`);
      return {
        publisher(onBatch) {
          const [reads, updates]: readonly Exchanger[] =
            transport === 'tcp'
              ? [new TcpPool(server), new TcpExchanger(server)]
              : [new UdpExchanger(server), new UdpExchanger(server)];
          return new PrimaryPublisher({
            zone: DomainName.parse(apex),
            endpoint: server,
            key: makeTsigKey(DomainName.parse(apex), 'hmac-sha512', secret),
            signedReads,
            reads: reads!,
            updates: updates!,
            now: () => Math.floor(Date.now() / 1000),
            ...(onBatch === undefined ? {} : { onBatch }),
          });
        },
        async query(ownerName, type) {
          const { answers } = await dig(server, [ownerName, type, '+norecurse']);
          const matching = answers.filter((answer) => answer.type === type);
          return { values: matching.map((answer) => answer.rdata).sort(), ttl: matching[0]?.ttl };
        },
        async serial() {
          const { short } = await dig(server, [apex, 'SOA', '+norecurse']);
          return Number(short[0]?.split(' ')[2]);
        },
        watcher: () => openWatcher(server),
        async foreignEdit({ deletes = [], adds = [] }) {
          const { code, stderr } = await nsupdate(server, key, apex, [
            ...deletes.map(({ at, type }) => `update delete ${absolute(at)} ${type}`),
            ...adds.map(({ at, ttl, type, rdata }) => `update add ${absolute(at)} ${ttl} ${type} ${rdata}`),
          ]);
          if (code !== 0) throw new Error(`nsupdate: ${stderr}`);
        },
        stop: () => server.stop(),
      };
    },
  };
}
