/** The admin calls over the use-cases of this process. */

import { OPERATOR } from '../core/access/request-context.ts';
import type { ClientAdmin } from '../core/admin/client-admin.ts';
import type { ZoneAdmin } from '../core/admin/zone-admin.ts';
import { AppError } from '../core/errors.ts';
import { checkLine } from '../core/updates/original-lines.ts';
import type { Services } from '../http/request/door.ts';
import { changeAddresses, deleteAddresses } from '../http/request/original-requests.ts';
import type { AdminCalls, Lines, UpdateCall } from './calls.ts';
import type { ClientCalls } from './client-calls.ts';
import { LocalClientCalls } from './in-process-clients.ts';

export interface LocalParts {
  readonly services: Pick<Services, 'zones' | 'updates' | 'unspecifiedFamily' | 'checks'>;
  /** Undefined where no zone is embedded. */
  readonly zoneAdmin: ZoneAdmin | undefined;
  /** Undefined where this command does not ask for it. */
  readonly clientAdmin?: ClientAdmin;
}

export class LocalCalls implements AdminCalls {
  /** Asked at each call, so that a reload takes effect at once. */
  readonly #parts: () => LocalParts;

  constructor(parts: () => LocalParts) {
    this.#parts = parts;
  }

  get zoneAdmin(): ZoneAdmin {
    const { zoneAdmin } = this.#parts();
    if (zoneAdmin !== undefined) return zoneAdmin;
    throw new AppError(
      'name-invalid',
      "No zone of the configuration is served by dyndns itself ('nameserver: embedded'); those of other primaries are handled there.",
    );
  }

  get clients(): ClientCalls {
    const { clientAdmin } = this.#parts();
    if (clientAdmin === undefined) throw new TypeError('these calls were made without a store');
    return new LocalClientCalls(clientAdmin);
  }

  async update({ fqdn, ips, ttl }: UpdateCall): Promise<Lines> {
    const { body, warning } = await changeAddresses({ fqdn, ips, ttl }, OPERATOR, this.#parts().services);
    return { text: body, ...(warning !== undefined && { warning }) };
  }

  async delete({ fqdn }: { readonly fqdn: string }): Promise<Lines> {
    const { body } = await deleteAddresses(fqdn, OPERATOR, this.#parts().services);
    return { text: body };
  }

  async check(): Promise<Lines & { readonly passed: boolean }> {
    const { checks, zones } = this.#parts().services;
    const results = await checks.run(zones.all);
    return { text: results.map(checkLine).join(''), passed: results.every(({ kind }) => kind === 'passed') };
  }
}
