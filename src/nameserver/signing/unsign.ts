/** Makes a signed zone an unsigned one: removes all that its signer made. Its data stays as it is. */
import type { ZoneDraft } from '../zone/draft.ts';
import { withoutSignatures } from '../zone/signatures.ts';
import type { ZoneNode } from '../zone/zone-node.ts';

/** A name without what a signer made, which can be nothing. */
export function withoutSigning({ key, wireText, rrsets, children }: ZoneNode): ZoneNode {
  return { key, wireText, rrsets: rrsets.map(withoutSignatures), children };
}

/** An edit of all names. It takes seconds in a large zone: see dnssec/unsigning.ts. */
export function removeSigning(draft: ZoneDraft): void {
  for (const { key } of [...draft.nodes.values()]) {
    // A name that only the signer has goes with its empty non-terminals, which may come later here.
    const node = draft.find(key);
    if (node !== undefined) draft.setSigned(withoutSigning(node));
  }
}
