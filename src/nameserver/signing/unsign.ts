/** Makes a signed zone an unsigned one: an edit that removes all that its signer made. Its data stays as it is. */
import type { ZoneDraft } from '../zone/draft.ts';
import { mapRRsets, withoutSignatures } from '../zone/signatures.ts';

export function removeSigning(draft: ZoneDraft): void {
  for (const node of [...draft.nodes.values()]) {
    for (const { type } of node.signerRRsets ?? []) draft.setSignerRRset(node, { type, ttl: 0, rdatas: [] });
    const rest = draft.find(node.key);
    const unsigned = rest && mapRRsets(rest, withoutSignatures);
    if (unsigned !== undefined && unsigned !== rest) draft.setSigned(unsigned);
  }
}
