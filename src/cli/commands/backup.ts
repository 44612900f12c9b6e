/** `dyndns backup FILE`: copies the databases, each consistent, while the server runs. */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import type { BackupReport } from '../../core/admin/zone-admin.ts';
import { checkTargets, stagedFile, takeCopy } from '../backup-copy.ts';
import { findSession, type Session, withSessionOf } from '../session.ts';
import { loadFor } from '../setup.ts';
import { printJson } from '../table.ts';

export function backupCommand(): Command {
  return new Command('backup')
    .description(
      'copy the database of the embedded zones to FILE, that of the store to FILE.store and the keys of signed zones to FILE.keys, also while in use',
    )
    .argument('<file>', 'the copy; written by this command, with the rights of its user')
    .option('--json', 'print a JSON object')
    .action(async (file: string, { json }: { json?: boolean }, command: Command) => {
      const { config } = loadFor(command);
      const report = await backUp(config, resolve(file));
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
}

async function backUp(config: Config, file: string): Promise<BackupReport> {
  const server = await findSession(config);
  const { dns, store } = config;
  if (server !== undefined && dns !== undefined) {
    const databases = store?.kind === 'sqlite' ? [dns.database, store.path] : [dns.database];
    return copyOfServer(server, databases, file);
  }
  let report: BackupReport | undefined;
  await withSessionOf(config, async (session) => {
    report = await session.call('backup', { file });
  });
  return report!;
}

async function copyOfServer(server: Session, databases: readonly string[], file: string): Promise<BackupReport> {
  const staged = stagedFile(databases[0]!);
  const targetOf = (copy: string) => file + copy.slice(staged.length);
  checkTargets([file, `${file}.keys`, ...(databases.length > 1 ? [`${file}.store`] : [])], databases);
  try {
    const { copies } = await server.call('backup', { file: staged });
    for (const { to } of copies) takeCopy(to, targetOf(to));
    return { copies: copies.map((copy) => ({ ...copy, to: targetOf(copy.to) })) };
  } finally {
    for (const left of [staged, `${staged}.store`, `${staged}.keys`]) rmSync(left, { force: true });
  }
}
