/** Opening the journal, and what a recovery of a zone needs of it. */
import { AppError } from '../core/errors.ts';
import { DomainName } from '../dns/name.ts';
import type { SqliteError } from '../sqlite/sqlite-error.ts';
import { Journal } from './journal/journal.ts';
import type { WithheldZone } from './journal/withheld-zone.ts';
import type { NameserverOptions } from './nameserver-options.ts';
import { recoveredVersion } from './withheld.ts';
import type { EmbeddedZone } from './zone/embedded-zone.ts';
import { StaticConflict, type StaticContent } from './zone/static-records.ts';
import type { ZoneVersion } from './zone/zone-version.ts';

export function openJournal(file: string, options: NameserverOptions): Promise<Journal> {
  const { onWarning, onDeath, copied = [], copyKnown } = options;
  return Journal.open(file, {
    now: Date.now,
    onFault: (error) =>
      onWarning(`A background write to the zone database failed and will be retried: ${textOf(error)}`),
    onWarning,
    ...(onDeath && { onDeath }),
    copied: new Map(copied.map(({ apex, ...known }) => [apex.key, known])),
    ...(copyKnown && {
      copyKnown: (known) =>
        copyKnown([...known].map(([key, zone]) => ({ apex: DomainName.ofWire(Buffer.from(key, 'latin1')), ...zone }))),
    }),
  });
}

/** @throws AppError */
export function versionToServe(
  withheld: WithheldZone,
  content: StaticContent,
  serial: number | undefined,
): ZoneVersion {
  try {
    return recoveredVersion(withheld, content, serial, Math.floor(Date.now() / 1000));
  } catch (cause) {
    if (cause instanceof StaticConflict) throw new AppError('conflict', cause.message, { cause });
    throw cause;
  }
}

export function notRecoverable(apex: DomainName, cause: SqliteError): AppError {
  const text =
    `The zone '${apex}' cannot be written to this database: ${cause.message}. Restore a backup with the server stopped ` +
    `('dyndns restore FILE'). Without one, save what is readable ('dyndns zone export'), stop the server, move the database and ` +
    `its '-wal' away, start the server, and use 'dyndns zone recover' and 'dyndns zone import'.`;
  return new AppError('primary-refused', text, { cause, rcode: 'SERVFAIL' });
}

export function nothingToRecover(apex: DomainName, served: EmbeddedZone | undefined): AppError {
  const serial = served?.published.serial;
  return serial === undefined
    ? new AppError('name-invalid', `'${apex}' is not an embedded zone of this server.`)
    : new AppError(
        'request-malformed',
        `The zone '${apex}' is served, with the serial ${serial}: there is nothing to recover. 'dyndns zone serial' sets a later serial.`,
      );
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
