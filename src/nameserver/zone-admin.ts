/** ZoneAdmin over the zones, the committer and the database of this nameserver. */
import { AppError } from '../core/errors.ts';
import type {
  BackupReport,
  SecondaryState,
  ZoneAdmin,
  ZoneImportOptions,
  ZoneImportReport,
  ZoneState,
} from '../core/zone-admin.ts';
import type { DomainName } from '../dns/name.ts';
import { type ResourceRecord, RRClass, RRType } from '../dns/rdata.ts';
import { serialIsLater } from '../dns/serial.ts';
import { formatPlace, parseZoneFile, ZoneFileError } from '../dns/zone-file.ts';
import { formatZoneFile } from '../dns/zone-file-format.ts';
import type { Committer } from './committer.ts';
import type { EmbeddedZone } from './embedded-zone.ts';
import type { Journal } from './journal.ts';
import { formatDnsAddress } from './listeners.ts';
import type { SecondaryStatus } from './notify.ts';
import { importRecords } from './zone-import.ts';
import { nameOf, rdataOf, withSerial, type ZoneVersion } from './zone-version.ts';
import { ZoneWriter } from './zone-writer.ts';

export interface ZoneAdminParts {
  readonly zones: () => ReadonlyMap<string, EmbeddedZone>;
  readonly committer: Committer;
  readonly journal: Journal;
  readonly secondaries: () => readonly SecondaryStatus[];
}

/** An import of a million records and its transaction. */
const IMPORT_TIMEOUT_MS = 300_000;

export class EmbeddedZoneAdmin implements ZoneAdmin {
  readonly #parts: ZoneAdminParts;

  constructor(parts: ZoneAdminParts) {
    this.#parts = parts;
  }

  zones(): readonly ZoneState[] {
    const secondaries = this.#parts.secondaries();
    return [...this.#parts.zones().values()].map(({ apex, published }) => ({
      zone: apex.toString(),
      serial: published.serial,
      names: published.nodes.size,
      secondaries: secondaries.filter(({ zone }) => zone.equals(apex)).map(secondaryState),
    }));
  }

  exportZone(apex: DomainName): Iterable<string> {
    return formatZoneFile(apex, records(this.#find(apex).published));
  }

  async importZone(apex: DomainName, text: string, options: ZoneImportOptions): Promise<ZoneImportReport> {
    const zone = this.#find(apex);
    const parsed = parse(text, apex);
    const writer = new ZoneWriter(zone, this.#parts.committer);
    const count = await writer.change((draft) => {
      const mark = draft.mark();
      const result = importRecords(draft, parsed, options);
      if (options.dryRun) draft.rollBack(mark);
      return result;
    }, performance.now() + IMPORT_TIMEOUT_MS);
    return { ...count, serial: zone.published.serial };
  }

  async setSerial(apex: DomainName, serial: number): Promise<{ before: number; serial: number }> {
    const zone = this.#find(apex);
    const writer = new ZoneWriter(zone, this.#parts.committer);
    return writer.change((draft) => {
      const soa = draft.findRRset(apex.key, RRType.SOA)!;
      const before = zone.published.serial;
      if (!serialIsLater(serial, before)) {
        const last = (before + 0x7fffffff) >>> 0;
        throw new AppError(
          'request-malformed',
          `The serial ${serial} is not later than ${before}: choose one from ${(before + 1) >>> 0} to ${last} (RFC 1982).`,
        );
      }
      draft.setRRset(apex, { ...soa, rdatas: [withSerial(soa.rdatas[0]!, serial)] });
      return { before, serial };
    }, performance.now() + IMPORT_TIMEOUT_MS);
  }

  async backup(file: string): Promise<BackupReport> {
    const { journal } = this.#parts;
    try {
      await journal.backup(file);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AppError('request-malformed', `The backup '${file}' could not be written: ${reason}.`, { cause });
    }
    return { copies: [{ what: 'zones and their journal', from: journal.file, to: file }] };
  }

  #find(apex: DomainName): EmbeddedZone {
    const zone = this.#parts.zones().get(apex.key);
    if (zone === undefined)
      throw new AppError('name-invalid', `'${apex}' is no zone that this server is the primary of.`);
    return zone;
  }
}

function parse(text: string, apex: DomainName): ResourceRecord[] {
  try {
    const parsed = parseZoneFile(text, { origin: apex });
    const stranger = parsed.find(({ ownerName }) => !ownerName.isAtOrBelow(apex));
    if (stranger !== undefined) {
      const { ownerName } = stranger;
      throw new AppError('request-malformed', `${formatPlace(stranger)}: '${ownerName}' is not in the zone '${apex}'.`);
    }
    return parsed;
  } catch (error) {
    if (error instanceof ZoneFileError) throw new AppError('request-malformed', error.message, { cause: error });
    throw error;
  }
}

function* records(version: ZoneVersion): Generator<ResourceRecord> {
  for (const { wireText, type, ttl, rdata } of version.records()) {
    yield { ownerName: nameOf(wireText), type, class: RRClass.IN, ttl, rdata: rdataOf(type, rdata) };
  }
}

function secondaryState({ address, port, held, behindSinceMs, problem }: SecondaryStatus): SecondaryState {
  return {
    endpoint: formatDnsAddress({ host: address, port }),
    ...(held && { serial: held.serial }),
    ...(behindSinceMs !== undefined && { behindSeconds: Math.max(0, (Date.now() - behindSinceMs) / 1000) }),
    ...(problem !== undefined && { problem }),
  };
}
