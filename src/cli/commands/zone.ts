/** `dyndns zone …`: embedded zones, those that dyndns serves itself. */
import { Command } from 'commander';
import { zoneDiscardCommand } from './zone-discard.ts';
import { zoneDnssecCommand } from './zone-dnssec.ts';
import { zoneExportCommand } from './zone-export.ts';
import { zoneImportCommand } from './zone-import.ts';
import { zoneKeyCommand } from './zone-key.ts';
import { zoneListCommand } from './zone-list.ts';
import { zoneRecoverCommand } from './zone-recover.ts';
import { zoneSerialCommand } from './zone-serial.ts';

export function zoneCommand(): Command {
  const zone = new Command('zone').description(
    'list, export and import the zones that dyndns serves itself; their signatures and keys (DNSSEC)',
  );
  for (const command of [
    zoneListCommand,
    zoneExportCommand,
    zoneImportCommand,
    zoneSerialCommand,
    zoneDiscardCommand,
    zoneRecoverCommand,
    zoneDnssecCommand,
    zoneKeyCommand,
  ]) {
    zone.addCommand(command());
  }
  return zone;
}
