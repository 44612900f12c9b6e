/** The model of a zone for unit tests of the core passes the contract of a zone publisher, too. */
import { DomainName } from '../../src/dns/name.ts';
import { type Rdata, RRType } from '../../src/dns/rdata.ts';
import { addressRdata, rrsetAddresses, textRdata } from '../../src/dns/rrset.ts';
import type { ZoneEdit } from '../../src/dns/zone-change.ts';
import { MemoryPublisher, MemoryZone } from '../support/memory-publisher.ts';
import { describeZonePublisher, type RecordText } from './zone-publisher.ts';

function rdataOf({ type, rdata }: RecordText): Rdata {
  switch (type) {
    case 'A':
    case 'AAAA':
      return addressRdata(RRType[type], rdata);
    case 'TXT':
      return textRdata(rdata.replaceAll('"', ''));
    default:
      return { kind: type, target: DomainName.parse(rdata) };
  }
}

function textOf(rdata: Rdata): string {
  if (rdata.kind === 'TXT') return `"${rdata.strings.map((string) => Buffer.from(string).toString()).join('" "')}"`;
  return 'address' in rdata ? rdata.address : 'target' in rdata ? rdata.target.toString() : rdata.kind;
}

describeZonePublisher({
  title: 'in memory',
  countsMessages: false,
  async start(apexText, records) {
    const apex = DomainName.parse(apexText);
    const at = (label: string) => (label === '@' ? apex : DomainName.parse(label, apex));
    const addition = (record: RecordText): ZoneEdit => {
      const { ttl, type } = record;
      const rrset = { ownerName: at(record.at), type: RRType[type], ttl, rdatas: [rdataOf(record)] };
      return { kind: 'add-to-rrset', rrset };
    };
    const zone = new MemoryZone(apex);
    const change = { zone: apex, ownerName: apex, prerequisites: [] };
    zone.apply([{ ...change, edits: records.map(addition) }]);
    return {
      publisher: () => new MemoryPublisher(zone),
      async query(ownerName, type) {
        const answer = zone.answer(DomainName.parse(ownerName), RRType[type as 'A']);
        if (answer.kind !== 'rrset') return { values: [], ttl: undefined };
        return { values: answer.rrset.rdatas.map(textOf).sort(), ttl: answer.rrset.ttl };
      },
      serial: async () => zone.serial,
      watcher: () => ({
        async ask(ownerName) {
          await new Promise((resolve) => setImmediate(resolve));
          const answer = zone.answer(ownerName, RRType.A);
          return answer.kind === 'rrset' ? rrsetAddresses(answer.rrset.rdatas).sort() : [];
        },
        close: () => undefined,
      }),
      async foreignEdit({ deletes = [], adds = [] }) {
        const deletions = deletes.map((each): ZoneEdit => {
          return { kind: 'delete-rrset', ownerName: at(each.at), type: RRType[each.type as 'A'] };
        });
        zone.apply([{ ...change, edits: [...deletions, ...adds.map(addition)] }]);
      },
      stop: async () => undefined,
    };
  },
});
