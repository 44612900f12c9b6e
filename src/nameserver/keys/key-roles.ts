/**
 * Which keys of a signed zone stay, and which a rollover replaces. What is published says how far it is; the times in the key files
 * say when something may happen next:
 *
 * - of a key that comes: `Activate`, all its signatures are on every secondary; `Publish`, its DNSKEY may appear (later than Activate where
 *   the algorithm changes); `SyncPublish`, its CDS may appear;
 * - of a key that goes: `SyncDelete`, set when the rollover begins; `Delete`, its DNSKEY may go; `Inactive`, its signatures may go;
 * - of the key of a zone that leaves DNSSEC: `Inactive`, the zone may be unsigned.
 *
 * Each is written after what it counts from is a fact, so that an interruption makes a wait longer, and never shorter.
 */
import { matchDs } from '../../dns/dnssec/delegation.ts';
import type { KeyPair } from '../../dns/dnssec/key-file.ts';
import type { SigningKey } from '../../dns/dnssec/signing-key.ts';
import type { DomainName } from '../../dns/name.ts';
import type { DnskeyFields, DsFields } from '../../dns/rdata.ts';
import type { ZoneVersion } from '../zone/zone-version.ts';
import { cdsOf, dnskeysOf, isSameKey } from './missing-keys.ts';

export interface KeyRoles {
  /** Those that sign when no rollover is in progress. */
  readonly next: readonly KeyPair[];
  /** Those that a rollover replaces; empty: there is none. */
  readonly old: readonly KeyPair[];
  readonly isAlgorithmChange: boolean;
}

/** What the signer does with the keys now. */
export interface KeyUse {
  readonly keys: readonly SigningKey[];
  readonly published: readonly SigningKey[];
  readonly announced: readonly SigningKey[] | 'delete' | undefined;
}

/** @param pairs all keys of the zone on disk; of those that have no role, none is published */
export function rolesOf(version: ZoneVersion, pairs: readonly KeyPair[]): KeyRoles {
  if (!version.isSigned) return { next: pairs, old: [], isAlgorithmChange: false };
  const dnskeys = dnskeysOf(version);
  const isPlanned = ({ times }: KeyPair) => times.Publish !== undefined || times.SyncPublish !== undefined;
  const old = pairs.filter(({ times }) => times.SyncDelete !== undefined);
  const others = pairs.filter((pair) => !old.includes(pair));
  const next = others.filter((pair) => isIn(dnskeys, pair.key) || (old.length > 0 && isPlanned(pair)));
  // A rollover whose new key is gone has not begun.
  if (next.length === 0) return { next: old, old: [], isAlgorithmChange: false };
  const isAlgorithmChange = old.length > 0 && next.some((pair) => !old.some((each) => hasSameAlgorithm(pair, each)));
  return { next, old, isAlgorithmChange };
}

/** Continues what is published. */
export function useOf(version: ZoneVersion, { next, old, isAlgorithmChange }: KeyRoles, nowSeconds: number): KeyUse {
  const [nextKeys, oldKeys] = [keysOf(next), keysOf(old)];
  const dnskeys = dnskeysOf(version);
  const announced = announcedOf(version, nextKeys, oldKeys);
  const hasNext = nextKeys.every((key) => isIn(dnskeys, key));
  if (hasNext && !oldKeys.some((key) => isIn(dnskeys, key))) {
    const isStillSigning = isAlgorithmChange && !old.every(({ times }) => isPast(times.Inactive, nowSeconds));
    return { keys: isStillSigning ? [...oldKeys, ...nextKeys] : nextKeys, published: nextKeys, announced };
  }
  const published = isAlgorithmChange && !hasNext ? oldKeys : [...oldKeys, ...nextKeys];
  return { keys: [...oldKeys, ...nextKeys], published, announced };
}

function announcedOf(
  version: ZoneVersion,
  next: readonly SigningKey[],
  old: readonly SigningKey[],
): KeyUse['announced'] {
  const cds = cdsOf(version);
  if (cds.length === 0) return undefined;
  if (cds.some(({ algorithm }) => algorithm === 0)) return 'delete';
  return old.length > 0 && !next.every((key) => isDsAmong(version.apex, cds, key)) ? old : next;
}

export function keysOf(pairs: readonly KeyPair[]): readonly SigningKey[] {
  return pairs.map(({ key }) => key);
}

export function isIn(dnskeys: readonly DnskeyFields[], { dnskey }: Pick<SigningKey, 'dnskey'>): boolean {
  return dnskeys.some((each) => isSameKey(each, dnskey));
}

/** Whether a DS or CDS of the key is there. */
export function isDsAmong(zone: DomainName, ds: readonly DsFields[], { dnskey }: SigningKey): boolean {
  return ds.some((each) => matchDs(zone, dnskey, each) === 'match');
}

/** Whether a DS may be one of the key: also with a digest that is not known here. */
export function mayBeDsOf(zone: DomainName, ds: readonly DsFields[], { dnskey }: SigningKey): boolean {
  return ds.some((each) => matchDs(zone, dnskey, each) !== 'different');
}

/** Later, so that a second that has just begun is not taken for a whole one. @param time in seconds since 1970 */
export function isPast(time: number | undefined, nowSeconds: number): boolean {
  return time !== undefined && nowSeconds > time;
}

function hasSameAlgorithm(a: KeyPair, b: KeyPair): boolean {
  return a.key.dnskey.algorithm === b.key.dnskey.algorithm;
}
