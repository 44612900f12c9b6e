/**
 * What proofs of non-existence are made of: hashed owner names of NSEC3 (RFC 5155 §5), and which names an NSEC or NSEC3 record covers
 * (RFC 4034 §4.1.1, RFC 5155 §1.3). Which records prove what is left to the caller.
 *
 * A hash is a latin1 string of its 20 octets, so that hashes have the order of their octets.
 */
import { createHash, hash } from 'node:crypto';
import { compareNameKeys, DomainName } from '../name.ts';
import { formatBase32Hex, parseBase32Hex } from '../presentation/text-numbers.ts';

/** More are not computed: they only cost time, and validators refuse them (RFC 9276 §3.2). */
export const MAX_NSEC3_ITERATIONS = 150;

const HASH_OCTETS = 20;
/** Digits of a hash in base32hex without padding. */
const HASH_DIGITS = 32;

export interface Nsec3HashParameters {
  /** Additional times that the hash is hashed; 0 in our own zones (RFC 9276 §3.1). */
  readonly iterations: number;
  /** Up to 255 octets; none in our own zones. */
  readonly salt: Uint8Array;
}

/**
 * The hash of an owner name (RFC 5155 §5).
 * @param nameKey `DomainName.key`
 * @throws RangeError for more than MAX_NSEC3_ITERATIONS
 */
export function nsec3Hash(nameKey: string, { iterations, salt }: Nsec3HashParameters): string {
  if (iterations > MAX_NSEC3_ITERATIONS) throw new RangeError(`${iterations} iterations of NSEC3 are too many.`);
  const name = Buffer.from(nameKey, 'latin1');
  if (iterations === 0 && salt.length === 0) return hash('sha1', name, 'binary');
  let digest = createHash('sha1').update(name).update(salt).digest();
  for (let i = 0; i < iterations; i++) digest = createHash('sha1').update(digest).update(salt).digest();
  return digest.toString('latin1');
}

/** The owner name of the NSEC3 record of a hash: base32hex below the zone (RFC 5155 §3). */
export function nsec3OwnerName(nameHash: string, zone: DomainName): DomainName {
  const label = formatBase32Hex(Buffer.from(nameHash, 'latin1'));
  return DomainName.ofTexts(
    `${String.fromCharCode(label.length)}${label}${zone.wireText}`,
    `${label}.${zone.isRoot ? '' : zone}`,
  );
}

/** The hash in the owner name of an NSEC3 record; undefined if the name has none. */
export function findNsec3Hash(ownerName: DomainName, zone: DomainName): string | undefined {
  if (ownerName.octets[0] !== HASH_DIGITS || ownerName.parent()?.equals(zone) !== true) return undefined;
  const octets = parseBase32Hex(ownerName.wireText.slice(1, 1 + HASH_DIGITS));
  return octets?.length === HASH_OCTETS ? Buffer.from(octets).toString('latin1') : undefined;
}

/** True if the hash is between the two of an NSEC3 record, so that its name does not exist. The last record wraps around. */
export function nsec3Covers(nameHash: string, ownerHash: string, nextHash: string): boolean {
  if (ownerHash < nextHash) return ownerHash < nameHash && nameHash < nextHash;
  return nameHash > ownerHash || nameHash < nextHash;
}

/**
 * True if the name is between the owner name and the next name of an NSEC record in canonical order. The last record of a zone
 * wraps around to the apex. All three are `DomainName.key`, in the same zone.
 */
export function nsecCovers(nameKey: string, ownerKey: string, nextKey: string): boolean {
  const isAfterOwner = compareNameKeys(ownerKey, nameKey) < 0;
  const isBeforeNext = compareNameKeys(nameKey, nextKey) < 0;
  return compareNameKeys(ownerKey, nextKey) < 0 ? isAfterOwner && isBeforeNext : isAfterOwner || isBeforeNext;
}
