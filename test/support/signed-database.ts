/** The database of an embedded zone that is signed, with its key, as a server leaves them. */
import { DomainName } from '../../src/dns/name.ts';
import { Committer } from '../../src/nameserver/journal/committer.ts';
import { Journal } from '../../src/nameserver/journal/journal.ts';
import { KeyStore } from '../../src/nameserver/keys/key-store.ts';
import { ZoneSigner } from '../../src/nameserver/signing/zone-signer.ts';
import { realFile } from '../../src/sqlite/lock.ts';

export function keyStoreOf(database: string): KeyStore {
  return new KeyStore(realFile(database), { now: Date.now, onWarning: () => undefined });
}

/** Signs the zone for 30 days. @param database that a command made @param signedMs when, in milliseconds since 1970 */
export async function signDatabase(database: string, zone: string, signedMs = Date.now()): Promise<void> {
  const apex = DomainName.parse(zone);
  const store = keyStoreOf(database);
  const onFault = (error: unknown) => {
    throw error;
  };
  const journal = await Journal.open(realFile(database), { now: Date.now, onFault });
  const [embedded] = await journal.load([apex]);
  if (!embedded!.published.isSigned) {
    const { key } = store.generate(apex, 13);
    const validity = { validitySeconds: 30 * 86_400, now: () => Math.floor(signedMs / 1000) };
    const policy = { keys: [key], announced: [key], chain: 'nsec3', keyTtl: 3_600, ...validity } as const;
    embedded!.signer = new ZoneSigner(policy, embedded!.published);
    const committer = new Committer({
      log: journal,
      onPublished: () => undefined,
      onSlow: () => undefined,
      onFailed: onFault,
    });
    await committer.change(embedded!, (draft) => embedded!.signer!.setKeys(draft));
  }
  await journal.fold(true);
  await journal.close();
}
