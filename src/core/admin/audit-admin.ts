/** The audit list, as admins read it. */
import type { AuditFilter } from '../users/audit.ts';
import { type AdminOptions, requireStore } from './admin-options.ts';
import type { AuditView } from './server-operations.ts';
import { isoTime } from './views.ts';

export class AuditAdmin {
  readonly #options: Pick<AdminOptions, 'store'>;

  constructor(options: Pick<AdminOptions, 'store'>) {
    this.#options = options;
  }

  /** Newest first. @throws AppError conflict (no store), store-unreachable */
  async read(
    filter: AuditFilter,
    limit: number,
    before: string | undefined,
  ): Promise<{ readonly entries: readonly AuditView[]; readonly next?: string }> {
    const entries = await requireStore(this.#options).audit.read(filter, limit + 1, before);
    const page = entries.slice(0, limit);
    const last = page.at(-1);
    return {
      entries: page.map(({ id, timeMs, actor, key, source, operation, target, outcome }) => ({
        id,
        time: isoTime(timeMs),
        user: actor,
        source,
        operation,
        target,
        outcome,
        ...(key !== undefined && { key }),
      })),
      ...(entries.length > limit && last !== undefined && { next: last.id }),
    };
  }
}
