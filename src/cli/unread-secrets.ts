/** Reports secrets that a command could not read, because only the service can, and how to run it with access. */
import type { Config, UnreadFile } from '../config/config.ts';

/** Prints one warning for all of them; nothing if there are none. */
export function warnOfUnreadFiles({ unreadFiles = [] }: Pick<Config, 'unreadFiles'>): void {
  if (unreadFiles.length > 0) process.stderr.write(`WARNING: ${describeUnreadFiles(unreadFiles)}\n`);
}

export function describeUnreadFiles(files: readonly UnreadFile[]): string {
  const list = files.map(({ option, file, reason }) => `${option} (${file}: ${reason})`).join(', ');
  const unit =
    files.map(({ file }) => /^\/run\/credentials\/([^/$]+)\/[^/]+$/.exec(file)?.[1]).find(Boolean) ?? 'dyndns';
  return (
    `This command could not read ${list}, and leaves out what needs ${files.length === 1 ? 'it' : 'them'}. The service ` +
    `can: start it ('systemctl start ${unit.replace(/\.service$/, '')}'), and commands reach it through its control socket. Or run ` +
    'the command as a user with permission (sudo).'
  );
}
