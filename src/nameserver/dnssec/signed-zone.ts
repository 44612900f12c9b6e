/** Opens the signing of a zone with its keys on disk: what it is signed with now, and the change of its keys that is in progress. */
import type { KeyPair } from '../../dns/dnssec/key-file.ts';
import { rolesOf, useOf } from '../keys/key-roles.ts';
import { NO_TIMES } from '../keys/key-store.ts';
import { KeyProcedure, type KeyProcedureOptions } from './key-procedure.ts';
import { ZoneSigning, type ZoneSigningOptions } from './zone-signing.ts';

export interface SignedZone {
  readonly signing: ZoneSigning;
  readonly procedure: KeyProcedure;
}

export interface SignedZoneOptions
  extends Omit<KeyProcedureOptions, 'signing'>,
    Pick<ZoneSigningOptions, 'settings' | 'committer' | 'keyTtl' | 'successors' | 'watch'> {}

/**
 * @param pairs all keys of the zone; those of the DNSKEY records are among them
 * @throws KeyStoreError, what the committer throws
 */
export async function openSignedZone(options: SignedZoneOptions, pairs: readonly KeyPair[]): Promise<SignedZone> {
  const { zone, settings, committer, successors, watch, keyTtl, keys: files, now, onWarning, onProgress } = options;
  const { published } = zone;
  // Of a time when the zone was signed, here or elsewhere: what they wait for begins now.
  if (!published.isSigned) for (const { key } of pairs) files.setTimes(key.keyTag, NO_TIMES);
  const roles = rolesOf(published, pairs);
  const use = useOf(published, roles, now());
  const signing = await ZoneSigning.open({
    ...{ zone, settings, committer, watch, keyTtl, now, onWarning, onProgress },
    ...(successors && { successors }),
    keys: use.keys,
    ...(pairs.length > 0 && { published: use.published }),
    announced: use.announced,
    isRolling: roles.old.length > 0,
    generate: (algorithm) => files.generate(algorithm).key,
  });
  return { signing, procedure: new KeyProcedure({ ...options, signing }) };
}

/** Ends both after the step in progress. */
export async function closeSignedZone({ signing, procedure }: SignedZone): Promise<void> {
  const ended = procedure.close();
  await signing.close();
  await ended;
}
