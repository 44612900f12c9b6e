/** The administration of tokens, hosts and history over one store. */
import type { AdminOptions } from './admin-options.ts';
import { HistoryAdmin } from './history-admin.ts';
import { HostAdmin } from './host-admin.ts';
import { TokenAdmin } from './token-admin.ts';

export interface Administration {
  readonly tokens: TokenAdmin;
  readonly hosts: HostAdmin;
  readonly history: HistoryAdmin;
}

export function makeAdministration(options: AdminOptions): Administration {
  return { tokens: new TokenAdmin(options), hosts: new HostAdmin(options), history: new HistoryAdmin(options) };
}
