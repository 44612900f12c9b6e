/** The keys that a signed version has at its apex, and which of them are not on disk, so that the zone is not signed with others in their place. */

import { keyTag } from '../../dns/dnssec/delegation.ts';
import type { KeyPair } from '../../dns/dnssec/key-file.ts';
import type { DomainName } from '../../dns/name.ts';
import { type DnskeyFields, type DsFields, type Rdata, RRType } from '../../dns/rdata.ts';
import { rdataOf, type ZoneVersion } from '../zone/zone-version.ts';
import type { KeyStore } from './key-store.ts';
import { KeyStoreError } from './key-store-error.ts';

/** The DNSKEY records of a signed version; none of an unsigned one. */
export function dnskeysOf(version: ZoneVersion): readonly DnskeyFields[] {
  return recordsOfSigner(version, RRType.DNSKEY, 'DNSKEY');
}

/** The CDS records of a signed version; none of an unsigned one. */
export function cdsOf(version: ZoneVersion): readonly DsFields[] {
  return recordsOfSigner(version, RRType.CDS, 'CDS');
}

/** What the signer has at the apex. */
function recordsOfSigner<Kind extends Rdata['kind']>({ apexNode }: ZoneVersion, type: number, kind: Kind) {
  const rrset = apexNode.signerRRsets?.find((each) => each.type === type);
  const isOfKind = (rdata: Rdata): rdata is Extract<Rdata, { readonly kind: Kind }> => rdata.kind === kind;
  return (rrset?.rdatas ?? []).map((octets) => rdataOf(type, octets)).filter(isOfKind);
}

/**
 * Why a zone cannot be served signed; undefined if all its keys are there.
 * @param dnskeys of the version that is to be served (`dnskeysOf`)
 * @param pairs all keys of the zone (KeyStore.load)
 * @param directory of the keys of all zones, for the text
 * @returns sentences for the operator
 */
export function describeMissingKeys(
  apex: DomainName,
  dnskeys: readonly DnskeyFields[],
  pairs: readonly Pick<KeyPair, 'key'>[],
  directory: string,
): string | undefined {
  const missing = dnskeys.filter((dnskey) => !pairs.some(({ key }) => isSameKey(key.dnskey, dnskey)));
  if (missing.length === 0) return undefined;
  const tags = missing.map((dnskey) => `${keyTag(dnskey)}`).join(', ');
  return (
    `The zone '${apex}' is signed with the key ${tags}, which is not in '${directory}'. Without it the zone cannot be served signed: ` +
    'resolvers would refuse other signatures while the parent has the DS record of this key. Put it back from a backup ' +
    "('dyndns restore FILE', with FILE.keys next to FILE)."
  );
}

/** As describeMissingKeys, of a version; also keys that cannot be read. */
export function keyProblem(version: ZoneVersion, keys: KeyStore): string | undefined {
  const { apex } = version;
  try {
    return describeMissingKeys(apex, dnskeysOf(version), keys.load(apex), keys.directory);
  } catch (error) {
    if (error instanceof KeyStoreError) return error.message;
    throw error;
  }
}

export function isSameKey(a: DnskeyFields, b: DnskeyFields): boolean {
  return a.algorithm === b.algorithm && a.flags === b.flags && Buffer.compare(a.publicKey, b.publicKey) === 0;
}
