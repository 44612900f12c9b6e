/** `dyndns backup FILE`: copies the databases, each consistent, while the server runs. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { withSession } from '../session.ts';
import { loadFor } from '../setup.ts';
import { printJson } from '../table.ts';

export function backupCommand(): Command {
  return new Command('backup')
    .description(
      'copy the database of the embedded zones to FILE and that of the store to FILE.store, also while in use',
    )
    .argument('<file>', 'the copy; the user of the server writes it')
    .option('--json', 'print a JSON object')
    .action(async (file: string, { json }: { json?: boolean }, command: Command) => {
      await withSession(loadFor(command).config, async (session) => {
        const report = await session.call('backup', { file: resolve(file) });
        if (json) {
          printJson(report);
          return;
        }
        for (const [index, { what, from, to }] of report.copies.entries()) {
          process.stdout.write(`${index + 1}. ${what}: ${from} -> ${to}\n`);
        }
        process.stdout.write(
          'Not copied: the configuration file, its files with secrets, and a store in PostgreSQL (use pg_dump).\n',
        );
      });
    });
}
