/** `dyndns zone list`: the embedded zones with their serials, and the zones with another primary. */
import { Command } from 'commander';
import type { RemoteZoneView, SecondaryState, ZoneState } from '../../core/admin/zone-operations.ts';
import { withSession } from '../session.ts';
import { print } from '../table.ts';

export function zoneListCommand(): Command {
  return new Command('list')
    .description('list the zones: embedded ones with serial, number of names and secondaries')
    .option('--json', 'print the embedded zones as a JSON array')
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      await withSession(command, async (session) => {
        const { zones, remote } = await session.call('listZones', {});
        // A server of an older release does not name zones with another primary.
        print(zones, json, () => [...zones.map(formatZone), ...(remote ?? []).map(formatRemote)].join(''));
      });
    });
}

/** One line for the zone, and one for each secondary and each problem of its signatures, or for what prevents that it is served. */
export function formatZone(state: ZoneState): string {
  const { zone, serial, names, secondaries, unserved, unservedCount, notServed, signing } = state;
  if (notServed !== undefined) return `${zone}  NOT SERVED\n  ${notServed}\n`;
  const lines = [`${zone}  serial ${serial}  ${names} ${names === 1 ? 'name' : 'names'}`];
  for (const secondary of secondaries) {
    const { endpoint, problem } = secondary;
    const words = formatSecondary(secondary, serial);
    lines.push(`  secondary ${endpoint}  ${words}${problem === undefined ? '' : `; it ${problem}`}`);
  }
  for (const trouble of signing?.troubles ?? []) lines.push(`  SIGNATURES: ${trouble}`);
  for (const { name, type, records, why } of unserved ?? []) {
    lines.push(`  NOT SERVED: ${type} of ${name} (${records} ${records === 1 ? 'record' : 'records'}): ${why}`);
  }
  if (unserved !== undefined) {
    const more = (unservedCount ?? 0) - unserved.length;
    if (more > 0) lines.push(`  NOT SERVED: ${more} more`);
    lines.push(
      `  Remove the static records in the way and reload, or discard this data: dyndns zone discard ${zone} NAME`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function formatRemote({ zone, primary }: RemoteZoneView): string {
  return `${zone}  on another primary, ${primary}\n`;
}

function formatSecondary(secondary: SecondaryState, newest: number): string {
  const { state, text, stateSeconds = 0, serial, refusedSerial, behindSeconds } = secondary;
  const lag = behindSeconds === undefined ? '' : `, behind for ${behindSeconds.toFixed(1)} s`;
  const holds = serial === undefined ? '' : `, last seen with ${serial}`;
  switch (state) {
    case 'up-to-date':
      return 'up to date';
    case 'behind':
      return `${text?.replace(/^is /, '')} since ${(behindSeconds ?? stateSeconds).toFixed(1)} s, has ${serial}`;
    case 'refused':
      return `refused the transfer of serial ${refusedSerial}, has ${serial}${lag}`;
    case 'not-answering':
      return `not answering since ${stateSeconds.toFixed(1)} s${holds}${lag}`;
    case 'not-serving':
      return `${text}${holds}${lag}`;
    case 'ahead':
    case 'sent':
      return text ?? state;
    case 'unknown':
      return 'has not asked yet, nor answered';
    default:
      // A server of an older release.
      return serial === undefined ? 'has not asked yet' : serial === newest ? 'up to date' : `holds ${serial}${lag}`;
  }
}
