/**
 * Reads a zone file for the server, with the files that it includes, so that errors name files and lines of this machine.
 * The result has one record a line and only absolute names.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { DomainName } from '../dns/name.ts';
import { formatRdata } from '../dns/presentation/rdata-text.ts';
import { formatRRType } from '../dns/rdata.ts';
import { findRecordFault, ZoneFileError, zoneFileRecords } from '../dns/zone-file/zone-file.ts';
import { zoneFileText } from '../dns/zone-file/zone-file-octets.ts';
import { CommandError, UsageError } from './output.ts';

/** Characters in one piece. */
const PIECE = 64 * 1024;

/**
 * @param file `-` is the standard input; included files are relative to its directory
 * @param onRead called from time to time with the number of records so far
 * @throws CommandError with the file and the line of an error; UsageError
 */
export async function* readZoneFile(
  file: string,
  apex: DomainName,
  onRead: (records: number) => void,
): AsyncGenerator<string, void, undefined> {
  const directory = file === '-' ? process.cwd() : dirname(resolve(file));
  const include = (name: string) => zoneFileText(readFileSync(resolve(directory, name)));
  const options = { origin: apex, include, ...(file !== '-' && { fileName: file }) };
  let piece = '';
  let records = 0;
  try {
    for (const record of zoneFileRecords(readText(file, apex), options)) {
      const { ownerName, ttl, type, rdata } = record;
      const fault = findRecordFault(record);
      if (fault !== undefined) throw new ZoneFileError(record.file, record.line, fault);
      piece += `${ownerName} ${ttl} IN ${formatRRType(type)} ${formatRdata(type, rdata)}\n`;
      records += 1;
      if (piece.length < PIECE) continue;
      yield piece;
      piece = '';
      onRead(records);
    }
  } catch (error) {
    throw error instanceof ZoneFileError ? new CommandError(error.message, { cause: error }) : error;
  }
  onRead(records);
  yield piece;
}

function readText(file: string, apex: DomainName): string {
  let octets: Buffer;
  try {
    octets = readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`The zone file '${file}' cannot be read (${code}).`);
  }
  // BIND's "raw" begins with its format, 2, and a version.
  if (octets.length > 8 && octets.readUInt32BE(0) === 2) {
    throw new UsageError(
      `'${file}' is in BIND's raw format. This makes a text of it: named-compilezone -f raw -F text -o zone.txt ${apex} ${file}`,
    );
  }
  return zoneFileText(octets);
}
