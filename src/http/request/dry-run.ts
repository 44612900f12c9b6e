/** The reply to `dry_run=1`: a line for each record that would change or stay, for a person. No client takes it for success. */

import type { HostUpdated } from '../../core/updates/update-host.ts';
import { FAMILIES } from '../../core/zones/family.ts';
import type { FamilyPlan } from '../../core/zones/plan-change.ts';

export const DRY_RUN = 'dry_run';

/** @param value of the parameter */
export function isDryRun(value: string | undefined): boolean {
  return value !== undefined && /^(1|yes|true|on)$/i.test(value);
}

export function formatDryRun({ result, leftOut }: Pick<HostUpdated, 'result' | 'leftOut'>): string {
  const { ownerName, members } = result;
  const lines = [
    ...FAMILIES.map((family) => line(`${ownerName} ${family}`, result[family])),
    ...members.map((member) => line(`${member.ownerName} AAAA`, member.AAAA)),
    ...leftOut.map((member) => `would stay: ${member.ownerName} (${member.why})`),
  ];
  return lines.map((text) => `${text}\n`).join('');
}

function line(place: string, { before, after, changed }: FamilyPlan): string {
  const list = (addresses: readonly string[]) => (addresses.length === 0 ? 'none' : addresses.join(','));
  return changed ? `would change: ${place} ${list(before)} -> ${list(after)}` : `would stay: ${place} ${list(before)}`;
}
