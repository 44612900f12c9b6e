/** Owner names of the TXT records for ACME's DNS-01 challenge (RFC 8555 §8.4). */
import type { DomainName } from './name.ts';

export const CHALLENGE_LABEL = '_acme-challenge';

/** The challenge of `*.x` is at the same name as that of `x` (RFC 8555 §7.1.3). @throws NameError if it is too long */
export function challengeName(identifier: DomainName): DomainName {
  const subject = identifier.isWildcard ? identifier.parent()! : identifier;
  return subject.prepend(CHALLENGE_LABEL);
}
