/** ZoneAdmin of the embedded nameserver: status, export, import, serial, recovery and backup of its zones. */
import type {
  BackupReport,
  RecoveryReport,
  SecondaryState,
  ZoneAdmin,
  ZoneImportOptions,
  ZoneImportReport,
  ZoneState,
} from '../../core/admin/zone-admin.ts';
import { AppError, errorText } from '../../core/errors.ts';
import { formatEndpoint } from '../../dns/endpoint.ts';
import type { DomainName } from '../../dns/name.ts';
import { formatRRType, RRType } from '../../dns/rdata.ts';
import type { Committer } from '../journal/committer.ts';
import type { Journal } from '../journal/journal.ts';
import { requireLaterSerial } from '../journal/known-serials.ts';
import { describeWithheld, type WithheldZone } from '../journal/withheld-zone.ts';
import { ZoneWriter } from '../journal/zone-writer.ts';
import type { KeyStore } from '../keys/key-store.ts';
import type { SecondaryStatus } from '../notify/notify.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { whyForbidden } from '../zone/judge-change.ts';
import type { ZoneLimits } from '../zone/limits.ts';
import { listUnserved, UnservedEditor } from '../zone/unserved.ts';
import { nameOf, soaSerial, type ZoneVersion } from '../zone/zone-version.ts';
import { planImport } from './import-changes.ts';
import { TimeSlices } from './time-slices.ts';
import type { EmbeddedZoneDnssec, ZoneProcedure } from './zone-dnssec.ts';
import { exportVersion } from './zone-export.ts';
import { type ImportedName, type ImportTally, planName, readImportedZone, takeSerial } from './zone-import.ts';

export interface ZoneAdminParts {
  readonly zones: () => ReadonlyMap<string, EmbeddedZone>;
  /** The zones that are not served. */
  readonly withheld: () => readonly WithheldZone[];
  readonly recover: (apex: DomainName, serial: number | undefined) => Promise<RecoveryReport>;
  readonly committer: Committer;
  readonly journal: Journal;
  readonly secondaries: () => readonly SecondaryStatus[];
  readonly limits: () => ZoneLimits;
  readonly keys: () => Promise<KeyStore>;
  readonly procedureOf: (apex: DomainName) => ZoneProcedure | undefined;
  /** @param apexKey `DomainName.key` of the apex @returns undefined for an unsigned zone */
  readonly signing: (apexKey: string) => ZoneState['signing'] | undefined;
}

/** Time limit of one commit. */
const COMMIT_TIMEOUT_MS = 60_000;
/** Maximum number of names in one commit of an import: queries wait while it is prepared. */
const IMPORT_STEP = 5000;
/** The same in a signed zone, where each name needs two or three signatures: a commit takes some 10 ms. */
const SIGNED_IMPORT_STEP = 50;
/** Unserved RRsets that a state lists. */
const MAX_UNSERVED = 100;
/** In characters; a zone with a million hosts has about 40 million. */
const MAX_FILE = 256 * 1024 * 1024;

export class EmbeddedZoneAdmin implements ZoneAdmin {
  readonly #parts: ZoneAdminParts;

  constructor(parts: ZoneAdminParts) {
    this.#parts = parts;
  }

  async dnssec(): Promise<EmbeddedZoneDnssec> {
    const { EmbeddedZoneDnssec } = await import('./zone-dnssec.ts');
    return new EmbeddedZoneDnssec({
      find: (apex) => (this.#findWithheld(apex) === undefined ? this.#find(apex).published : undefined),
      keys: await this.#parts.keys(),
      procedureOf: this.#parts.procedureOf,
      now: () => Math.floor(Date.now() / 1000),
    });
  }

  async zones(): Promise<readonly ZoneState[]> {
    const secondaries = this.#parts.secondaries();
    const served = [...this.#parts.zones().values()].map(({ apex, published, names }) => ({
      zone: apex.toString(),
      serial: published.serial,
      names,
      secondaries: secondaries.filter(({ zone }) => zone.equals(apex)).map(secondaryState),
      ...unservedState(published),
      ...signingState(this.#parts.signing(apex.key)),
    }));
    const withheld = this.#parts.withheld().map((zone) => ({
      zone: zone.apex.toString(),
      serial: zone.stored?.serial ?? 0,
      names: zone.stored?.version.nodes.size ?? 0,
      secondaries: [],
      notServed: describeWithheld(zone),
    }));
    return [...served, ...withheld];
  }

  exportZone(apex: DomainName, signed: boolean): AsyncIterable<string> {
    const withheld = this.#findWithheld(apex);
    const version = withheld?.stored?.version ?? this.#find(apex).published;
    if (signed && !version.isSigned) {
      throw new AppError('request-malformed', `The zone '${apex}' is not signed. Export it without 'signed'.`);
    }
    if (withheld?.stored === undefined) return exportVersion(version, signed);
    return exportReadable(version, signed, describeWithheld(withheld));
  }

  recoverZone(apex: DomainName, serial?: number): Promise<RecoveryReport> {
    return this.#parts.recover(apex, serial);
  }

  async importZone(
    apex: DomainName,
    text: AsyncIterable<string>,
    { replace, dryRun }: ZoneImportOptions,
  ): Promise<ZoneImportReport> {
    const zone = this.#find(apex);
    const slices = new TimeSlices();
    const imported = await readImportedZone(await wholeText(text), apex, slices);
    const { serial, tally } = imported;
    const plan = await planImport(zone, imported, replace, this.#parts.limits(), slices);
    tally.add(plan.unchanged);
    if (dryRun) tally.add(plan.changed);
    else await this.#import(zone, plan.changes, serial, { replace, tally });
    return tally.report(zone.published.serial);
  }

  /** Splits the import into short commits, so that queries are answered in between. Each commit plans its names again. */
  async #import(
    zone: EmbeddedZone,
    changes: readonly ImportedName[],
    serial: number | undefined,
    options: { readonly replace: boolean; readonly tally: ImportTally },
  ): Promise<void> {
    const writer = new ZoneWriter(zone, this.#parts.committer);
    const limits = this.#parts.limits();
    for (let at = 0, next = 0; at === 0 || at < changes.length; at = next) {
      next = at + (zone.published.isSigned ? SIGNED_IMPORT_STEP : IMPORT_STEP);
      const names = changes.slice(at, next);
      const importStep = (draft: ZoneDraft) => {
        const mark = draft.mark();
        if (at === 0 && serial !== undefined) takeSerial(draft, serial);
        for (const imported of names) {
          const { key } = imported;
          const edits = planName(imported, draft.find(key), draft.statics.get(key), options);
          for (const rrset of edits) draft.setRRset(imported, rrset);
        }
        // Others may have changed the zone since the plan was made.
        const keys = names.map(({ key }) => key);
        const why = whyForbidden(mark, draft, keys, limits);
        if (why !== undefined) throw new AppError('conflict', `Other changes came meanwhile: ${why}.`);
      };
      await writer.change(importStep, performance.now() + COMMIT_TIMEOUT_MS).catch((error: unknown) => {
        if (!(error instanceof AppError) || at === 0) throw error;
        const text = `${error.message} ${at} of ${changes.length} names were imported before. Import the file again to continue.`;
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
      // From the draft: a commit in flight has a later serial than the published version.
      const before = soaSerial(soa.rdatas[0]!);
      requireLaterSerial(serial, before);
      draft.setSerial(serial);
      return { before, serial };
    }, performance.now() + COMMIT_TIMEOUT_MS);
  }

  async discardUnserved(apex: DomainName, ownerName: DomainName, type: number | undefined): Promise<number> {
    const writer = new ZoneWriter(this.#find(apex), this.#parts.committer);
    return writer.change((draft) => {
      const count = new UnservedEditor(draft).discard(ownerName.key, type);
      if (count > 0) return count;
      const names = [...draft.unserved.values()].slice(0, MAX_UNSERVED).map(({ wireText }) => nameOf(wireText));
      const all = names.length === 0 ? 'There is none in this zone.' : `There is at: ${names.join(', ')}`;
      throw new AppError('name-invalid', `'${ownerName}' has no data of this type that is kept and not served. ${all}`);
    }, performance.now() + COMMIT_TIMEOUT_MS);
  }

  async backup(file: string): Promise<BackupReport> {
    const { journal } = this.#parts;
    const keys = await this.#parts.keys();
    const { backUpKeys, readableKeys } = await import('../keys/key-backup.ts');
    const { withKeys } = await import('./zone-dnssec.ts');
    const before = readableKeys(keys);
    try {
      await journal.backup(file);
    } catch (cause) {
      const reason = errorText(cause);
      throw new AppError('request-malformed', `The backup '${file}' could not be written: ${reason}.`, { cause });
    }
    const zones = { what: 'zones and their journal', from: journal.file, to: file };
    // Each DNSKEY record that the copy has is of a key that was there before it or is there after it.
    const keysFile = `${file}.keys`;
    const hasKeys = withKeys(() => backUpKeys(keys, keysFile, before));
    return {
      copies: hasKeys ? [zones, { what: 'keys of signed zones', from: keys.directory, to: keysFile }] : [zones],
    };
  }

  #findWithheld(apex: DomainName): WithheldZone | undefined {
    return this.#parts.withheld().find((zone) => zone.apex.equals(apex));
  }

  #find(apex: DomainName): EmbeddedZone {
    const zone = this.#parts.zones().get(apex.key);
    if (zone === undefined) {
      const withheld = this.#findWithheld(apex);
      if (withheld !== undefined) throw new AppError('primary-refused', describeWithheld(withheld));
      const apexes = [...this.#parts.zones().values()].map((other) => other.apex).join(', ');
      throw new AppError(
        'name-invalid',
        `'${apex}' is not an embedded zone of this server. Its embedded zones are: ${apexes}`,
      );
    }
    return zone;
  }
}

/** What is readable of a zone that is not served, after a comment that says so. */
async function* exportReadable(version: ZoneVersion, signed: boolean, comment: string): AsyncGenerator<string> {
  yield `; ${comment}\n`;
  yield* exportVersion(version, signed);
}

function unservedState(version: ZoneVersion): Pick<ZoneState, 'unserved' | 'unservedCount'> {
  if (version.unserved.size === 0) return {};
  const unserved = [...listUnserved(version)];
  const shown = unserved.slice(0, MAX_UNSERVED).map(({ ownerName, type, records, why }) => {
    return { name: ownerName.toString(), type: formatRRType(type), records, why };
  });
  return { unserved: shown, unservedCount: unserved.length };
}

function signingState(signing: ZoneState['signing'] | undefined): Pick<ZoneState, 'signing'> {
  return signing === undefined ? {} : { signing };
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

function secondaryState(status: SecondaryStatus): SecondaryState {
  const { address, port, held, behindSinceMs, answeredMs, transferred, problem, condition } = status;
  const { state, text, sinceMs, refusedSerial } = condition;
  const secondsSince = (timeMs: number) => Math.max(0, (Date.now() - timeMs) / 1000);
  return {
    endpoint: formatEndpoint({ host: address, port }),
    state,
    text,
    stateSeconds: secondsSince(sinceMs),
    ...(held && { serial: held.serial }),
    ...(refusedSerial !== undefined && { refusedSerial }),
    ...(behindSinceMs !== undefined && { behindSeconds: secondsSince(behindSinceMs) }),
    ...(answeredMs !== undefined && { answerSeconds: secondsSince(answeredMs) }),
    ...(transferred && {
      transfer: {
        kind: transferred.kind,
        serial: transferred.serial,
        seconds: secondsSince(transferred.atMs),
      },
    }),
    ...(problem !== undefined && { problem }),
  };
}
