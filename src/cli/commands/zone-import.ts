/** `dyndns zone import ZONE FILE`: imports the records of a zone file into an embedded zone. */
import { Command } from 'commander';
import type { ZoneImportReport } from '../../core/admin/zone-operations.ts';
import { UsageError } from '../output.ts';
import { isKeyFromInput } from '../remote.ts';
import { withSession } from '../session.ts';
import { print } from '../table.ts';
import { parseZone } from '../zone-name.ts';

interface ImportFlags {
  readonly replace?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function zoneImportCommand(): Command {
  return new Command('import')
    .description('import the records of a zone file; SOA, NS and `records` stay as in the configuration')
    .argument('<zone>', 'the name of the zone')
    .argument('<file>', 'the zone file; - is the standard input')
    .option('--replace', 'remove records that the file does not have')
    .option('--dry-run', 'only show what would change')
    .option('--json', 'print a JSON object')
    .action(zoneImport);
}

async function zoneImport(zoneText: string, file: string, flags: ImportFlags, command: Command): Promise<void> {
  const apex = parseZone(zoneText);
  if (file === '-' && isKeyFromInput(command)) {
    throw new UsageError('The zone file and --key-file cannot both come from the standard input.');
  }
  const { replace = false, dryRun = false, json } = flags;
  // Loaded only here: the parser of zone files would slow every other command.
  const { readZoneFile } = await import('../zone-file-source.ts');
  await withSession(command, async (session) => {
    const isTerminal = process.stderr.isTTY === true;
    const progress = (text: string) => void (isTerminal && process.stderr.write(`\r\u001b[K${text}`));
    const pieces = readZoneFile(file, apex, (records) => progress(`${records} records read`));
    try {
      const mode = replace ? 'replace' : 'merge';
      const input = { zone: apex.toString(), mode, dry_run: dryRun ? '1' : '0' } as const;
      const report = await session.call('importZone', input, pieces);
      progress('');
      print(report, json, () => formatReport(report, dryRun));
    } catch (error) {
      progress('');
      throw error;
    }
  });
}

export function formatReport(report: ZoneImportReport, dryRun: boolean): string {
  const { added, changed, unchanged, removed, skipped, skippedCount, serial } = report;
  const would = dryRun ? 'would be ' : '';
  let out = `RRsets: ${added} ${would}added, ${changed} ${would}changed, ${removed} ${would}removed, ${unchanged} unchanged, ${skippedCount} left out.\n`;
  for (const text of skipped) out += `  left out: ${text}\n`;
  if (skippedCount > skipped.length) out += `  left out: ${skippedCount - skipped.length} more\n`;
  return `${out}The serial is ${serial}.\n`;
}
