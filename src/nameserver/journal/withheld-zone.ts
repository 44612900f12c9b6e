/**
 * A zone that is not served because its database has lost changes or is damaged: serving it would show old data, and
 * secondaries would take it. An operator restores a backup, or accepts what is there (`dyndns zone recover`).
 */
import type { DomainName } from '../../dns/name.ts';
import { type MarkerContent, markerFile } from '../../sqlite/marker.ts';
import { holds, type KnownZone, laterSerial } from './known-serials.ts';
import type { StoredZone } from './stored-zone.ts';

export interface WithheldZone {
  readonly apex: DomainName;
  /** What is readable; undefined if the database does not have the zone. */
  readonly stored: StoredZone | undefined;
  /** The highest serial that is known to be acknowledged. */
  readonly knownSerial: number | undefined;
  readonly created: number | undefined;
  /** Full sentences: why it is not served. */
  readonly why: string;
}

export interface KnownFacts {
  readonly databaseFile: string;
  readonly marker: MarkerContent;
  /** What the marker has of this zone. */
  readonly marked: KnownZone | undefined;
  /** What the store has of this zone. */
  readonly copied: KnownZone | undefined;
}

/** Undefined if the zone may be served, or is new. */
export function judgeZone(
  apex: DomainName,
  stored: StoredZone | undefined,
  { databaseFile, marker, marked, copied }: KnownFacts,
): WithheldZone | undefined {
  const known = marked ?? copied;
  const knownSerial = laterSerial(marked?.serial, copied?.serial);
  const withhold = (why: string): WithheldZone => ({
    apex,
    stored,
    knownSerial,
    // The store has the older fact: a database that was made anew has a marker of its own.
    created: copied?.created ?? marked?.created ?? stored?.created,
    why,
  });
  const markerName = markerFile(databaseFile);
  if (stored !== undefined && stored.damage.count > 0) {
    return withhold(`The database '${databaseFile}' is damaged: ${stored.damage}`);
  }
  if (marker.kind === 'damaged') {
    const doubt = `so it is not known whether the database '${databaseFile}' has every acknowledged change.`;
    return withhold(`The marker '${markerName}' is damaged (${marker.why}), ${doubt}`);
  }
  if (stored === undefined) {
    if (known === undefined) return undefined;
    return withhold(`The database '${databaseFile}' does not have the zone, which has had the serial ${knownSerial}.`);
  }
  const serial = stored.serial!;
  for (const [fact, source] of [
    [marked, `the marker '${markerName}'`],
    [copied, 'the store'],
  ] as const) {
    if (fact === undefined || holds({ serial, created: stored.created }, fact)) continue;
    return withhold(
      fact.created === stored.created
        ? `The database '${databaseFile}' has the zone with the serial ${serial}, and ${source} knows the serial ${fact.serial}: the newest changes are missing.`
        : `The database '${databaseFile}' is not the one that ${source} belongs to: it has the zone with the serial ${serial}, made at another time, and ${source} knows the serial ${fact.serial}.`,
    );
  }
  if (marker.kind === 'read' && marked === undefined && stored.created > 0 && stored.version.nodes.size > 1) {
    return withhold(`The marker '${markerName}' is that of another database: it does not know the zone.`);
  }
  return undefined;
}

/** What the operator can do, for the log, `dyndns status` and `dyndns doctor`. */
export function describeWithheld({ apex, stored, knownSerial, why }: WithheldZone): string {
  const names = stored?.version.nodes.size ?? 0;
  const found =
    stored?.serial === undefined
      ? 'Nothing of it can be served'
      : `Readable are ${names} ${names === 1 ? 'name' : 'names'} with the serial ${stored.serial}`;
  const serials = knownSerial === undefined ? '' : `; the highest known serial is ${knownSerial}`;
  return (
    `The zone '${apex}' is not served. ${why} ${found}${serials}. ` +
    `Restore a backup with the server stopped ('dyndns restore FILE'), or serve what is there under a later serial ` +
    `('dyndns zone recover ${apex}').`
  );
}
