/** `dyndns zone export ZONE [FILE]`: an embedded zone as a zone file (RFC 1035 §5). */
import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { withAdmin } from '../admin.ts';
import { UsageError } from '../output.ts';
import { loadFor } from '../setup.ts';
import { parseZone } from '../zone-name.ts';

export function zoneExportCommand(): Command {
  return new Command('export')
    .description('write the zone as a zone file')
    .argument('<zone>', 'the name of the zone')
    .argument('[file]', 'where to write it; else to the standard output')
    .action(async (zoneText: string, file: string | undefined, _options, command: Command) => {
      const apex = parseZone(zoneText);
      await withAdmin(loadFor(command).config, async ({ zoneAdmin }) => {
        const pieces = Readable.from(zoneAdmin.exportZone(apex));
        if (file !== undefined) await writeWhole(pieces, file);
        else await pipeline(pieces, process.stdout, { end: false }).catch(ignoreClosedPipe);
      });
    });
}

/** A file that is there is replaced by the whole of the new one, or stays. @throws UsageError */
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

/** `dyndns zone export … | head` has what it wanted. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
