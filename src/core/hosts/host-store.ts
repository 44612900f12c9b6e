/** Contract: where settings of hosts are stored. See core/store.ts for durability and errors. */
import type { DomainName } from '../../dns/name.ts';
import type { HostSettings } from './host.ts';

export interface HostStore {
  /** Sets all settings of a host. */
  put(settings: HostSettings): Promise<void>;
  get(ownerName: DomainName): Promise<HostSettings | undefined>;
  /** In canonical order of names (RFC 4034 §6.1). */
  list(): Promise<readonly HostSettings[]>;
  /** Those whose silence is limited (`silentAfterSeconds`, `leaseSeconds`): a few of many, found by an index. */
  listLimited(): Promise<readonly HostSettings[]>;
  /** Its history and its pending updates stay. */
  remove(ownerName: DomainName): Promise<'removed' | 'unknown'>;
}
