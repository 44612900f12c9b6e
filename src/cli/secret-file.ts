/** Files with secrets: only their owner, and the group of a service, can read them. */
import { chmodSync, chownSync, existsSync, writeFileSync } from 'node:fs';
import { UsageError } from './output.ts';

/**
 * Writes the file with mode 0600, also if it existed with another mode.
 * @param group may read it too; then the file is root's, with mode 0640
 * @throws UsageError that names the file and the reason
 */
export function writeSecretFile(file: string, text: string, group?: number): void {
  try {
    // Writing does not change the mode of a file that exists.
    if (existsSync(file)) chmodSync(file, 0o600);
    writeFileSync(file, text, { mode: 0o600, flush: true });
    if (group !== undefined) {
      chownSync(file, 0, group);
      chmodSync(file, 0o640);
    }
  } catch (error) {
    throw new UsageError(`The file ${file} cannot be written (${(error as NodeJS.ErrnoException).code}).`);
  }
}
