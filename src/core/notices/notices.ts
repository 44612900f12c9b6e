/**
 * Notices about events: addresses that changed, updates that could not be published, hosts that went silent, secondaries that do
 * not follow, signatures that expire. This file decides which events cause a notice; src/notify delivers it.
 *
 * Refusals are left out on purpose, because a client could cause any number of them. The exceptions need an operator:
 * conflicting data at a host, and a pending update that was dropped.
 */
import { randomBytes } from 'node:crypto';
import type { DomainName } from '../../dns/name.ts';
import type { ErrorCode } from '../errors.ts';
import { type AddressStep, eventId, type NewHistoryEvent } from '../history/history.ts';
import { FAMILIES } from '../zones/family.ts';

/** `test`: sent on request of an operator. */
export type NoticeKind = 'changed' | 'failed' | 'silent' | 'secondary' | 'signatures' | 'test';

/** What a notice says of a secondary. */
export interface NoticeOfSecondary {
  /** Its address and port. */
  readonly place: string;
  /** `up-to-date`: it has recovered. Else as in the status: `behind`, `refused`, `not-answering` and others. */
  readonly state: string;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
  /** The serial that it named last; undefined: none. */
  readonly serial: number | undefined;
}

/** A secondary has a problem that lasts, or has recovered. */
export interface ChangeOfSecondary {
  readonly kind: 'trouble' | 'recovered';
  readonly apex: DomainName;
  readonly secondary: string;
  readonly serial: number | undefined;
  readonly timeMs: number;
  readonly condition: { readonly state: string; readonly sinceMs: number; readonly text: string };
}

/** `expiring`: less is left than the renewal leaves when it works. */
export type SigningState = 'ok' | 'keys-missing' | 'expiring' | 'expired';

/** The signatures of a zone need an operator, or no longer do (`ok`). */
export interface ChangeOfSignatures {
  readonly apex: DomainName;
  readonly state: SigningState;
  /** Full sentences. */
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** When the first signature expires; milliseconds since 1970. */
  readonly firstExpirationMs?: number;
}

export interface Notice {
  /** Unique. Later notices of a process have greater ids, compared as strings. */
  readonly id: string;
  readonly kind: NoticeKind;
  /** The host; of a notice about a secondary or about signatures the apex of the zone. */
  readonly ownerName: DomainName;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** As in the history; `watch` for a silent host, a secondary or signatures. */
  readonly protocol: string;
  readonly actor: string;
  readonly source: string;
  readonly A?: AddressStep;
  readonly AAAA?: AddressStep;
  readonly code?: ErrorCode;
  readonly detail?: string;
  /** For a silent host: the time of its last accepted update, in milliseconds since 1970. */
  readonly lastSeenMs?: number;
  readonly secondary?: NoticeOfSecondary;
  readonly signatures?: NoticeOfSignatures;
}

/** What a notice says of the signatures of a zone. */
export interface NoticeOfSignatures {
  readonly state: SigningState;
  /** When the first signature expires, in milliseconds since 1970; undefined: they were not counted yet. */
  readonly firstExpirationMs: number | undefined;
}

/** The port that delivers notices. */
export interface Notices {
  /** Queues a notice for delivery. Never throws, never blocks. */
  send(notice: Notice): void;
}

/** The same failure of a host causes a notice again after this: a client may retry every minute for days. */
const REMIND_MS = 3_600_000;
const MAX_FAILING = 10_000;

/** Makes notices from the events of the history. */
export class NoticeMaker {
  readonly #notices: () => Notices | undefined;
  /** Hosts whose last notice was a failure, the oldest first. */
  readonly #failing = new Map<string, { readonly code: ErrorCode | undefined; readonly sentMs: number }>();
  #sequence = 0;

  /** @param notices called for each event; undefined: no one subscribes */
  constructor(notices: () => Notices | undefined) {
    this.#notices = notices;
  }

  event(event: NewHistoryEvent): void {
    const notices = this.#notices();
    if (notices === undefined) return;
    const kind = kindOf(event);
    if (kind === 'changed') this.#failing.delete(event.ownerName.key);
    if (kind === undefined || (kind === 'failed' && this.#isRepeated(event))) return;
    const { ownerName, timeMs, protocol, actor, source, A, AAAA, code, detail } = event;
    notices.send({
      id: this.#id(timeMs),
      ...{ kind, ownerName, timeMs, protocol, actor, source },
      ...(A && { A }),
      ...(AAAA && { AAAA }),
      ...(code && { code }),
      ...(detail && { detail }),
    });
  }

  /** An update without a change succeeded, so the host no longer fails. */
  repeat(ownerName: DomainName): void {
    if (this.#failing.size > 0) this.#failing.delete(ownerName.key);
  }

  silent(ownerName: DomainName, lastSeenMs: number, nowMs: number): void {
    const who = { protocol: 'watch', actor: 'server', source: '' };
    this.#notices()?.send({ id: this.#id(nowMs), kind: 'silent', ownerName, timeMs: nowMs, ...who, lastSeenMs });
  }

  secondary({ apex, secondary, serial, timeMs, condition }: ChangeOfSecondary): void {
    const { state, sinceMs, text } = condition;
    this.#notices()?.send({
      id: this.#id(timeMs),
      ...{ kind: 'secondary', ownerName: apex, timeMs, protocol: 'watch', actor: 'server', source: '' },
      detail: text,
      secondary: { place: secondary, state, sinceMs, serial },
    });
  }

  signatures({ apex, state, text, timeMs, firstExpirationMs }: ChangeOfSignatures): void {
    this.#notices()?.send({
      id: this.#id(timeMs),
      ...{ kind: 'signatures', ownerName: apex, timeMs, protocol: 'watch', actor: 'server', source: '' },
      detail: text,
      signatures: { state, firstExpirationMs },
    });
  }

  #isRepeated({ ownerName, timeMs, code, protocol }: NewHistoryEvent): boolean {
    const { key } = ownerName;
    const last = this.#failing.get(key);
    // A pending update that was dropped always causes a notice.
    const isDropped = protocol === 'retry';
    if (!isDropped && last?.code === code && last !== undefined && timeMs - last.sentMs < REMIND_MS) return true;
    this.#failing.delete(key);
    this.#failing.set(key, { code, sentMs: timeMs });
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

/** The kind of notice for an event; undefined: none. */
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
