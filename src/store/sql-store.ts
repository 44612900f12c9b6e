/** Builds the Store over a SqlRunner, whichever database it runs on. */
import type { Store } from '../core/store.ts';
import { EventBatches } from './event-batches.ts';
import { SqlAuditStore } from './sql-audit.ts';
import { SqlCustomerStore } from './sql-customers.ts';
import { SqlHistoryStore } from './sql-history.ts';
import { SqlHostStore } from './sql-hosts.ts';
import { SqlKnownSerialStore } from './sql-known-serials.ts';
import { SqlOverviewStore } from './sql-overview.ts';
import { SqlPendingStore } from './sql-pending.ts';
import { queryBuilder, type SqlRunner } from './sql-runner.ts';
import { SqlSignInStore } from './sql-sign-ins.ts';
import { SqlTextStore } from './sql-texts.ts';
import { SqlTicketKeyStore } from './sql-ticket-keys.ts';
import { SqlTokenStore } from './sql-tokens.ts';
import { SqlTurnStore } from './sql-turns.ts';
import { SqlUserStore } from './sql-users.ts';

/** @param isShared whether other processes write to the database */
export function sqlStore(run: SqlRunner, isShared: boolean): Store {
  const build = queryBuilder(run.dialect);
  const ping = build.selectFrom('counters').select('value').where('name', '=', 'wishes').compile();
  const tokens = new SqlTokenStore(run, build, isShared);
  const batches = run.dialect === 'sqlite' ? new EventBatches(run, build) : undefined;
  const behindEvents = batches?.behind ?? run;
  return {
    tokens,
    hosts: new SqlHostStore(run, build),
    history: new SqlHistoryStore(run, build, batches),
    overview: new SqlOverviewStore(behindEvents, build),
    pending: new SqlPendingStore(run, build),
    texts: new SqlTextStore(run, build),
    knownSerials: new SqlKnownSerialStore(run, build),
    turns: new SqlTurnStore(run, build),
    ticketKeys: new SqlTicketKeyStore(run, build),
    users: new SqlUserStore(run, behindEvents, build, tokens.log),
    signIns: new SqlSignInStore(run, build),
    customers: new SqlCustomerStore(run, build, tokens.log),
    audit: new SqlAuditStore(run, build),
    ping: async () => void (await run.all(ping)),
    close: async () => {
      // What cannot be moved now waits for the next process.
      await batches?.moveAll().catch(() => undefined);
      await run.close();
    },
  };
}
