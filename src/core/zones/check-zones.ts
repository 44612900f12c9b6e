/**
 * The update check: proves that each zone can be changed by writing, reading back and removing a TXT record under a
 * random name. One check of a zone runs at a time; its result is shared and kept for a while, so that calling it often
 * costs nothing.
 */
import { randomBytes } from 'node:crypto';
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { readTextRdata, textRdata } from '../../dns/rrset.ts';
import { AppError, type ErrorCode } from '../errors.ts';
import type { Zone } from './zone.ts';

export type ZoneCheck =
  | { readonly kind: 'passed'; readonly zone: DomainName; readonly ownerName: DomainName; readonly text: string }
  | { readonly kind: 'failed'; readonly zone: DomainName; readonly error: AppError };

/** For how long a result is kept, in ms. */
export const CHECK_KEPT_MS = 30_000;

const CHECK_TTL = 60;

interface Kept {
  readonly result: Promise<ZoneCheck>;
  endedMs: number | undefined;
}

export class CheckZones {
  readonly #kept = new Map<string, Kept>();
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Results in the order of the zones. Never throws: a zone that fails has its error as the result. */
  async run(zones: readonly Zone[]): Promise<ZoneCheck[]> {
    return Promise.all(zones.map((zone) => this.#checkShared(zone)));
  }

  /** Forgets all results, as after a change of the configuration. */
  forget(): void {
    this.#kept.clear();
  }

  #checkShared(zone: Zone): Promise<ZoneCheck> {
    const known = this.#kept.get(zone.apex.key);
    if (known !== undefined && (known.endedMs === undefined || performance.now() < known.endedMs + CHECK_KEPT_MS)) {
      return known.result;
    }
    const kept: Kept = { result: checkZone(zone, this.#timeoutMs), endedMs: undefined };
    this.#kept.set(zone.apex.key, kept);
    return kept.result.finally(() => {
      kept.endedMs = performance.now();
    });
  }
}

/** One check, not shared. */
export async function checkZone(zone: Zone, timeoutMs: number): Promise<ZoneCheck> {
  const startMs = performance.now();
  // The rest of the time is for removing the record.
  const probeDeadlineMs = startMs + timeoutMs * 0.7;
  try {
    const ownerName = probeName(zone.apex);
    const text = randomBytes(4).toString('hex');
    try {
      await writeAndRead(zone, ownerName, text, probeDeadlineMs);
    } catch (error) {
      // Where the write failed without a doubt there is nothing to remove.
      if (!(error instanceof AppError) || !MAY_BE_THERE.has(error.code)) throw error;
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

/** Failures after which the probe's record may be in the zone. */
const MAY_BE_THERE: ReadonlySet<ErrorCode> = new Set(['publish-unknown', 'check-failed']);

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

/** A name that nobody has. @throws AppError if the zone's own name leaves no room for it */
function probeName(apex: DomainName): DomainName {
  try {
    return apex.prepend(`_dyndns-check-${randomBytes(6).toString('hex')}`);
  } catch (cause) {
    throw new AppError('name-invalid', `The name of the zone '${apex}' is too long for a record below it.`, { cause });
  }
}
