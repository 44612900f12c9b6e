/** `dyndns backup FILE`: copies of the databases, each consistent, while the server runs. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { withAdmin } from '../admin.ts';
import { loadFor } from '../setup.ts';

export function backupCommand(): Command {
  return new Command('backup')
    .description(
      'copy the database of the embedded zones to FILE, and that of the store to FILE.store, while they are used',
    )
    .argument('<file>', 'the copy, written by the user of the server')
    .option('--json', 'print a JSON object')
    .action(async (file: string, { json }: { json?: boolean }, command: Command) => {
      await withAdmin(loadFor(command).config, async ({ zoneAdmin }) => {
        const report = await zoneAdmin.backup(resolve(file));
        if (json) {
          process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
          return;
        }
        for (const [index, { what, from, to }] of report.copies.entries()) {
          process.stdout.write(`${index + 1}. ${what}: ${from} -> ${to}\n`);
        }
        process.stdout.write(
          'Not copied: the configuration file, the files with secrets that it names, a store in PostgreSQL (pg_dump).\n',
        );
      });
    });
}
