/** The administration of tokens, hosts, history and users over one store. */
import type { AdminOptions } from './admin-options.ts';
import { AuditAdmin } from './audit-admin.ts';
import { BatchAdmin } from './batch-admin.ts';
import { HistoryAdmin } from './history-admin.ts';
import { HostAdmin } from './host-admin.ts';
import { TokenAdmin } from './token-admin.ts';
import { UserAdmin } from './user-admin.ts';

export interface Administration {
  readonly tokens: TokenAdmin;
  readonly hosts: HostAdmin;
  readonly history: HistoryAdmin;
  readonly users: UserAdmin;
  readonly batches: BatchAdmin;
  readonly audit: AuditAdmin;
}

export function makeAdministration(options: AdminOptions): Administration {
  return {
    tokens: new TokenAdmin(options),
    hosts: new HostAdmin(options),
    history: new HistoryAdmin(options),
    users: new UserAdmin(options),
    batches: new BatchAdmin(options),
    audit: new AuditAdmin(options),
  };
}
