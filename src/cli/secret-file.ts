/** Files that hold secrets: written by commands, readable by their owner alone. */
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { UsageError } from './output.ts';

/**
 * Writes the file with mode 0600, also where it was there with another one.
 * @throws UsageError that names the file and the reason
 */
export function writeSecretFile(file: string, text: string): void {
  try {
    // The mode of a file that exists does not change by writing it.
    if (existsSync(file)) chmodSync(file, 0o600);
    writeFileSync(file, text, { mode: 0o600, flush: true });
  } catch (error) {
    throw new UsageError(`The file ${file} cannot be written (${(error as NodeJS.ErrnoException).code}).`);
  }
}
