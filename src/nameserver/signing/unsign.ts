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
  for (const node of [...draft.nodes.values()]) draft.setSigned(withoutSigning(node));
}
