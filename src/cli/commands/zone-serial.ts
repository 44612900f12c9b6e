/** `dyndns zone serial ZONE [SERIAL]`: prints the serial of an embedded zone, or sets a later one after a restore. */
import { Command } from 'commander';
import { AppError } from '../../core/errors.ts';
import { withSession } from '../session.ts';
import { parseSerial, parseZone } from '../zone-name.ts';

export function zoneSerialCommand(): Command {
  return new Command('serial')
    .description('print the serial of a zone, or set a later one')
    .argument('<zone>', 'the name of the zone')
    .argument('[serial]', 'later than the present one (RFC 1982)')
    .action(async (zoneText: string, serialText: string | undefined, _options, command: Command) => {
      const apex = parseZone(zoneText);
      const wanted = serialText === undefined ? undefined : parseSerial(serialText);
      await withSession(command, async (session) => {
        if (wanted !== undefined) {
          const { before, serial } = await session.call('setSerial', { zone: apex.toString(), serial: wanted });
          process.stdout.write(`${apex} ${before} -> ${serial}\n`);
          return;
        }
        const { zones } = await session.call('listZones', {});
        const state = zones.find(({ zone }) => zone.toLowerCase() === apex.toString().toLowerCase());
        if (state === undefined) {
          const names = zones.map(({ zone }) => zone).join(', ');
          throw new AppError(
            'name-invalid',
            `'${apex}' is not an embedded zone of this server. ${names === '' ? 'It has none.' : `Its embedded zones are: ${names}`}`,
          );
        }
        process.stdout.write(`${state.serial}\n`);
      });
    });
}
