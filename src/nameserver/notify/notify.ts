/**
 * Sends NOTIFY for each new version to the secondaries of all zones (RFC 1996), and tracks the status of each secondary: the
 * serials that it acknowledged and that it holds.
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
  /** True if it gets NOTIFY. */
  readonly notify: boolean;
  /** The serial of the latest acknowledged NOTIFY. */
  readonly acknowledged: SerialAt | undefined;
  /** The newest serial that it has requested or transferred, and when. */
  readonly held: SerialAt | undefined;
  /** Publication time of the oldest commit that it does not hold; undefined if it is up to date or was never seen. */
  readonly behindSinceMs: number | undefined;
  readonly isOutstanding: boolean;
  /** Attempts of NOTIFY since the last acknowledgement. */
  readonly failures: number;
  /** Completes the sentence "The secondary …". */
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

  /** Sets the zone's secondaries; new ones get a NOTIFY at once (RFC 1996 §4.7). */
  setSecondaries(zone: EmbeddedZone, secondaries: readonly Secondary[]): void {
    const before = this.#zones.get(zone.apex.key);
    const removed = new Map(before?.targets);
    const targets = new Map<string, NotifyTarget>();
    const toNotify: NotifyTarget[] = [];
    for (const secondary of secondaries) {
      const place = `${secondary.address} ${secondary.port}`;
      const target = removed.get(place);
      if (target?.zone === zone) {
        target.secondary = secondary;
        if (!secondary.notify) target.close();
        // The new settings may have fixed the problem, for example a wrong key.
        if (target.problem !== undefined) toNotify.push(target);
        targets.set(place, target);
        removed.delete(place);
      } else {
        const newTarget = new NotifyTarget(zone, secondary, this.#ports);
        targets.set(place, newTarget);
        toNotify.push(newTarget);
      }
    }
    for (const target of removed.values()) target.close();
    const first = { serial: zone.published.serial, atMs: this.#ports.timers.now() };
    const commits = before?.zone === zone ? before.commits : new CommitTimes(first);
    this.#zones.set(zone.apex.key, { zone, targets, commits });
    for (const target of toNotify) target.notify();
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
   * Records that a client has shown, by a request or a completed transfer, that it holds this serial of a zone. Applies
   * to the secondaries with this address; of several at one address to the one with this key.
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

  /** Cancels all timers and closes all sockets. */
  close(): void {
    for (const { targets } of this.#zones.values()) for (const target of targets.values()) target.close();
    this.#zones.clear();
  }
}
