/** What this machine knows of the signatures of a zone, for `dyndns doctor`. */
import type { Config, ZoneConfig } from '../config/config.ts';
import type { ZoneState } from '../core/admin/zone-operations.ts';
import type { SigningFacts } from '../core/doctor/ports.ts';
import { listKeyFolder } from '../nameserver/keys/key-folder.ts';

/**
 * @param state as the running server reports it; undefined: none runs
 * @returns undefined for a zone with another primary
 */
export function signingFacts(
  { dns }: Config,
  { apex, primary }: ZoneConfig,
  state: ZoneState | undefined,
): SigningFacts | undefined {
  if (primary.kind !== 'embedded' || dns === undefined) return undefined;
  return {
    isConfigured: primary.dnssec !== undefined,
    ...(state && { troubles: state.signing?.troubles ?? [] }),
    folder: listKeyFolder(dns.database, apex),
  };
}
