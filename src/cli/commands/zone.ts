/** `dyndns zone …`: embedded zones, those that dyndns serves itself. */
import { Command } from 'commander';
import { zoneExportCommand } from './zone-export.ts';
import { zoneImportCommand } from './zone-import.ts';
import { zoneListCommand } from './zone-list.ts';
import { zoneRecoverCommand } from './zone-recover.ts';
import { zoneSerialCommand } from './zone-serial.ts';

export function zoneCommand(): Command {
  const zone = new Command('zone').description('list, export and import the zones that dyndns serves itself');
  const commands = [zoneListCommand, zoneExportCommand, zoneImportCommand, zoneSerialCommand, zoneRecoverCommand];
  for (const command of commands) zone.addCommand(command());
  return zone;
}
