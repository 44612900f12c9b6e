/** `dyndns doctor`: whether one of the signatures of an RRset is valid now, in words. */

import { signableRRset } from '../../dns/dnssec/canonical.ts';
import type { Signature, SignatureFault, ZoneKeys } from '../../dns/dnssec/verify.ts';
import type { RRset } from '../../dns/rrset.ts';
import { timeText } from '../../dns/time-text.ts';
import type { FindingStatus } from './ports.ts';

/** An RRset with its RRSIG records, as a nameserver serves it; undefined: it has none. */
export interface SignedRRset {
  readonly rrset: RRset | undefined;
  readonly signatures: readonly Signature[];
}

export interface SignatureState {
  readonly status: FindingStatus;
  /** Completes "the SOA record …". */
  readonly text: string;
  readonly advice?: string;
}

const DAY_SECONDS = 86_400;
/** Signatures that foreign data makes us verify. */
const MAX_SIGNATURES = 8;

const FAULTS: Readonly<Record<Exclude<SignatureFault, 'expired' | 'not-yet-valid'>, string>> = {
  'other-type': 'has a signature of another type',
  'outside-zone': 'is outside the zone',
  'other-signer': 'is signed by another zone',
  'too-many-labels': 'has a malformed signature',
  'invalid-period': 'has a signature whose period is not valid',
  'unsupported-algorithm': 'is signed with an algorithm that is not known here',
  'no-key': 'is not signed by the key that the parent has a DS record of',
  'unusable-key': 'is signed by a key that must not be used',
  'wrong-signature': 'has a signature that is not of its data',
};

const TRANSFER =
  'Check that this nameserver transfers the zone, and does not change it. Validating resolvers answer SERVFAIL for what it sends.';
const RENEW =
  "If 'dyndns zone dnssec' shows later times, this nameserver does not transfer the zone. Else the log of dyndns says why the " +
  'signatures are not renewed.';
const CLOCK = 'Check the clock of this machine and that of the server that signs: both need NTP.';

/** @param now seconds since 1970 */
export function describeSignature(keys: ZoneKeys, { rrset, signatures }: SignedRRset, now: number): SignatureState {
  if (rrset === undefined || signatures.length === 0) {
    const text = 'has no signature in its answer';
    return { status: 'problem', text, advice: `It may not support DNSSEC, or have an unsigned version. ${TRANSFER}` };
  }
  const signable = signableRRset(rrset);
  const judged = signatures
    .slice(0, MAX_SIGNATURES)
    .map((signature) => ({ signature, outcome: keys.verify(signable, signature, now) }));
  const valid = judged
    .filter(({ outcome }) => outcome === 'valid')
    .sort((a, b) => b.signature.expiration - a.signature.expiration)[0];
  if (valid !== undefined) return ofValid(valid.signature, now);
  // A signature by a key that is known says more than one by a key that is not.
  const { signature, outcome } = judged.find((one) => one.outcome !== 'no-key') ?? judged[0]!;
  return ofFault(signature, outcome === 'valid' || outcome === 'expanded' ? 'wrong-signature' : outcome);
}

/** Signers renew when a quarter of the validity is left, at the latest; and there is the time of the transfer. */
function ofValid({ inception, expiration }: Signature, now: number): SignatureState {
  const left = (expiration - now) >>> 0;
  const quarter = ((expiration - inception) >>> 0) / 4;
  const text = `expires at ${timeText(expiration)}`;
  if (left > quarter - DAY_SECONDS / 12) return { status: 'ok', text };
  return { status: 'warning', text: `has a signature that ${text}, and should have been renewed`, advice: RENEW };
}

function ofFault({ inception, expiration }: Signature, fault: SignatureFault): SignatureState {
  switch (fault) {
    case 'expired':
      return { status: 'problem', text: `has a signature that expired at ${timeText(expiration)}`, advice: RENEW };
    case 'not-yet-valid':
      return {
        status: 'problem',
        text: `has a signature that is not valid before ${timeText(inception)}`,
        advice: CLOCK,
      };
    case 'unsupported-algorithm':
      return { status: 'not checked', text: FAULTS[fault], advice: "Check it with 'delv'." };
    default:
      return { status: 'problem', text: FAULTS[fault], advice: TRANSFER };
  }
}
