/**
 * A zone that is in the configuration and not served (journal/withheld-zone.ts): what takes the place of its publisher and of
 * the target of UPDATEs, and the version that a recovery serves.
 */
import { AppError } from '../core/errors.ts';
import type { UpdatableZone, ZonePublisher } from '../core/zones/publisher.ts';
import type { DomainName } from '../dns/name.ts';
import { RRType } from '../dns/rdata.ts';
import type { SqliteError } from '../sqlite/sqlite-error.ts';
import { laterSerial, requireLaterSerial } from './journal/known-serials.ts';
import { describeWithheld, type WithheldZone } from './journal/withheld-zone.ts';
import { ZoneDraft } from './zone/draft.ts';
import type { EmbeddedZone } from './zone/embedded-zone.ts';
import { mapRRsets, withoutSignatures } from './zone/signatures.ts';
import { newVersion, replaceStatics, StaticConflict, type StaticContent } from './zone/static-records.ts';
import { type StaticRRsets, ZoneVersion } from './zone/zone-version.ts';

/**
 * How far beyond the highest known serial a recovery goes. After a power failure the marker on disk may lack the commits since
 * its last sync, which is at the last checkpoint: some thousand at most.
 */
const SERIAL_MARGIN = 10_000;

/** A request for a zone that is not served. An update is kept like one that the primary answered with SERVFAIL. */
export function notServed(withheld: WithheldZone): AppError {
  const text = `The zone '${withheld.apex}' is not served until its operator repairs it. Nothing was changed.`;
  return new AppError('primary-refused', text, { rcode: 'SERVFAIL', logText: describeWithheld(withheld) });
}

/** Refuses everything until the zone is recovered, then is the publisher of the zone. */
export class WithheldPublisher implements ZonePublisher {
  readonly #withheld: WithheldZone;
  readonly #find: () => ZonePublisher | undefined;

  /** @param find the publisher of the recovered zone */
  constructor(withheld: WithheldZone, find: () => ZonePublisher | undefined) {
    this.#withheld = withheld;
    this.#find = find;
  }

  recall(...call: Parameters<ZonePublisher['recall']>): ReturnType<ZonePublisher['recall']> {
    return this.#find()?.recall(...call);
  }

  async read(...call: Parameters<ZonePublisher['read']>): ReturnType<ZonePublisher['read']> {
    return this.#publisher().read(...call);
  }

  async readRRset(...call: Parameters<ZonePublisher['readRRset']>): ReturnType<ZonePublisher['readRRset']> {
    return this.#publisher().readRRset(...call);
  }

  async publish(...call: Parameters<ZonePublisher['publish']>): ReturnType<ZonePublisher['publish']> {
    return this.#publisher().publish(...call);
  }

  close(): void {
    this.#find()?.close();
  }

  /** @throws AppError primary-refused */
  #publisher(): ZonePublisher {
    const publisher = this.#find();
    if (publisher === undefined) throw notServed(this.#withheld);
    return publisher;
  }
}

export class WithheldUpdates implements UpdatableZone {
  readonly #withheld: WithheldZone;

  constructor(withheld: WithheldZone) {
    this.#withheld = withheld;
  }

  async applyUpdate(): Promise<never> {
    throw notServed(this.#withheld);
  }
}

/**
 * What is readable of a withheld zone, with the static records of the configuration.
 * @param serial later than all that is known; without it one is chosen
 * @throws AppError request-malformed for a serial that is not later, StaticConflict
 */
export function recoveredVersion(
  { apex, stored, knownSerial }: WithheldZone,
  content: StaticContent,
  serial: number | undefined,
  nowSeconds: number,
): ZoneVersion {
  const highest = laterSerial(knownSerial, stored?.serial);
  if (serial !== undefined && highest !== undefined) requireLaterSerial(serial, highest, 'the highest known one, ');
  const chosen = serial ?? (highest === undefined ? nowSeconds : (highest + SERIAL_MARGIN) >>> 0);
  let base = stored?.version ?? newVersion(content, chosen);
  if (stored?.damage.lostStatics) {
    base = new ZoneVersion(apex, base.nodes, base.cuts, configuredStatics(content), base.unserved);
  }
  const draft = new ZoneDraft(base);
  // Where commits are lost, a signature may be of other data than the RRset has.
  if (base.isSigned && (stored?.damage.count ?? 0) > 0) {
    for (const node of base.nodes.values()) draft.setSigned(mapRRsets(node, withoutSignatures));
  }
  replaceStatics(draft, content, 'set-aside');
  draft.setSerial(chosen);
  return draft.version();
}

/** With the list of static RRsets lost, those that the configuration has are taken for static. */
function configuredStatics({ apex, records }: StaticContent): StaticRRsets {
  const statics = new Map([[apex.key, new Set<number>([RRType.SOA, RRType.NS])]]);
  for (const { ownerName, type } of records) {
    const types = statics.get(ownerName.key) ?? new Set();
    statics.set(ownerName.key, types.add(type));
  }
  return statics;
}

/** The same for a running server. @throws AppError request-malformed, conflict */
export function versionToServe(
  withheld: WithheldZone,
  content: StaticContent,
  serial: number | undefined,
  nowSeconds: number,
): ZoneVersion {
  try {
    return recoveredVersion(withheld, content, serial, nowSeconds);
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
