/**
 * Configuration -> the certificate that the server gets by itself (`http.tls.acme`). The part of the composition root that
 * knows src/acme, which is loaded only where it is configured.
 */

import { Resolver } from 'node:dns/promises';
import type { CertificateKeeper } from '../acme/keeper.ts';
import type { AcmeConfig, Config, ZoneConfig } from '../config/config.ts';
import type { Observer } from '../core/observer.ts';
import type { Zone, ZoneTable } from '../core/zones/zone.ts';
import { DomainName } from '../dns/name.ts';
import { timers } from './system-timers.ts';

export interface CertificateParts {
  /** The ones in force. */
  readonly config: () => Config;
  readonly zones: () => ZoneTable;
  readonly observer: Observer;
  /** There is another one to serve. */
  readonly changed: () => void;
}

/** Secondaries are told at once and have this long to come and fetch. */
const PROPAGATION_MS = 30_000;
const RESOLVER = { timeout: 3_000, tries: 2 };

/** What `prepare` has made ready: the keeper of a configuration. */
interface Kept {
  readonly acme: AcmeConfig;
  readonly keeper: CertificateKeeper;
}

export class OpenCertificate {
  readonly #parts: CertificateParts;
  #kept: Kept | undefined;
  #isStarted = false;
  /** Of keepers that were replaced. */
  #closing: Promise<void> = Promise.resolve();

  constructor(parts: CertificateParts) {
    this.#parts = parts;
  }

  /** What to serve. @throws TypeError where none is configured */
  get served(): CertificateKeeper['served'] {
    if (this.#kept === undefined) throw new TypeError('no certificate of our own is configured');
    return this.#kept.keeper.served;
  }

  /** False: what is served is made by ourselves, and nobody trusts it. */
  get isIssued(): boolean {
    return this.#kept?.keeper.certificate !== undefined;
  }

  /**
   * Makes ready what a configuration wants, without putting it in force.
   * @throws AcmeError where packages are missing or the folder cannot be used
   */
  async prepare({ http: { acme } }: Config): Promise<Kept | undefined> {
    if (acme === undefined) return undefined;
    if (JSON.stringify(acme) === JSON.stringify(this.#kept?.acme)) return this.#kept;
    const keeper = await this.#makeKeeper(acme);
    return { acme, keeper };
  }

  /** Puts what was prepared in force; what was kept before ends, unless it is the same: then it looks at once. */
  adopt(next: Kept | undefined): void {
    const old = this.#kept;
    this.#kept = next;
    if (old === next) {
      next?.keeper.wake();
      return;
    }
    if (old !== undefined) this.#closing = Promise.all([this.#closing, old.keeper.close()]).then(() => undefined);
    if (this.#isStarted) this.start();
  }

  /** Asks for one where it is due; DNS is served by now. */
  start(): void {
    this.#isStarted = true;
    const kept = this.#kept;
    // Two of them would take away one another's records.
    void this.#closing.then(() => {
      if (this.#isStarted && this.#kept === kept) kept?.keeper.start();
    });
  }

  async close(): Promise<void> {
    this.#isStarted = false;
    await Promise.all([this.#closing, this.#kept?.keeper.close()]);
  }

  async #makeKeeper(acme: AcmeConfig): Promise<CertificateKeeper> {
    const { zones, observer, changed } = this.#parts;
    const [{ CertificateKeeper }, { AcmeFolder }, { Challenges }, ordering] = await Promise.all([
      import('../acme/keeper.ts'),
      import('../acme/folder.ts'),
      import('../acme/challenges.ts'),
      import('../acme/ordering.ts'),
    ]);
    ordering.requirePackages();
    const folder = new AcmeFolder(acme.folder);
    const warn = (text: string) => observer.warn(text);
    const keeper = new CertificateKeeper({
      requested: { names: acme.names.map(hostName), directory: acme.directory },
      email: acme.email,
      folder,
      challenges: new Challenges({ zones, folder, resolveCname, warn }),
      propagationMs: (published) => propagationMs(this.#parts.config(), acme, published),
      order: ordering.orderCertificate,
      makeSelfSigned: ordering.makeSelfSigned,
      timers,
      random: Math.random,
      changed: () => {
        if (this.#kept?.keeper === keeper) changed();
      },
      warn,
      inform: (text) => observer.info?.(text),
    });
    try {
      await keeper.load();
    } catch (cause) {
      if (cause instanceof ordering.AcmeError) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ordering.AcmeError(`http.tls.acme: the folder '${acme.folder}' cannot be used: ${why}`, { cause });
    }
    return keeper;
  }
}

/** How long the secondaries of these zones have to follow. */
export function propagationMs(
  { zones }: Pick<Config, 'zones'>,
  { propagationSeconds }: Pick<AcmeConfig, 'propagationSeconds'>,
  published: readonly Pick<Zone, 'apex'>[],
): number {
  if (propagationSeconds !== undefined) return propagationSeconds * 1000;
  const isAlone = ({ apex }: Pick<Zone, 'apex'>) => isOnlyNameserver(zones.find((zone) => zone.apex.equals(apex)));
  return published.every(isAlone) ? 0 : PROPAGATION_MS;
}

function isOnlyNameserver(zone: ZoneConfig | undefined): boolean {
  return zone?.primary.kind === 'embedded' && zone.primary.secondaries.length === 0 && zone.primary.ns.length === 1;
}

/** As certificates have it: in lower case and without the final dot. */
function hostName(name: DomainName): string {
  return name.toString().slice(0, -1).toLowerCase();
}

async function resolveCname(name: DomainName): Promise<DomainName | undefined> {
  try {
    const [target] = await new Resolver(RESOLVER).resolveCname(name.toString());
    return target === undefined ? undefined : DomainName.parse(target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENODATA' || code === 'ENOTFOUND') return undefined;
    throw new Error(`the resolver was asked for the CNAME of '${name}': ${code}`, { cause: error });
  }
}
