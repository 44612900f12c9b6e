/** `dyndns zone list`: the embedded zones with their serials. */
import { Command } from 'commander';
import type { ZoneState } from '../../core/admin/zone-operations.ts';
import { withSession } from '../session.ts';
import { loadFor } from '../setup.ts';
import { print } from '../table.ts';

export function zoneListCommand(): Command {
  return new Command('list')
    .description('list the embedded zones with serial, number of names and secondaries')
    .option('--json', 'print a JSON array')
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      await withSession(loadFor(command).config, async (session) => {
        const { zones } = await session.call('listZones', {});
        print(zones, json, () => zones.map(formatZone).join(''));
      });
    });
}

/** One line for the zone, and one for each of its secondaries. */
export function formatZone({ zone, serial, names, secondaries, unserved, unservedCount }: ZoneState): string {
  const lines = [`${zone}  serial ${serial}  ${names} ${names === 1 ? 'name' : 'names'}`];
  for (const { endpoint, serial: heldSerial, behindSeconds, problem } of secondaries) {
    const state =
      heldSerial === undefined ? 'has not asked yet' : heldSerial === serial ? 'up to date' : `holds ${heldSerial}`;
    const lag = behindSeconds === undefined ? '' : `, behind for ${behindSeconds.toFixed(1)} s`;
    lines.push(`  secondary ${endpoint}  ${state}${lag}${problem === undefined ? '' : `; it ${problem}`}`);
  }
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
