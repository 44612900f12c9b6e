/** The administration of tokens, hosts, users and history over one store. */
import type { AdminOptions } from './admin-options.ts';
import { AuditAdmin } from './audit-admin.ts';
import { BatchAdmin } from './batch-admin.ts';
import { HistoryAdmin } from './history-admin.ts';
import { HostAdmin } from './host-admin.ts';
import { OverviewAdmin } from './overview-admin.ts';
import { SignInAdmin } from './sign-in-admin.ts';
import { TokenAdmin } from './token-admin.ts';
import { UserAdmin } from './user-admin.ts';

export interface Administration {
  readonly tokens: TokenAdmin;
  readonly hosts: HostAdmin;
  readonly batches: BatchAdmin;
  readonly users: UserAdmin;
  readonly signIns: SignInAdmin;
  readonly audit: AuditAdmin;
  readonly history: HistoryAdmin;
  readonly overview: OverviewAdmin;
}

export function makeAdministration(options: AdminOptions): Administration {
  return {
    tokens: new TokenAdmin(options),
    hosts: new HostAdmin(options),
    batches: new BatchAdmin(options),
    users: new UserAdmin(options),
    signIns: new SignInAdmin(options),
    audit: new AuditAdmin(options),
    history: new HistoryAdmin(options),
    overview: new OverviewAdmin(options),
  };
}
