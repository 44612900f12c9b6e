/** The watches of all signed zones, also of those that lack keys and so are not renewed. */
import type { ZoneState } from '../../core/admin/zone-admin.ts';
import type { SigningFigures } from '../../core/monitoring.ts';
import type { ChangeOfSignatures } from '../../core/notices/notices.ts';
import { timeText } from '../../dns/time-text.ts';
import type { KeyStore } from '../keys/key-store.ts';
import { keyProblem } from '../keys/missing-keys.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { SignatureWatch } from './signature-watch.ts';

export interface SignatureWatchesParts {
  readonly keys: KeyStore;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Signatures that were made since the start. @param apexKey `DomainName.key` of the apex */
  readonly made: (apexKey: string) => number;
  readonly onChange: (change: ChangeOfSignatures, zone: EmbeddedZone) => void;
}

/** Interval in which zones are counted that are not renewed. */
const COUNT_MS = 3_600_000;

export class SignatureWatches {
  readonly #parts: SignatureWatchesParts;
  /** By `DomainName.key` of the apex. */
  readonly #watches = new Map<string, { readonly zone: EmbeddedZone; readonly watch: SignatureWatch }>();
  readonly #timer: NodeJS.Timeout;

  constructor(parts: SignatureWatchesParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#countFrozen(), COUNT_MS).unref();
  }

  /** The watch of a zone that is signed, or is going to be. */
  of(zone: EmbeddedZone): SignatureWatch {
    const { now, made, onChange } = this.#parts;
    const { apex } = zone;
    const found = this.#watches.get(apex.key);
    if (found !== undefined) return found.watch;
    const watch = new SignatureWatch({
      apex,
      now,
      keyProblem: () => this.#keyProblem(zone),
      made: () => made(apex.key),
      onChange: (change) => onChange(change, zone),
    });
    this.#watches.set(apex.key, { zone, watch });
    return watch;
  }

  /** The zone is not signed any more. */
  remove(apexKey: string): void {
    this.#watches.delete(apexKey);
  }

  /** @param served by `DomainName.key` of the apex */
  figures(served: ReadonlyMap<string, unknown>): SigningFigures[] {
    return [...this.#watches].flatMap(([key, { zone, watch }]) =>
      served.has(key) && zone.published.isSigned ? [watch.figures] : [],
    );
  }

  /** For the status of a zone. @returns undefined: the zone is not signed */
  state(apexKey: string): ZoneState['signing'] | undefined {
    const { zone, watch } = this.#watches.get(apexKey) ?? {};
    if (watch === undefined || zone?.published.isSigned !== true) return undefined;
    const { signatures, expired, firstExpiration } = watch.figures;
    return {
      signatures,
      expired,
      troubles: [...watch.troubles],
      ...(firstExpiration !== undefined && { firstExpiration: timeText(firstExpiration) }),
    };
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #countFrozen(): Promise<void> {
    for (const { zone, watch } of this.#watches.values()) {
      if (zone.refusal !== undefined) await watch.count(zone.published);
    }
  }

  /** Also of a zone that is renewed: without its keys it could not be after a restart. */
  #keyProblem({ published, refusal }: EmbeddedZone): string | undefined {
    return refusal ?? keyProblem(published, this.#parts.keys);
  }
}
