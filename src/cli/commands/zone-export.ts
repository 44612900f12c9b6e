/** `dyndns zone export ZONE [FILE]`: an embedded zone as a zone file (RFC 1035 §5). */
import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { UsageError } from '../output.ts';
import { withSession } from '../session.ts';
import { parseZone } from '../zone-name.ts';

export function zoneExportCommand(): Command {
  return new Command('export')
    .description('write a zone as a zone file')
    .argument('<zone>', 'the name of the zone')
    .argument('[file]', 'the file to write (default: the standard output)')
    .option('--signed', 'with the keys, signatures and chain of a signed zone')
    .action(async (zoneText: string, file: string | undefined, { signed }: { signed?: true }, command: Command) => {
      const apex = parseZone(zoneText);
      await withSession(command, async (session) => {
        const pieces = Readable.from(
          await session.call('exportZone', { zone: apex.toString(), ...(signed && { signed }) }),
        );
        if (file !== undefined) await writeWhole(pieces, file);
        else await pipeline(pieces, process.stdout, { end: false }).catch(endWithOutput);
      });
    });
}

/** Replaces an existing file atomically: on failure the old one stays. @throws UsageError */
async function writeWhole(pieces: Readable, file: string): Promise<void> {
  const partial = `${file}.${process.pid}.partial`;
  try {
    await pipeline(pieces, createWriteStream(partial, { flags: 'wx', flush: true }));
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    if (error instanceof Error && 'syscall' in error && 'path' in error) {
      throw new UsageError(`The file '${file}' cannot be written (${Reflect.get(error, 'code')}).`);
    }
    throw error;
  }
}

/** See catchOutputErrors, which reports what `process.stdout` failed with. */
function endWithOutput(error: NodeJS.ErrnoException): void {
  if (error.syscall !== 'write') throw error;
}
