/** Files with secrets: only their owner can read them. */
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { UsageError } from './output.ts';

/**
 * Writes the file with mode 0600, also if it existed with another mode.
 * @throws UsageError that names the file and the reason
 */
export function writeSecretFile(file: string, text: string): void {
  try {
    // Writing does not change the mode of a file that exists.
    if (existsSync(file)) chmodSync(file, 0o600);
    writeFileSync(file, text, { mode: 0o600, flush: true });
  } catch (error) {
    throw new UsageError(`The file ${file} cannot be written (${(error as NodeJS.ErrnoException).code}).`);
  }
}
