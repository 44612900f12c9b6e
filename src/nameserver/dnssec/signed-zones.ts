/**
 * The signed zones of the embedded nameserver: their keys, the watch of their signatures, and bootstrapping records. Loaded where a
 * zone is signed or is to be: others pay nothing for it.
 */
import type { ZoneState } from '../../core/admin/zone-admin.ts';
import type { SigningFigures } from '../../core/monitoring.ts';
import type { ChangeOfSignatures } from '../../core/notices/notices.ts';
import type { ParentZone } from '../../core/zones/parent-zone.ts';
import type { KeyPair } from '../../dns/dnssec/key-file.ts';
import type { DomainName } from '../../dns/name.ts';
import type { Committer } from '../journal/committer.ts';
import { type KeyStore, zoneKeyFiles } from '../keys/key-store.ts';
import { KeyStoreError } from '../keys/key-store-error.ts';
import { describeMissingKeys, dnskeysOf } from '../keys/missing-keys.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { BootstrapRecords } from './bootstrap-records.ts';
import type { ProcedurePace } from './key-pace.ts';
import type { KeyProcedure } from './key-procedure.ts';
import { SignatureWatches } from './signature-watches.ts';
import { closeSignedZone, openSignedZone, type SignedZone } from './signed-zone.ts';
import type { SuccessorStore } from './successor.ts';
import { type DnssecSettings, GOES_ON } from './zone-signing.ts';

export interface SignedZonesParts {
  /** Zones that are served, by `DomainName.key` of the apex. */
  readonly served: () => ReadonlyMap<string, EmbeddedZone>;
  readonly keys: KeyStore;
  readonly committer: Committer;
  readonly successors: SuccessorStore;
  /** See NameserverOptions. */
  readonly parent: ParentZone | undefined;
  /** See NameserverOptions. */
  readonly keyPace: (ProcedurePace & { readonly keyTtl: number }) | undefined;
  /** Secondaries of a zone that are not known to have a serial. */
  readonly lagging: (apex: DomainName, serial: number) => readonly string[];
  readonly onChange: (change: ChangeOfSignatures, zone: EmbeddedZone) => void;
  readonly onWarning: (text: string) => void;
  readonly onProgress: (text: string) => void;
}

const nowSeconds = () => Math.floor(Date.now() / 1000);
const monotonicMs = () => performance.now();

export class SignedZones {
  readonly #parts: SignedZonesParts;
  /** By `DomainName.key` of the apex, like what follows. */
  readonly #zones = new Map<string, SignedZone>();
  /** Zones that were unsigned while the configuration still has the option `dnssec`. */
  readonly #left = new Set<string>();
  readonly #watches: SignatureWatches;
  readonly #bootstrap: BootstrapRecords;
  #isStarted = false;

  constructor(parts: SignedZonesParts) {
    this.#parts = parts;
    const { keys, served, committer, parent, keyPace, onWarning, onChange } = parts;
    const made = (apexKey: string) => this.#zones.get(apexKey)?.signing.made ?? 0;
    this.#watches = new SignatureWatches({ keys, now: nowSeconds, made, onChange });
    this.#bootstrap = new BootstrapRecords({
      ...{ zones: served, committer, parent, monotonicMs, onWarning },
      pace: keyPace,
    });
  }

  /**
   * Signs a zone whose configuration wants that, and one that is signed already. Without its keys the zone is served as it is, and is not
   * changed: a start does not fail, so that the keys can be put back.
   */
  async sign(zone: EmbeddedZone, settings: DnssecSettings | undefined): Promise<void> {
    const { apex, published } = zone;
    const signed = this.#zones.get(apex.key);
    if (signed !== undefined) {
      if (settings === undefined) return;
      signed.signing.settings = settings;
      this.#watches.of(zone).setValidity(settings.validityDays, true);
      return;
    }
    if (settings === undefined) this.#left.delete(apex.key);
    else if (this.#left.has(apex.key)) return;
    if (settings === undefined && !published.isSigned) return;
    const watch = this.#watches.of(zone);
    watch.setValidity((settings ?? GOES_ON).validityDays, settings !== undefined);
    const { onWarning, keys } = this.#parts;
    if (settings === undefined) {
      onWarning(
        `The zone ${apex} is signed, and its option dnssec is not set. It goes on being signed: without signatures, resolvers would refuse the zone while its parent has a DS record. Set 'dnssec: true' again, or run 'dyndns zone dnssec ${apex} leave'.`,
      );
    }
    zone.refusal = undefined;
    try {
      const pairs = keys.load(apex);
      zone.refusal = describeMissingKeys(apex, dnskeysOf(published), pairs, keys.directory);
      if (zone.refusal === undefined) await this.#open(zone, settings, pairs);
    } catch (error) {
      if (!(error instanceof KeyStoreError)) throw error;
      zone.refusal = error.message;
    }
    if (zone.refusal !== undefined) {
      onWarning(`${zone.refusal} The zone '${apex}' is served as it is, and cannot be changed.`);
      await watch.count(published);
    }
  }

  /** @throws KeyStoreError */
  async #open(zone: EmbeddedZone, settings: DnssecSettings | undefined, pairs: readonly KeyPair[]): Promise<void> {
    const { apex } = zone;
    const { keys, committer, successors, parent, keyPace, lagging, onWarning, onProgress } = this.#parts;
    const signed = await openSignedZone(
      {
        ...{ zone, settings, committer, successors, parent, onWarning, onProgress, monotonicMs },
        watch: this.#watches.of(zone),
        pace: keyPace,
        keyTtl: keyPace?.keyTtl,
        keys: zoneKeyFiles(keys, apex),
        now: nowSeconds,
        lagging: (serial) => lagging(apex, serial),
        // A command without a listener does not wait for the parent.
        onAnnounced: async () => {
          if (this.#isStarted) await this.#bootstrap.update();
        },
        onUnsigned: () => {
          this.#zones.delete(apex.key);
          this.#watches.remove(apex.key);
          this.#left.add(apex.key);
        },
      },
      pairs,
    );
    this.#zones.set(apex.key, signed);
  }

  /** Once the server listens, and after each reload: changes of keys go on, and bootstrapping records are written. */
  start(): void {
    this.#isStarted = true;
    for (const { procedure } of this.#zones.values()) procedure.start();
    this.#bootstrap.start();
  }

  /** Undefined: the zone is not signed, or lacks keys. */
  procedureOf(apex: DomainName): KeyProcedure | undefined {
    return this.#zones.get(apex.key)?.procedure;
  }

  /** Of the DNSKEY records; none: the zone is not signed. */
  algorithmsOf({ published }: EmbeddedZone): readonly number[] {
    return dnskeysOf(published).map(({ algorithm }) => algorithm);
  }

  /** See SignatureWatches. */
  figures(): SigningFigures[] {
    return this.#watches.figures(this.#parts.served());
  }

  /** See SignatureWatches. */
  state(apexKey: string): ZoneState['signing'] | undefined {
    return this.#watches.state(apexKey);
  }

  /** Ends after the steps in progress. */
  async close(): Promise<void> {
    this.#watches.close();
    await this.#bootstrap.close();
    for (const signed of this.#zones.values()) await closeSignedZone(signed);
  }
}
