/**
 * What the command line asks for: with a running server over its control socket (control.ts, and the client in
 * src/cli), without one in the process of the command (local-calls.ts). Both have this one shape.
 */
import type { PendingView } from '../core/admin/views.ts';
import type { ZoneAdmin, ZoneState } from '../core/admin/zone-admin.ts';
import { AppError } from '../core/errors.ts';
import type { ClientCalls } from './client-calls.ts';

export interface ServerStatus {
  readonly version: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  /** Where it serves HTTP and DNS. */
  readonly http: readonly string[];
  readonly dns: readonly string[];
  /** The one that HTTPS serves. */
  readonly certificate?: {
    readonly names: readonly string[];
    /** ISO 8601. Absent: it is made by the server itself, until there is one that clients trust. */
    readonly ends?: string;
  };
  /** Zones that it is the primary of. */
  readonly embedded: readonly ZoneState[];
  /** Apexes of zones with a primary elsewhere. */
  readonly remote: readonly string[];
  /** By its number in the file and its host: deliveries that wait, and why the last attempt failed. */
  readonly webhooks?: readonly { readonly webhook: string; readonly waiting: number; readonly problem?: string }[];
  /** What could not be published yet. */
  readonly pending?: PendingView;
  /** Why that is not known. */
  readonly pendingProblem?: string;
}

/** The part of the status that needs the store. */
export async function pendingOf(clients: {
  pending(): Promise<PendingView>;
}): Promise<Pick<ServerStatus, 'pending' | 'pendingProblem'>> {
  try {
    return { pending: await clients.pending() };
  } catch (error) {
    if (error instanceof AppError) return { pendingProblem: error.message };
    throw error;
  }
}

/** Lines of the original's API, which the command line prints as they are. */
export interface Lines {
  readonly text: string;
  readonly warning?: string;
}

export interface UpdateCall {
  readonly fqdn: string;
  readonly ips: readonly string[];
  readonly ttl?: string;
}

export interface AdminCalls {
  /** @throws AppError name-invalid where no zone is embedded */
  readonly zoneAdmin: ZoneAdmin;
  readonly clients: ClientCalls;
  /** @throws AppError */
  update(call: UpdateCall): Promise<Lines>;
  /** @throws AppError */
  delete(call: { readonly fqdn: string }): Promise<Lines>;
  /** Of all zones; `passed` is false if one failed. */
  check(): Promise<Lines & { readonly passed: boolean }>;
}

/** What only a running server can tell. */
export interface ServerCalls extends AdminCalls {
  status(): Promise<ServerStatus>;
  /**
   * Reads the configuration again and puts it in force.
   * @throws AppError request-malformed with a line for each problem; the old configuration then stays in force
   */
  reload(): Promise<{ readonly outcome: 'reloaded'; readonly warnings: readonly string[] }>;
}
