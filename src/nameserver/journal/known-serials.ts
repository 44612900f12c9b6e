/**
 * What is known of zones besides the database: their highest acknowledged serials. They are in the marker beside it
 * (src/sqlite/marker.ts) and, updated less often, in the store.
 */
import { AppError } from '../../core/errors.ts';
import type { DomainName } from '../../dns/name.ts';
import { nextSerial, serialIsLater } from '../../dns/serial.ts';
import { type Mark, type MarkerContent, markerFile, readMarker } from '../../sqlite/marker.ts';

export interface KnownZone {
  readonly serial: number;
  /** When the zone was added to its database, in ms since 1970: the same for all copies of a zone. */
  readonly created: number;
}

const VALUE_OCTETS = 12;

/** @param apexKey `DomainName.key` */
export function markOf(apexKey: string, { serial, created }: KnownZone): Mark {
  // Not a Buffer: a small one is a part of a larger one, which would be copied to the thread as a whole.
  const value = new Uint8Array(VALUE_OCTETS);
  const view = new DataView(value.buffer);
  view.setUint32(0, serial);
  view.setBigUint64(4, BigInt(created));
  return { name: apexKey, value };
}

/** Undefined for a value that is not one of ours. */
export function knownZoneOf(value: Uint8Array | undefined): KnownZone | undefined {
  if (value?.length !== VALUE_OCTETS) return undefined;
  const view = new DataView(value.buffer, value.byteOffset);
  return { serial: view.getUint32(0), created: Number(view.getBigUint64(4)) };
}

/** Serials in the order of RFC 1982; undefined ones are the earliest. */
export function laterSerial(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return serialIsLater(b, a) ? b : a;
}

/**
 * Checks a serial that an operator chose.
 * @param what of `earlier`, before the number: "the highest known one, "
 * @throws AppError request-malformed if it is not later (RFC 1982 §3.2)
 */
export function requireLaterSerial(serial: number, earlier: number, what = ''): void {
  if (serialIsLater(serial, earlier)) return;
  const last = (earlier + 0x7fffffff) >>> 0;
  throw new AppError(
    'request-malformed',
    `The serial ${serial} is not later than ${what}${earlier}: choose one from ${nextSerial(earlier)} to ${last} (RFC 1982).`,
  );
}

/** True if a database with this zone has everything that is known. */
export function holds({ serial, created }: { readonly serial: number; readonly created: number }, known: KnownZone) {
  return created === known.created && (serial === known.serial || serialIsLater(serial, known.serial));
}

export interface KnownSerialsOptions {
  /** A full sentence. */
  readonly onWarning?: (text: string) => void;
  /** The known serials that the store has, by key of the apex. */
  readonly copied?: ReadonlyMap<string, KnownZone>;
  /** Copies the known serials to the store. Failures are ignored: the next checkpoint copies them again. */
  readonly copyKnown?: (known: ReadonlyMap<string, KnownZone>) => Promise<void>;
}

/** The known serials of the zones of one database: read at the start, and of the zones that are served kept up to date. */
export class KnownSerials {
  readonly markerFile: string;
  readonly #databaseFile: string;
  readonly #options: KnownSerialsOptions;
  readonly #marker: MarkerContent;
  /** The zones that are served, by key of the apex. */
  readonly #served = new Map<string, KnownZone>();
  #writingFails = false;
  #copying: Promise<void> | undefined;
  #isCopied = true;

  /** Reads the marker. @param databaseFile canonical path */
  constructor(databaseFile: string, options: KnownSerialsOptions) {
    this.#databaseFile = databaseFile;
    this.#options = options;
    this.markerFile = markerFile(databaseFile);
    this.#marker = readMarker(this.markerFile);
  }

  /** What was known of a zone at the start. */
  factsOf({ key }: DomainName) {
    return {
      databaseFile: this.#databaseFile,
      marker: this.#marker,
      marked: this.#marked(key),
      copied: this.#options.copied?.get(key),
    };
  }

  createdOf({ key }: DomainName): number {
    return this.#served.get(key)!.created;
  }

  markOf(apex: DomainName, serial: number): Mark {
    return markOf(apex.key, { serial, created: this.createdOf(apex) });
  }

  /** The zone is served from now on. */
  add({ key }: DomainName, known: KnownZone): void {
    this.#served.set(key, known);
    this.#isCopied = false;
  }

  committed(apex: DomainName, serial: number): void {
    this.add(apex, { serial, created: this.createdOf(apex) });
  }

  /** What the marker lacks of zones that were loaded. */
  marksOfLoaded(apexes: readonly DomainName[]): Mark[] {
    const marker = this.#marker;
    const isWhole = marker.kind === 'read' && marker.isWhole;
    if (marker.kind === 'missing' && apexes.some((apex) => this.createdOf(apex) > 0)) {
      this.#warn(
        'is missing, so it is not known whether the database has every acknowledged change. The zones are served, and it is written again.',
      );
    } else if (!isWhole && marker.kind === 'read') {
      this.#warn('has a damaged slot: the newest commit may be missing. It is written again.');
    }
    return apexes.flatMap(({ key }) => {
      const known = this.#served.get(key)!;
      return isWhole && this.#marked(key)?.serial === known.serial ? [] : [markOf(key, known)];
    });
  }

  /** Once: each commit would repeat it. */
  warnOfWriting(problem: string): void {
    if (this.#writingFails) return;
    this.#writingFails = true;
    this.#warn(
      `cannot be written (${problem}). Changes are stored as ever, but a loss of the newest ones would not be noticed. Give the server's user write permission for it and its directory.`,
    );
  }

  /** Copies what is known to the store, unless the store has it or a copy is in flight. */
  copy(): void {
    const { copyKnown } = this.#options;
    if (copyKnown === undefined || this.#isCopied || this.#copying !== undefined) return;
    this.#isCopied = true;
    this.#copying = copyKnown(new Map(this.#served))
      .catch(() => {
        this.#isCopied = false;
      })
      .finally(() => {
        this.#copying = undefined;
      });
  }

  /** Copies the last state. */
  async close(): Promise<void> {
    await this.#copying;
    this.copy();
    await this.#copying;
  }

  #marked(key: string): KnownZone | undefined {
    return this.#marker.kind === 'read' ? knownZoneOf(this.#marker.entries.get(key)) : undefined;
  }

  #warn(what: string): void {
    this.#options.onWarning?.(`The marker '${this.markerFile}' ${what}`);
  }
}
