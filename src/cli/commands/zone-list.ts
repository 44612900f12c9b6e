/** `dyndns zone list`: the embedded zones with their serials. */
import { Command } from 'commander';
import type { ZoneState } from '../../core/admin/zone-admin.ts';
import { withAdmin } from '../admin.ts';
import { loadFor } from '../setup.ts';

export function zoneListCommand(): Command {
  return new Command('list')
    .description('list the zones with serial, number of names and secondaries')
    .option('--json', 'print a JSON array')
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      await withAdmin(loadFor(command).config, async ({ zoneAdmin }) => {
        const zones = await zoneAdmin.zones();
        process.stdout.write(json ? `${JSON.stringify(zones, null, 2)}\n` : zones.map(formatZone).join(''));
      });
    });
}

/** One line for the zone, and one for each of its secondaries. */
export function formatZone({ zone, serial, names, secondaries }: ZoneState): string {
  const lines = [`${zone}  serial ${serial}  ${names} ${names === 1 ? 'name' : 'names'}`];
  for (const { endpoint, serial: held, behindSeconds, problem } of secondaries) {
    const state = held === undefined ? 'has not asked yet' : held === serial ? 'up to date' : `holds ${held}`;
    const lag = behindSeconds === undefined ? '' : `, behind for ${behindSeconds.toFixed(1)} s`;
    lines.push(`  secondary ${endpoint}  ${state}${lag}${problem === undefined ? '' : `; it ${problem}`}`);
  }
  return `${lines.join('\n')}\n`;
}
