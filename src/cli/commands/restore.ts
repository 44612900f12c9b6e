/** `dyndns restore FILE`: puts a backup in the place of the databases, while the server is stopped. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { RestoreReport } from '../../server/restore.ts';
import { CommandError } from '../output.ts';
import { findSession } from '../session.ts';
import { loadFor, quietObserver } from '../setup.ts';
import { print } from '../table.ts';

export function restoreCommand(): Command {
  return new Command('restore')
    .description(
      'replace the database of the embedded zones by the backup FILE, that of the store by FILE.store, and put back the keys of signed zones from FILE.keys; the server must be stopped',
    )
    .argument('<file>', 'a copy made by `dyndns backup`')
    .option('--zones-only', 'leave the store as it is')
    .option('--json', 'print a JSON object')
    .action(async (file: string, flags: { zonesOnly?: boolean; json?: boolean }, command: Command) => {
      const { config } = loadFor(command);
      if ((await findSession(config)) !== undefined) {
        throw new CommandError("The server is running. Stop it first ('systemctl stop dyndns').");
      }
      const { restoreBackup } = await import('../../server/restore.ts');
      const report = await restoreBackup(config, resolve(file), flags.zonesOnly !== true, quietObserver);
      print(shown(report), flags.json, () => formatReport(report));
    });
}

function shown({ zones, replaced, warnings }: RestoreReport) {
  return {
    zones: zones.map(({ apex, serial, before, known, names }) => {
      return { zone: apex.toString(), before, known: known ?? null, serial, names };
    }),
    replaced: replaced.map(({ from, to, kept }) => ({ from, to, kept: kept ?? null })),
    warnings,
  };
}

function formatReport({ zones, replaced, warnings }: RestoreReport): string {
  const lines = replaced.map(({ from, to, kept }) => {
    return `${from} -> ${to}${kept === undefined ? '' : ` (the one before is kept as ${kept})`}`;
  });
  for (const { apex, serial, before, known, names } of zones) {
    const highest = known === undefined ? '' : `, the highest known one was ${known}`;
    lines.push(`${apex}  serial ${serial} (the backup had ${before}${highest})  ${names} names`);
  }
  lines.push(...warnings.map((warning) => `Warning: ${warning}`));
  return `${lines.join('\n')}\nStart the server. Secondaries transfer the zones as a whole.\n`;
}
