/** ZoneAdmin over the zones, the committer and the database of this nameserver. */

import type {
  BackupReport,
  SecondaryState,
  ZoneAdmin,
  ZoneImportOptions,
  ZoneImportReport,
  ZoneState,
} from '../../core/admin/zone-admin.ts';
import { AppError } from '../../core/errors.ts';
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { serialIsLater } from '../../dns/serial.ts';
import type { Committer } from '../journal/committer.ts';
import type { Journal } from '../journal/journal.ts';
import { ZoneWriter } from '../journal/zone-writer.ts';
import type { SecondaryStatus } from '../notify/notify.ts';
import { formatDnsAddress } from '../sockets/listeners.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { soaSerial, withSerial } from '../zone/zone-version.ts';
import { Turns } from './time-slices.ts';
import { exportVersion } from './zone-export.ts';
import { ImportTally, planName, readWantedZone, takeSerial, type WantedName } from './zone-import.ts';

export interface ZoneAdminParts {
  readonly zones: () => ReadonlyMap<string, EmbeddedZone>;
  readonly committer: Committer;
  readonly journal: Journal;
  readonly secondaries: () => readonly SecondaryStatus[];
}

/** For the disk to take one commit. */
const COMMIT_TIMEOUT_MS = 60_000;
/** Names that one commit of an import changes at most: while it is made, queries wait. */
const IMPORT_STEP = 5000;
/** Characters; a million hosts have about 40 million. */
const MAX_FILE = 256 * 1024 * 1024;

export class EmbeddedZoneAdmin implements ZoneAdmin {
  readonly #parts: ZoneAdminParts;

  constructor(parts: ZoneAdminParts) {
    this.#parts = parts;
  }

  async zones(): Promise<readonly ZoneState[]> {
    const secondaries = this.#parts.secondaries();
    return [...this.#parts.zones().values()].map(({ apex, published }) => ({
      zone: apex.toString(),
      serial: published.serial,
      names: published.nodes.size,
      secondaries: secondaries.filter(({ zone }) => zone.equals(apex)).map(secondaryState),
    }));
  }

  exportZone(apex: DomainName): AsyncIterable<string> {
    return exportVersion(this.#find(apex).published);
  }

  async importZone(
    apex: DomainName,
    text: AsyncIterable<string>,
    { replace, dryRun }: ZoneImportOptions,
  ): Promise<ZoneImportReport> {
    const zone = this.#find(apex);
    const turns = new Turns();
    const { names, serial, tally } = await readWantedZone(await wholeText(text), apex, turns);
    const changes: WantedName[] = [];
    const compare = async (wanted: WantedName) => {
      const { published } = zone;
      const part = new ImportTally();
      const statics = published.statics.get(wanted.key);
      const edits = planName(wanted, published.find(wanted.key), statics, { replace, tally: part });
      if (edits.length > 0 && !dryRun) changes.push(wanted);
      else tally.add(part);
      if (turns.over) await turns.next();
    };
    for (const wanted of names.values()) await compare(wanted);
    if (replace) {
      for (const { key, wireText, rrsets } of zone.published.nodes.values()) {
        if (rrsets.length > 0 && !names.has(key)) await compare({ key, wireText, rrsets: [] });
      }
    }
    if (!dryRun) await this.#import(zone, changes, serial, { replace, tally });
    return tally.report(zone.published.serial);
  }

  /** In commits that are short enough for queries in between; what is there is looked at anew in each. */
  async #import(
    zone: EmbeddedZone,
    changes: readonly WantedName[],
    serial: number | undefined,
    options: { readonly replace: boolean; readonly tally: ImportTally },
  ): Promise<void> {
    const writer = new ZoneWriter(zone, this.#parts.committer);
    for (let at = 0; at === 0 || at < changes.length; at += IMPORT_STEP) {
      const land = (draft: ZoneDraft) => {
        if (at === 0 && serial !== undefined) takeSerial(draft, serial);
        for (const wanted of changes.slice(at, at + IMPORT_STEP)) {
          const { key } = wanted;
          const edits = planName(wanted, draft.find(key), draft.statics.get(key), options);
          for (const rrset of edits) draft.setRRset(wanted, rrset);
        }
      };
      await writer.change(land, performance.now() + COMMIT_TIMEOUT_MS).catch((error: unknown) => {
        if (!(error instanceof AppError) || at === 0) throw error;
        const text = `${error.message} Before that ${at} of ${changes.length} names had been imported; importing the file again goes on.`;
        throw new AppError(error.code, text, { cause: error });
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async setSerial(apex: DomainName, serial: number): Promise<{ before: number; serial: number }> {
    const zone = this.#find(apex);
    const writer = new ZoneWriter(zone, this.#parts.committer);
    return writer.change((draft) => {
      const soa = draft.findRRset(apex.key, RRType.SOA)!;
      // Of the draft: a commit that is on its way has a later serial than what is published.
      const before = soaSerial(soa.rdatas[0]!);
      if (!serialIsLater(serial, before)) {
        const last = (before + 0x7fffffff) >>> 0;
        throw new AppError(
          'request-malformed',
          `The serial ${serial} is not later than ${before}: choose one from ${(before + 1) >>> 0} to ${last} (RFC 1982).`,
        );
      }
      draft.setRRset(apex, { ...soa, rdatas: [withSerial(soa.rdatas[0]!, serial)] });
      return { before, serial };
    }, performance.now() + COMMIT_TIMEOUT_MS);
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
    if (zone === undefined) {
      const apexes = [...this.#parts.zones().values()].map((other) => other.apex).join(', ');
      throw new AppError(
        'name-invalid',
        `'${apex}' is not an embedded zone of this server. Its embedded zones are: ${apexes}`,
      );
    }
    return zone;
  }
}

/** @throws AppError request-malformed if it is too long */
async function wholeText(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) {
    text += piece;
    if (text.length > MAX_FILE) {
      throw new AppError('request-malformed', `A zone file may have at most ${MAX_FILE} characters.`);
    }
  }
  return text;
}

function secondaryState({ address, port, held, behindSinceMs, problem }: SecondaryStatus): SecondaryState {
  return {
    endpoint: formatDnsAddress({ host: address, port }),
    ...(held && { serial: held.serial }),
    ...(behindSinceMs !== undefined && { behindSeconds: Math.max(0, (Date.now() - behindSinceMs) / 1000) }),
    ...(problem !== undefined && { problem }),
  };
}
