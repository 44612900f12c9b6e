/**
 * A command that root runs while the service is down opens the databases as their owner: files that root made there could
 * not be opened by the service, and links in a folder of the service must not lead root elsewhere.
 */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { CommandError } from './output.ts';

/**
 * Gives this process the user and the group of the folder of a database, if root runs it. For the rest of the command.
 * @throws CommandError where that user cannot reach the folder, as of a unit with DynamicUser= that is stopped
 */
export function actAsOwner(database: string | undefined): void {
  if (database === undefined || process.geteuid?.() !== 0) return;
  const folder = dirname(database);
  const owner = statSync(folder, { throwIfNoEntry: false });
  if (owner === undefined || owner.uid === 0) return;
  process.setegid?.(owner.gid);
  process.seteuid?.(owner.uid);
  try {
    statSync(`${folder}/.`);
  } catch {
    process.seteuid?.(0);
    process.setegid?.(0);
    throw new CommandError(
      `No server is running, and only systemd can open the folder of '${database}', which belongs to a user that exists while the service runs (id ${owner.uid}). Start the service first: 'systemctl start dyndns'.`,
    );
  }
}
