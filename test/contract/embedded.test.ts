// The embedded nameserver passes the contract of a zone publisher.

import { DomainName } from '../../src/dns/name.ts';
import { type Rdata, RRType } from '../../src/dns/rdata.ts';
import { addressRdata, rrsetAddresses, textRdata } from '../../src/dns/rrset.ts';
import type { ZoneEdit } from '../../src/dns/zone-change.ts';
import { Committer } from '../../src/nameserver/committer.ts';
import { applyEdits } from '../../src/nameserver/edit.ts';
import { EmbeddedPublisher } from '../../src/nameserver/publisher.ts';
import { findRRset, rdataOf, type ZoneVersion } from '../../src/nameserver/zone-version.ts';
import { editedZone } from '../support/edited-zone.ts';
import { describeZonePublisher, type RecordText } from './zone-publisher.ts';

function rdataOfText({ type, rdata }: RecordText): Rdata {
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

/** What is published for the name: its own, or a wildcard's at any level above. */
function answer(version: ZoneVersion, ownerName: DomainName, type: number) {
  let node = version.find(ownerName.key);
  for (let above = ownerName; node === undefined && !above.equals(version.apex); ) {
    above = above.parent()!;
    if (version.find(above.key) === undefined) continue;
    node = version.find(above.prepend('*').key);
    break;
  }
  const rrset = node && findRRset(node, type);
  return { rdatas: (rrset?.rdatas ?? []).map((rdata) => rdataOf(type, rdata)), ttl: rrset?.ttl };
}

describeZonePublisher({
  title: 'embedded',
  countsMessages: false,
  recallsAll: true,
  async start(apexText, records) {
    const apex = DomainName.parse(apexText);
    const at = (label: string) => (label === '@' ? apex : DomainName.parse(label, apex));
    const addition = (record: RecordText): ZoneEdit => {
      const rrset = { ownerName: at(record.at), type: RRType[record.type], ttl: record.ttl };
      return { kind: 'add-to-rrset', rrset: { ...rrset, rdatas: [rdataOfText(record)] } };
    };
    const zone = editedZone(apexText, { edits: records.map(addition) });
    // Slow enough that changes gather while a transaction is under way.
    const log = { append: () => new Promise<void>((resolve) => setTimeout(resolve, 1)) };
    const committer = new Committer({ log });
    return {
      publisher: () => new EmbeddedPublisher(zone, committer),
      async look(ownerName, type) {
        const { rdatas, ttl } = answer(zone.published, DomainName.parse(ownerName), RRType[type as 'A']);
        return { values: rdatas.map(textOf).sort(), ttl };
      },
      serial: async () => zone.published.serial,
      watcher: () => ({
        async ask(ownerName) {
          await new Promise((resolve) => setImmediate(resolve));
          return rrsetAddresses(answer(zone.published, ownerName, RRType.A).rdatas).sort();
        },
        close: () => undefined,
      }),
      async foreignEdit({ deletes = [], adds = [] }) {
        const deletions = deletes.map((each): ZoneEdit => {
          return { kind: 'delete-rrset', ownerName: at(each.at), type: RRType[each.type as 'A'] };
        });
        await committer.change(zone, (draft) => applyEdits(draft, [...deletions, ...adds.map(addition)]));
      },
      stop: () => committer.settled(),
    };
  },
});
