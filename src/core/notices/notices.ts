/**
 * What is told to others of events: addresses that changed, updates that could not be published, hosts that are silent.
 * Here is what is told, and when; how it reaches anybody is an adapter's (src/notify).
 *
 * Left out on purpose: refusals, which a client could cause without end. Of them only those are told that somebody has to
 * repair: data in the way of a host, and a kept update that was dropped.
 */
import { randomBytes } from 'node:crypto';
import type { DomainName } from '../../dns/name.ts';
import type { ErrorCode } from '../errors.ts';
import { type AddressStep, eventId, type NewHistoryEvent } from '../history/history.ts';
import { FAMILIES } from '../zones/family.ts';

/** `test`: an operator wants to see one. */
export type NoticeKind = 'changed' | 'failed' | 'silent' | 'test';

export interface Notice {
  /** Unique. Later notices of a process have greater ids, compared as texts. */
  readonly id: string;
  readonly kind: NoticeKind;
  readonly ownerName: DomainName;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** As in the history; `watch` for a silent host. */
  readonly protocol: string;
  readonly actor: string;
  readonly source: string;
  readonly A?: AddressStep;
  readonly AAAA?: AddressStep;
  readonly code?: ErrorCode;
  readonly detail?: string;
  /** Of a silent host, milliseconds since 1970: its last accepted update. */
  readonly lastSeenMs?: number;
}

/** Who brings notices to others. */
export interface Notices {
  /** Takes a notice for later; never throws, never makes anybody wait. */
  tell(notice: Notice): void;
}

/** The same failure of the same host is told again after this: a client may try every minute for days. */
const REMIND_MS = 3_600_000;
const MAX_FAILING = 10_000;

/** Makes notices of what goes into the history. */
export class NoticeMaker {
  readonly #notices: () => Notices | undefined;
  /** Hosts whose last news was a failure. */
  readonly #failing = new Map<string, { readonly code: ErrorCode | undefined; readonly toldMs: number }>();
  #sequence = 0;

  /** @param notices asked at each event; undefined: nobody wants to know */
  constructor(notices: () => Notices | undefined) {
    this.#notices = notices;
  }

  event(event: NewHistoryEvent): void {
    const notices = this.#notices();
    if (notices === undefined) return;
    const kind = kindOf(event);
    if (kind === 'changed') this.#failing.delete(event.ownerName.key);
    if (kind === undefined || (kind === 'failed' && this.#isKnown(event))) return;
    const { ownerName, timeMs, protocol, actor, source, A, AAAA, code, detail } = event;
    notices.tell({
      id: this.#id(timeMs),
      ...{ kind, ownerName, timeMs, protocol, actor, source },
      ...(A && { A }),
      ...(AAAA && { AAAA }),
      ...(code && { code }),
      ...(detail && { detail }),
    });
  }

  /** An update that changed nothing: what failed before is repaired. */
  repeat(ownerName: DomainName): void {
    if (this.#failing.size > 0) this.#failing.delete(ownerName.key);
  }

  silent(ownerName: DomainName, lastSeenMs: number, nowMs: number): void {
    const who = { protocol: 'watch', actor: 'server', source: '' };
    this.#notices()?.tell({ id: this.#id(nowMs), kind: 'silent', ownerName, timeMs: nowMs, ...who, lastSeenMs });
  }

  #isKnown({ ownerName, timeMs, code, protocol }: NewHistoryEvent): boolean {
    const { key } = ownerName;
    const known = this.#failing.get(key);
    // The end of a kept update is news of its own.
    const isDropped = protocol === 'retry';
    if (!isDropped && known?.code === code && known !== undefined && timeMs - known.toldMs < REMIND_MS) return true;
    this.#failing.delete(key);
    this.#failing.set(key, { code, toldMs: timeMs });
    if (this.#failing.size > MAX_FAILING) {
      for (const oldest of this.#failing.keys()) {
        this.#failing.delete(oldest);
        break;
      }
    }
    return false;
  }

  #id(timeMs: number): string {
    this.#sequence += 1;
    return noticeId(timeMs, this.#sequence);
  }
}

export function noticeId(timeMs: number, sequence: number): string {
  return eventId(timeMs, sequence, randomBytes(10));
}

/** What an event is told as; undefined: not at all. */
function kindOf({ outcome, protocol, code, A, AAAA }: NewHistoryEvent): NoticeKind | undefined {
  switch (outcome) {
    case 'changed': {
      const steps = { A, AAAA };
      const differs = FAMILIES.some((family) => steps[family]?.before.join() !== steps[family]?.after.join());
      return differs ? 'changed' : undefined;
    }
    case 'failed':
      return 'failed';
    case 'refused':
      return protocol === 'retry' || code === 'conflict' ? 'failed' : undefined;
  }
}
