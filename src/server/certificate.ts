/**
 * The certificate that the server orders and renews by itself (`http.tls.acme`). src/acme is loaded only when it is
 * configured. A reload with other settings replaces the keeper; the listeners serve the old pair until then.
 */

import { Resolver } from 'node:dns/promises';
import type { CertificateKeeper } from '../acme/keeper.ts';
import type { AcmeConfig, Config, ZoneConfig } from '../config/config.ts';
import type { ServerStatus } from '../core/admin/server-operations.ts';
import { errorText } from '../core/errors.ts';
import type { Observer } from '../core/observer.ts';
import type { Zone, ZoneTable } from '../core/zones/zone.ts';
import { DomainName } from '../dns/name.ts';
import type { HttpListeners } from '../http/app/listeners.ts';
import { asStartError, StartError } from './start-error.ts';
import { timers } from './system-timers.ts';

export interface CertificateParts {
  /** Of the generation in force. */
  readonly config: () => Config;
  readonly zones: () => ZoneTable;
  readonly observer: Observer;
  /** Called when there is a new pair to serve. */
  readonly changed: () => void;
}

/** How long secondaries have to fetch a challenge after NOTIFY. */
const PROPAGATION_MS = 30_000;
const RESOLVER = { timeout: 3_000, tries: 2 };

/** The keeper of one configuration, loaded and not started. */
export interface PreparedCertificate {
  readonly acme: AcmeConfig;
  readonly keeper: CertificateKeeper;
}

export class OwnCertificate {
  readonly #parts: CertificateParts;
  /** Undefined: none is configured. */
  #inForce: PreparedCertificate | undefined;
  #isStarted = false;
  /** The end of keepers that were replaced. */
  #closing: Promise<void> = Promise.resolve();

  constructor(parts: CertificateParts) {
    this.#parts = parts;
  }

  /** The pairs to serve. @throws TypeError where none is configured */
  get served(): CertificateKeeper['served'] {
    if (this.#inForce === undefined) throw new TypeError('http.tls.acme is not configured');
    return this.#inForce.keeper.served;
  }

  /** False: the pair is self-signed, and no client trusts it. */
  get isIssued(): boolean {
    return (this.#inForce?.keeper.certificates.length ?? 0) > 0;
  }

  /**
   * Prepares the certificate of a configuration without putting it in force.
   * @throws StartError where packages are missing or the folder cannot be used
   */
  async prepare({ http: { acme } }: Config): Promise<PreparedCertificate | undefined> {
    if (acme === undefined) return undefined;
    if (JSON.stringify(acme) === JSON.stringify(this.#inForce?.acme)) return this.#inForce;
    return { acme, keeper: await this.#makeKeeper(acme) };
  }

  /** Puts what was prepared in force. The same as before: it retries at once, also during a backoff. */
  adopt(next: PreparedCertificate | undefined): void {
    const old = this.#inForce;
    this.#inForce = next;
    if (old === next) {
      next?.keeper.wake();
      return;
    }
    if (old !== undefined) this.#closing = Promise.all([this.#closing, old.keeper.close()]).then(() => undefined);
    if (this.#isStarted) this.start();
  }

  /** Orders a certificate when it is due. Call when DNS is served. */
  start(): void {
    this.#isStarted = true;
    const inForce = this.#inForce;
    // Two keepers at a time would remove one another's records.
    void this.#closing.then(() => {
      if (this.#isStarted && this.#inForce === inForce) inForce?.keeper.start();
    });
  }

  async close(): Promise<void> {
    this.#isStarted = false;
    await Promise.all([this.#closing, this.#inForce?.keeper.close()]);
  }

  async #makeKeeper(acme: AcmeConfig): Promise<CertificateKeeper> {
    const { zones, observer, changed } = this.#parts;
    const [{ CertificateKeeper }, { AcmeFolder }, { Challenges }, ordering] = await Promise.all([
      import('../acme/keeper.ts'),
      import('../acme/folder.ts'),
      import('../acme/challenges.ts'),
      import('../acme/ordering.ts'),
    ]);
    const { AcmeError } = ordering;
    try {
      ordering.requirePackages();
    } catch (error) {
      throw asStartError(error, [[AcmeError, 'certificate']]);
    }
    const folder = new AcmeFolder(acme.folder);
    const warn = (text: string) => observer.warn(text);
    const keeper = new CertificateKeeper({
      requested: { names: acme.names.map(hostName), directory: acme.directory, keyTypes: acme.keyTypes },
      email: acme.email,
      folder,
      challenges: new Challenges({ zones, folder, resolveCname, warn }),
      propagationMs: (published) => propagationMs(this.#parts.config(), acme, published),
      order: ordering.orderCertificate,
      makeSelfSigned: ordering.makeSelfSigned,
      timers,
      random: Math.random,
      changed: () => {
        if (this.#inForce?.keeper === keeper) changed();
      },
      warn,
      inform: (text) => observer.info?.(text),
    });
    try {
      await keeper.load();
    } catch (cause) {
      if (cause instanceof AcmeError) throw asStartError(cause, [[AcmeError, 'certificate']]);
      const why = errorText(cause);
      throw new StartError('certificate', `http.tls.acme: the folder '${acme.folder}' cannot be used: ${why}`, {
        cause,
      });
    }
    return keeper;
  }
}

/** How long the secondaries of these zones may take to have a published challenge. */
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
  if (zone?.primary.kind !== 'embedded') return false;
  const { secondaries, transferPrefixes, ns } = zone.primary;
  return secondaries.length === 0 && transferPrefixes === undefined && ns.length === 1;
}

/** The form in certificates: lower case, without the final dot. */
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
    throw new Error(`the query for the CNAME of '${name}' failed: ${code}`, { cause: error });
  }
}

/** The certificate that HTTPS serves; without its end while it is one that no client trusts yet. */
export function shownCertificate(
  { certificate: served }: HttpListeners,
  { isIssued }: OwnCertificate,
  { http }: Config,
): { readonly certificate?: NonNullable<ServerStatus['certificate']> } {
  if (served === undefined) return {};
  const isTrusted = http.acme === undefined || isIssued;
  return { certificate: { names: served.names, ...(isTrusted && { ends: new Date(served.endMs).toISOString() }) } };
}
