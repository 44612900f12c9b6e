/**
 * Tells the secondaries of all zones about each new version (RFC 1996), and keeps what is known of them: what they have
 * acknowledged and what they hold.
 */
import { randomInt } from 'node:crypto';
import type { Timers } from '../../core/timers.ts';
import type { DomainName } from '../../dns/name.ts';
import { serialIsLater } from '../../dns/serial.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { CommitTimes, type SerialAt } from './commit-times.ts';
import { openNotifySocket } from './notify-socket.ts';
import { type NotifyPorts, NotifyTarget, type NotifyWarning, type Secondary } from './notify-target.ts';

export interface SecondaryStatus {
  readonly zone: DomainName;
  readonly address: string;
  readonly port: number;
  readonly keyName?: DomainName;
  /** Is it told of changes? */
  readonly notify: boolean;
  /** The newest serial of which it acknowledged to have been told. */
  readonly acknowledged: SerialAt | undefined;
  /** The newest serial that it is known to hold, and since when that is known. */
  readonly held: SerialAt | undefined;
  /** When the oldest commit was published that it is not known to hold; undefined: it holds the newest, or was never seen. */
  readonly behindSinceMs: number | undefined;
  readonly isOutstanding: boolean;
  /** Attempts of NOTIFY without an acknowledgement since the last one. */
  readonly failures: number;
  /** Completes "the secondary …". */
  readonly problem: string | undefined;
}

interface NotifiedZone {
  readonly zone: EmbeddedZone;
  readonly targets: Map<string, NotifyTarget>;
  readonly commits: CommitTimes;
}

const SYSTEM_TIMERS: Timers = {
  now: () => Date.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
};

export class Notifier {
  readonly #ports: NotifyPorts;
  readonly #zones = new Map<string, NotifiedZone>();

  constructor(onWarning: (warning: NotifyWarning) => void, ports: Partial<Omit<NotifyPorts, 'onWarning'>> = {}) {
    const randomId = () => randomInt(0x10000);
    this.#ports = { timers: SYSTEM_TIMERS, open: openNotifySocket, randomId, ...ports, onWarning };
  }

  /** Sets who the zone's secondaries are; those that are new are told of it at once (RFC 1996 §4.7). */
  setSecondaries(zone: EmbeddedZone, secondaries: readonly Secondary[]): void {
    const before = this.#zones.get(zone.apex.key);
    const known = before?.targets ?? new Map<string, NotifyTarget>();
    const targets = new Map<string, NotifyTarget>();
    const toTell: NotifyTarget[] = [];
    for (const secondary of secondaries) {
      const place = `${secondary.address} ${secondary.port}`;
      const target = known.get(place);
      if (target?.zone === zone) {
        target.secondary = secondary;
        if (!secondary.notify) target.close();
        // Perhaps it is the key that was repaired.
        if (target.problem !== undefined) toTell.push(target);
        targets.set(place, target);
        known.delete(place);
      } else {
        const made = new NotifyTarget(zone, secondary, this.#ports);
        targets.set(place, made);
        toTell.push(made);
      }
    }
    for (const target of known.values()) target.close();
    const first = { serial: zone.published.serial, atMs: this.#ports.timers.now() };
    const commits = before?.zone === zone ? before.commits : new CommitTimes(first);
    this.#zones.set(zone.apex.key, { zone, targets, commits });
    for (const target of toTell) target.notify();
  }

  removeZone(zone: EmbeddedZone): void {
    for (const target of this.#zones.get(zone.apex.key)?.targets.values() ?? []) target.close();
    this.#zones.delete(zone.apex.key);
  }

  /** The zone has a new version. */
  published(zone: EmbeddedZone): void {
    const notified = this.#zones.get(zone.apex.key);
    if (notified === undefined || notified.targets.size === 0) return;
    const atMs = this.#ports.timers.now();
    notified.commits.add({ serial: zone.published.serial, atMs });
    for (const target of notified.targets.values()) {
      const { held } = target;
      if (held !== undefined && serialIsLater(zone.published.serial, held.serial)) target.behindSinceMs ??= atMs;
      target.notify();
    }
  }

  /**
   * Someone showed by a request or a finished transfer to hold this serial of a zone. It counts for the secondaries of
   * this address; of several at one address for the one with this key.
   */
  seen(apexKey: string, address: string, serial: number, keyName?: DomainName): void {
    const notified = this.#zones.get(apexKey);
    if (notified === undefined) return;
    const atMs = this.#ports.timers.now();
    for (const target of notified.targets.values()) {
      const { key } = target.secondary;
      if (target.secondary.address !== address) continue;
      if (key !== undefined && keyName !== undefined && !key.keyName.equals(keyName)) continue;
      target.wake();
      if (target.held !== undefined && !serialIsLater(serial, target.held.serial)) continue;
      target.held = { serial, atMs };
      target.behindSinceMs = notified.commits.firstAfter(serial);
    }
  }

  status(): SecondaryStatus[] {
    return [...this.#zones.values()].flatMap(({ zone, targets }) =>
      [...targets.values()].map((target) => ({
        zone: zone.apex,
        address: target.secondary.address,
        port: target.secondary.port,
        ...(target.secondary.key === undefined ? {} : { keyName: target.secondary.key.keyName }),
        notify: target.secondary.notify,
        acknowledged: target.acknowledged,
        held: target.held,
        behindSinceMs: target.behindSinceMs,
        isOutstanding: target.isOutstanding,
        failures: target.failures,
        problem: target.problem,
      })),
    );
  }

  /** Ends all timers and sockets. */
  close(): void {
    for (const { targets } of this.#zones.values()) for (const target of targets.values()) target.close();
    this.#zones.clear();
  }
}
