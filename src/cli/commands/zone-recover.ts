/** `dyndns zone recover ZONE`: serves what is there of a zone whose database lost changes or is damaged. */
import { Command } from 'commander';
import { withSession } from '../session.ts';
import { print } from '../table.ts';
import { parseSerial, parseZone } from '../zone-name.ts';

export function zoneRecoverCommand(): Command {
  return new Command('recover')
    .description('serve what is there of a zone whose database lost changes, under a serial later than all known ones')
    .argument('<zone>', 'the name of the zone')
    .option('--serial <serial>', 'use this serial, later than the highest known one (RFC 1982)', parseSerial)
    .option('--json', 'print a JSON object')
    .action(async (zoneText: string, flags: { serial?: number; json?: boolean }, command: Command) => {
      const zone = parseZone(zoneText).toString();
      const { serial, json } = flags;
      await withSession(command, async (session) => {
        const report = await session.call('recoverZone', { zone, ...(serial !== undefined && { serial }) });
        print(report, json, () => {
          const { before, known, names, lost, lostCount } = report;
          const from = before === undefined ? 'it was not in the database' : `the database had ${before}`;
          const highest = known === undefined ? '' : `, the highest known one was ${known}`;
          const lines = [
            `${zone}  serial ${report.serial} (${from}${highest})  ${names} ${names === 1 ? 'name' : 'names'}`,
          ];
          for (const sentence of lost) lines.push(`  ${sentence}`);
          if (lostCount > lost.length) lines.push(`  And ${lostCount - lost.length} more.`);
          return `${lines.join('\n')}\n`;
        });
      });
    });
}
