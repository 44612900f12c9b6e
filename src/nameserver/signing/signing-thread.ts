/** A thread that signs names: bulk-signer.ts is its other side. */
import { parentPort, workerData } from 'node:worker_threads';
import { SigningKey } from '../../dns/dnssec/signing-key.ts';
import { DomainName } from '../../dns/name.ts';
import { nodeEnd, nodeLength, readNode, writeNode } from '../zone/node-octets.ts';
import { mapAuthoritative, signRRset } from './name-signer.ts';
import { NameFlag, type SignedNames, type SigningJob, type ThreadStart } from './signing-messages.ts';

const port = parentPort;
if (port === null) throw new Error('signing-thread.ts is started by bulk-signer.ts only');
const start = workerData as ThreadStart;
const apex = DomainName.ofWire(start.apex);
const keys = start.keys.map(({ privateKey, flags }) => new SigningKey(apex, privateKey, flags));

function sign({ octets, ...validity }: SigningJob): SignedNames {
  const from = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
  const nodes = [];
  let length = 0;
  let signatures = 0;
  for (let at = 0; at < from.length; at = nodeEnd(from, at + 1)) {
    const node = readNode(from, at + 1, 0);
    const place = { isApex: (from[at]! & NameFlag.isApex) !== 0, isCovered: (from[at]! & NameFlag.isCovered) !== 0 };
    const signed = mapAuthoritative(node, place, (rrset) => {
      signatures += keys.length;
      return signRRset(rrset, node.key, keys, validity);
    });
    nodes.push(signed);
    length += nodeLength(signed);
  }
  const to = Buffer.from(new ArrayBuffer(length));
  let end = 0;
  const ends = nodes.map((node) => {
    end = writeNode(to, end, node);
    return end;
  });
  return { octets: to, ends, signatures };
}

port.on('message', (job: SigningJob) => {
  const signed = sign(job);
  port.postMessage(signed, [signed.octets.buffer as ArrayBuffer]);
});
