/** Makes a large signed zone an unsigned one, while it is served signed and changed: an unsigned zone is made apart from it (successor.ts). */
import { RRType } from '../../dns/rdata.ts';
import { withoutSigning } from '../signing/unsign.ts';
import { serialBehind } from '../zone/embedded-zone.ts';
import { PackedNodes } from '../zone/packed-nodes.ts';
import { hasRecords, type ZoneNode } from '../zone/zone-node.ts';
import { ZoneNodes } from '../zone/zone-nodes.ts';
import { withSerial, type ZoneVersion } from '../zone/zone-version.ts';
import { replaceWhileServed, type SuccessorContent, type SuccessorOptions, type SuccessorWork } from './successor.ts';

/** @throws the reason of the signal; what the store and the committer throw: the zone is as it was */
export async function unsignWhileServed(options: SuccessorOptions): Promise<void> {
  const { names } = options.zone;
  await replaceWhileServed(options, (work) => makeUnsigned(work, names));
}

/** @param names about as many as there will be */
async function makeUnsigned(work: SuccessorWork, names: number): Promise<SuccessorContent> {
  const { version } = work;
  const table = new PackedNodes(names);
  const changed: string[] = [];
  for (const node of version.nodes.values()) {
    const unsigned = withoutSigning(node);
    const isEmpty = unsigned.rrsets.length === 0 && unsigned.children === 0;
    // A name that only the signer has goes together with its empty non-terminals: by an edit. Those of NSEC3 records have none.
    if (isEmpty && hasRecords(node)) changed.push(node.key);
    if (!isEmpty || hasRecords(node)) table.put(unsigned);
    if (work.isOver) {
      await work.pause(
        () =>
          `The signatures of the zone ${version.apex} are being removed, ${Math.floor((100 * table.size) / names)} % of ${names} names. It is served signed until all are.`,
      );
    }
  }
  table.put(apexBehind(version));
  return { table, keys: keysOf(table), changed, signer: undefined };
}

function apexBehind({ apexNode, serial }: ZoneVersion): ZoneNode {
  const node = withoutSigning(apexNode);
  const rrsets = node.rrsets.map((rrset) => {
    if (rrset.type !== RRType.SOA) return rrset;
    return { ...rrset, rdatas: [withSerial(rrset.rdatas[0]!, serialBehind(serial))] };
  });
  return { ...node, rrsets };
}

function* keysOf(table: PackedNodes): Generator<string> {
  for (const { key } of ZoneNodes.ofTable(table).values()) yield key;
}
