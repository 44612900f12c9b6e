/** `dyndns zone serial ZONE [SERIAL]`: the serial of an embedded zone; a later one for a zone that came from a backup. */
import { Command } from 'commander';
import { AppError } from '../../core/errors.ts';
import { withAdmin } from '../admin.ts';
import { UsageError } from '../output.ts';
import { loadFor } from '../setup.ts';
import { parseZone } from '../zone-name.ts';

export function zoneSerialCommand(): Command {
  return new Command('serial')
    .description('print the serial of a zone, or set a later one')
    .argument('<zone>', 'the name of the zone')
    .argument('[serial]', 'later than the one it has (RFC 1982)')
    .action(async (zoneText: string, serialText: string | undefined, _options, command: Command) => {
      const apex = parseZone(zoneText);
      const wanted = serialText === undefined ? undefined : parseSerial(serialText);
      await withAdmin(loadFor(command).config, async ({ zoneAdmin }) => {
        if (wanted !== undefined) {
          const { before, serial } = await zoneAdmin.setSerial(apex, wanted);
          process.stdout.write(`${apex} ${before} -> ${serial}\n`);
          return;
        }
        const zones = await zoneAdmin.zones();
        const known = zones.find(({ zone }) => zone.toLowerCase() === apex.toString().toLowerCase());
        if (known === undefined) {
          const names = zones.map(({ zone }) => zone).join(', ');
          throw new AppError(
            'name-invalid',
            `'${apex}' is not an embedded zone of this server. Its embedded zones are: ${names}`,
          );
        }
        process.stdout.write(`${known.serial}\n`);
      });
    });
}

function parseSerial(text: string): number {
  const serial = Number(text);
  if (/^\d{1,10}$/.test(text) && serial <= 0xffffffff) return serial;
  throw new UsageError(`'${text}' is no serial: it must be a number from 0 to 4294967295.`);
}
