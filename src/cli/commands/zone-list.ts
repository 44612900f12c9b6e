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

/** One line for the zone, and one for each of its secondaries, or for what prevents that it is served. */
export function formatZone({ zone, serial, names, secondaries, notServed }: ZoneState): string {
  if (notServed !== undefined) return `${zone}  NOT SERVED\n  ${notServed}\n`;
  const lines = [`${zone}  serial ${serial}  ${names} ${names === 1 ? 'name' : 'names'}`];
  for (const { endpoint, serial: heldSerial, behindSeconds, problem } of secondaries) {
    const state =
      heldSerial === undefined ? 'has not asked yet' : heldSerial === serial ? 'up to date' : `holds ${heldSerial}`;
    const lag = behindSeconds === undefined ? '' : `, behind for ${behindSeconds.toFixed(1)} s`;
    lines.push(`  secondary ${endpoint}  ${state}${lag}${problem === undefined ? '' : `; it ${problem}`}`);
  }
  return `${lines.join('\n')}\n`;
}
