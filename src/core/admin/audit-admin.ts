/** Reads the audit list. */
import type { AuditFilter } from '../users/audit.ts';
import { type AdminOptions, requireStore } from './admin-options.ts';
import type { Result } from './operations.ts';
import { isoTime } from './views.ts';

export class AuditAdmin {
  readonly #options: Pick<AdminOptions, 'store'>;

  constructor(options: Pick<AdminOptions, 'store'>) {
    this.#options = options;
  }

  /** Newest first. @param before only entries with smaller ids @throws AppError store-unreachable */
  async read(filter: AuditFilter, limit: number, before?: string): Promise<Result<'readAudit'>> {
    const entries = await requireStore(this.#options).audit.read(filter, limit + 1, before);
    const page = entries.slice(0, limit);
    const last = page.at(-1);
    return {
      entries: page.map(({ timeMs, actor, ...entry }) => ({ ...entry, user: actor, time: isoTime(timeMs) })),
      ...(entries.length > limit && last !== undefined && { next: last.id }),
    };
  }
}
