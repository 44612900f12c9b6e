/**
 * The update check: proves that each zone can be changed by writing, reading back and removing a TXT record under a
 * random name. One check of a zone runs at a time; its result is shared and cached, so that calling it often
 * costs nothing.
 */
import { randomBytes } from 'node:crypto';
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { readTextRdata, textRdata } from '../../dns/rrset.ts';
import { AppError, ERROR_CODES } from '../errors.ts';
import type { Clock } from '../timers.ts';
import type { Zone } from './zone.ts';

export type ZoneCheck =
  | { readonly kind: 'passed'; readonly zone: DomainName; readonly ownerName: DomainName; readonly text: string }
  | { readonly kind: 'failed'; readonly zone: DomainName; readonly error: AppError };

/** How long a result is cached, in ms. */
export const CHECK_CACHE_MS = 30_000;

const CHECK_TTL = 60;

interface CachedCheck {
  readonly result: Promise<ZoneCheck>;
  endedMs: number | undefined;
}

export class CheckZones {
  readonly #cache = new Map<string, CachedCheck>();
  readonly #timeoutMs: () => number;
  readonly #clock: Clock;

  /** @param timeoutMs of one check; read at each, so that a reload takes effect at once */
  constructor(timeoutMs: () => number, clock: Clock) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  /** Results in the order of the zones. Never throws: a zone that fails has its error as the result. */
  async run(zones: readonly Zone[]): Promise<ZoneCheck[]> {
    return Promise.all(zones.map((zone) => this.#checkShared(zone)));
  }

  #checkShared(zone: Zone): Promise<ZoneCheck> {
    const recent = this.#cache.get(zone.apex.key);
    if (recent !== undefined && (recent.endedMs === undefined || this.#clock() < recent.endedMs + CHECK_CACHE_MS)) {
      return recent.result;
    }
    const cached: CachedCheck = { result: checkZone(zone, this.#timeoutMs(), this.#clock), endedMs: undefined };
    this.#cache.set(zone.apex.key, cached);
    return cached.result.finally(() => {
      cached.endedMs = this.#clock();
    });
  }
}

/** One check, not shared. */
export async function checkZone(zone: Zone, timeoutMs: number, clock: Clock): Promise<ZoneCheck> {
  const startMs = clock();
  // The rest of the time is for removing the record.
  const probeDeadlineMs = startMs + timeoutMs * 0.7;
  try {
    const ownerName = probeName(zone.apex);
    const text = randomBytes(4).toString('hex');
    try {
      await writeAndRead(zone, ownerName, text, probeDeadlineMs);
    } catch (error) {
      // Where the write certainly failed there is nothing to remove.
      if (!(error instanceof AppError) || !ERROR_CODES[error.code].mayBeApplied) throw error;
      await remove(zone, ownerName, startMs + timeoutMs).catch(() => undefined);
      throw error;
    }
    await remove(zone, ownerName, startMs + timeoutMs);
    return { kind: 'passed', zone: zone.apex, ownerName, text };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { kind: 'failed', zone: zone.apex, error };
  }
}

async function writeAndRead(zone: Zone, ownerName: DomainName, text: string, deadlineMs: number): Promise<void> {
  const rrset = { ownerName, type: RRType.TXT, ttl: CHECK_TTL, rdatas: [textRdata(text)] };
  await zone.publisher.publish(
    {
      zone: zone.apex,
      ownerName,
      prerequisites: [{ kind: 'rrset-absent', ownerName, type: RRType.TXT }],
      edits: [{ kind: 'replace-rrset', rrset }],
    },
    deadlineMs,
  );
  try {
    const found = await zone.publisher.readRRset(ownerName, RRType.TXT, deadlineMs);
    if (found?.rdatas[0] !== undefined && readTextRdata(found.rdatas[0]) === text) return;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError('check-failed', `The record was written but could not be read back. ${error.message}`, {
      cause: error,
    });
  }
  throw new AppError(
    'check-failed',
    `The primary confirmed the record '${ownerName}' but does not answer with it: is 'nameserver' the zone's primary, and does it answer without a cache? Where views answer by key, set signed_reads: true.`,
  );
}

async function remove(zone: Zone, ownerName: DomainName, deadlineMs: number): Promise<void> {
  const edit = { kind: 'delete-rrset', ownerName, type: RRType.TXT } as const;
  await zone.publisher.publish({ zone: zone.apex, ownerName, prerequisites: [], edits: [edit] }, deadlineMs);
}

/** A name that is not in use. @throws AppError if the zone's own name leaves no room for it */
function probeName(apex: DomainName): DomainName {
  try {
    return apex.prepend(`_dyndns-check-${randomBytes(6).toString('hex')}`);
  } catch (cause) {
    throw new AppError('name-invalid', `The name of the zone '${apex}' is too long for a record below it.`, { cause });
  }
}
