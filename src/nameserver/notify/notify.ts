/**
 * Sends NOTIFY for each new version to the secondaries of all zones (RFC 1996), asks them which serial they serve, and tracks
 * the status of each.
 */
import { randomInt } from 'node:crypto';
import type { Timers } from '../../core/timers.ts';
import type { Receipt, ServedCount } from '../../core/zones/secondaries.ts';
import { formatEndpoint } from '../../dns/endpoint.ts';
import type { DomainName } from '../../dns/name.ts';
import { serialIsLater } from '../../dns/serial.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { CommitTimes, type SerialAt } from './commit-times.ts';
import { openNotifySocket } from './notify-socket.ts';
import { type NotifyPorts, NotifyTarget, type NotifyWarning, type Secondary } from './notify-target.ts';
import { SecondaryAlarm, type SecondaryChange } from './secondary-alarm.ts';
import { type SecondaryCondition, SecondaryTrack } from './secondary-track.ts';
import { ServedWaits } from './served-waits.ts';
import { type PollResult, SoaPoll } from './soa-poll.ts';

export interface SecondaryStatus {
  readonly zone: DomainName;
  readonly address: string;
  readonly port: number;
  readonly keyName?: DomainName;
  /** True if it gets NOTIFY. */
  readonly notify: boolean;
  /** The serial of the latest acknowledged NOTIFY. */
  readonly acknowledged: SerialAt | undefined;
  /** True if it is asked for its SOA. */
  readonly poll: boolean;
  /** The serial that it named last, and when it first named it. */
  readonly held: SerialAt | undefined;
  /** The last transfer that it took in full. */
  readonly transferred: SecondaryTrack['transferred'];
  /** When it last answered a query of ours. */
  readonly answeredMs: number | undefined;
  readonly condition: SecondaryCondition;
  /** Publication time of the oldest commit that it does not hold; undefined if it is up to date or was never seen. */
  readonly behindSinceMs: number | undefined;
  readonly isOutstanding: boolean;
  /** Attempts of NOTIFY since the last acknowledgement. */
  readonly failures: number;
  /** Completes the sentence "The secondary …". */
  readonly problem: string | undefined;
}

/** All about one secondary of one zone. */
interface Watched {
  readonly notify: NotifyTarget;
  readonly poll: SoaPoll;
  readonly track: SecondaryTrack;
  readonly alarm: SecondaryAlarm;
}

interface NotifiedZone {
  readonly zone: EmbeddedZone;
  readonly secondaries: Map<string, Watched>;
  readonly commits: CommitTimes;
}

export interface NotifierPorts extends NotifyPorts {
  /** A secondary serves a serial that it did not serve before. */
  readonly onServed?: (receipt: Receipt) => void;
  /** A secondary has a problem that lasts, or has recovered from it. */
  readonly onChange?: (change: SecondaryChange) => void;
}

const SYSTEM_TIMERS: Timers = {
  now: () => Date.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
};

/** All secondaries together are asked at most so often while they are up to date. */
const IDLE_MS = 30_000;
const IDLE_PER_SECONDARY_MS = 20;

export class Notifier {
  readonly #ports: NotifierPorts;
  readonly #zones = new Map<string, NotifiedZone>();
  readonly #waits: ServedWaits;
  readonly #load = { inFlight: 0 };
  #secondaries = 0;

  constructor(onWarning: (warning: NotifyWarning) => void, ports: Partial<Omit<NotifierPorts, 'onWarning'>> = {}) {
    const randomId = () => randomInt(0x10000);
    this.#ports = { timers: SYSTEM_TIMERS, open: openNotifySocket, randomId, ...ports, onWarning };
    this.#waits = new ServedWaits(this.#ports.timers);
  }

  /** Sets the zone's secondaries; new ones get a NOTIFY at once (RFC 1996 §4.7). */
  setSecondaries(zone: EmbeddedZone, secondaries: readonly Secondary[]): void {
    const before = this.#zones.get(zone.apex.key);
    const removed = new Map(before?.secondaries);
    const first = { serial: zone.published.serial, atMs: this.#ports.timers.now() };
    const commits = before?.zone === zone ? before.commits : new CommitTimes(first);
    const notified: NotifiedZone = { zone, secondaries: new Map(), commits };
    const toNotify: NotifyTarget[] = [];
    const toPoll: SoaPoll[] = [];
    for (const secondary of secondaries) {
      const place = `${secondary.address} ${secondary.port}`;
      const watched = removed.get(place);
      if (watched?.notify.zone === zone && watched.notify.secondary.poll === secondary.poll) {
        // The new settings may have fixed the problem, for example a wrong key.
        if (reconfigure(watched, secondary)) toNotify.push(watched.notify);
        notified.secondaries.set(place, watched);
        removed.delete(place);
      } else {
        const added = this.#watch(notified, secondary);
        notified.secondaries.set(place, added);
        toNotify.push(added.notify);
        toPoll.push(added.poll);
      }
    }
    for (const watched of removed.values()) end(watched);
    this.#zones.set(zone.apex.key, notified);
    this.#countSecondaries();
    for (const target of toNotify) target.notify();
    for (const poll of toPoll) poll.soon();
    this.#waits.check(zone.apex.key);
  }

  removeZone(zone: EmbeddedZone): void {
    for (const watched of this.#zones.get(zone.apex.key)?.secondaries.values() ?? []) end(watched);
    this.#zones.delete(zone.apex.key);
    this.#countSecondaries();
    this.#waits.check(zone.apex.key);
  }

  /** The zone has a new version. */
  published(zone: EmbeddedZone): void {
    const notified = this.#zones.get(zone.apex.key);
    if (notified === undefined || notified.secondaries.size === 0) return;
    const { serial } = zone.published;
    const atMs = this.#ports.timers.now();
    notified.commits.add({ serial, atMs });
    for (const { notify, poll, track } of notified.secondaries.values()) {
      if (track.held !== undefined && serialIsLater(serial, track.held.serial)) track.behindSinceMs ??= atMs;
      notify.notify();
      poll.published();
    }
  }

  /**
   * A client has named the serial that it holds, in the SOA of its IXFR. Applies to the secondary with this address; of several
   * at one address to the one with this key. A secondary that answers queries shows there what it serves; it is asked again.
   * @param isProven false for an unsigned datagram, whose source address may be forged
   */
  seen(apexKey: string, address: string, serial: number, keyName?: DomainName, isProven = true): void {
    const found = this.#find(apexKey, address, keyName);
    if (found === undefined) return;
    const { matching, commits } = found;
    for (const { notify, poll } of matching) {
      notify.wake();
      if (isProven) poll.soon();
    }
    const [only, ...others] = matching;
    if (!isProven || only === undefined || others.length > 0 || (only.notify.secondary.poll && only.track.isAnswering))
      return;
    only.track.named(serial, this.#ports.timers.now(), (after) => commits.firstAfter(after));
  }

  /**
   * A client took the last message of a transfer. Of several secondaries that neither address nor key tells apart, it was one
   * that names the serial from which the difference began.
   * @param from the serial in its IXFR; undefined for AXFR
   */
  sent(
    apexKey: string,
    address: string,
    { serial, octets, from }: { readonly serial: number; readonly octets: number; readonly from: number | undefined },
    keyName?: DomainName,
  ): void {
    const found = this.#find(apexKey, address, keyName);
    if (found === undefined) return;
    const { matching, commits } = found;
    for (const { notify, poll, track } of matching) {
      poll.soon();
      if (matching.length > 1 && from !== undefined && track.held?.serial !== from) continue;
      track.sent(serial, octets, this.#ports.timers.now(), from === undefined ? 'AXFR' : 'IXFR');
      if (!notify.secondary.poll) track.behindSinceMs = commits.firstAfter(serial);
    }
  }

  /** Resolves when all secondaries that are asked serve this serial or a later one; see ZoneSecondaries. */
  whenServed(apex: DomainName, serial: number, timeoutMs: number): Promise<ServedCount> {
    const count = () => {
      const secondaries = [...(this.#zones.get(apex.key)?.secondaries.values() ?? [])];
      const asked = secondaries.filter(({ notify }) => notify.secondary.poll);
      return { served: asked.filter(({ track }) => track.hasServed(serial)).length, listed: asked.length };
    };
    return this.#waits.wait(apex.key, count, timeoutMs);
  }

  /**
   * The secondaries of a zone that are not known to have a serial or a later one: as they answer themselves, or where they are not asked by
   * what they were sent. @returns addresses with ports
   */
  lagging(apexKey: string, serial: number): readonly string[] {
    const has = ({ notify: { secondary }, track }: Watched) => {
      if (secondary.poll) return track.hasServed(serial);
      return [track.held, track.transferred].some((at) => at !== undefined && !serialIsLater(serial, at.serial));
    };
    const secondaries = [...(this.#zones.get(apexKey)?.secondaries.values() ?? [])];
    return secondaries.filter((each) => !has(each)).map(({ notify }) => placeOf(notify.secondary));
  }

  /** Ends all waits for secondaries, so that the server can stop. */
  stopWaiting(): void {
    this.#waits.stop();
  }

  status(): SecondaryStatus[] {
    return [...this.#zones.values()].flatMap(({ zone, secondaries }) =>
      [...secondaries.values()].map(({ notify: target, track }) => ({
        zone: zone.apex,
        address: target.secondary.address,
        port: target.secondary.port,
        ...(target.secondary.key === undefined ? {} : { keyName: target.secondary.key.keyName }),
        notify: target.secondary.notify,
        poll: target.secondary.poll,
        acknowledged: target.acknowledged,
        transferred: track.transferred,
        held: track.held,
        answeredMs: track.answeredMs,
        behindSinceMs: track.behindSinceMs,
        condition: track.condition(target.secondary.poll),
        isOutstanding: target.isOutstanding,
        failures: target.failures,
        problem: target.problem,
      })),
    );
  }

  /** Cancels all timers and closes all sockets. */
  close(): void {
    this.#waits.stop();
    for (const { secondaries } of this.#zones.values()) for (const watched of secondaries.values()) end(watched);
    this.#zones.clear();
  }

  #countSecondaries(): void {
    this.#secondaries = [...this.#zones.values()].reduce((sum, { secondaries }) => sum + secondaries.size, 0);
  }

  #watch(notified: NotifiedZone, secondary: Secondary): Watched {
    const { zone } = notified;
    const { timers, open, randomId, onServed, onChange } = this.#ports;
    const track = new SecondaryTrack(zone, timers.now());
    const alarm = new SecondaryAlarm((change) => onChange?.(change));
    const poll = new SoaPoll(zone, secondary, {
      ...{ timers, open, randomId, load: this.#load },
      idleMs: () => Math.max(IDLE_MS, IDLE_PER_SECONDARY_MS * this.#secondaries),
      onResult: (result) => this.#onPoll(notified, watched, result),
    });
    const watched: Watched = { notify: new NotifyTarget(zone, secondary, this.#ports), poll, track, alarm };
    if (secondary.poll) {
      const place = { zone: zone.apex.toString(), secondary: placeOf(secondary) };
      onServed?.({ ...place, serial: undefined, timeMs: timers.now() });
    }
    return watched;
  }

  #onPoll({ zone, commits }: NotifiedZone, { notify, track, alarm }: Watched, result: PollResult): boolean {
    const nowMs = this.#ports.timers.now();
    const { secondary } = notify;
    const place = { zone: zone.apex.toString(), secondary: placeOf(secondary) };
    if (result.kind === 'serial') {
      const { serial } = result;
      const isNew = track.served !== serial;
      track.answered(serial, nowMs, (after) => commits.firstAfter(after));
      if (isNew) {
        if (!track.isAhead(serial)) this.#ports.onServed?.({ ...place, serial, timeMs: nowMs });
        this.#waits.check(zone.apex.key);
      }
    } else if (result.kind === 'problem') track.notServing(result.problem, nowMs);
    else track.silent(nowMs);
    const condition = track.condition(true);
    alarm.check({ apex: zone.apex, ...place, condition, serial: track.held?.serial, timeMs: nowMs }, secondary.notify);
    return condition.state === 'up-to-date';
  }

  /** The secondaries of a zone that a client may be; those with its key before others at its address. */
  #find(apexKey: string, address: string, keyName: DomainName | undefined) {
    const notified = this.#zones.get(apexKey);
    if (notified === undefined) return undefined;
    const there = [...notified.secondaries.values()].filter(({ notify }) => notify.secondary.address === address);
    const ofKey = there.filter(
      ({ notify: { secondary } }) => keyName !== undefined && secondary.key?.keyName.equals(keyName),
    );
    const withoutKey = there.filter(({ notify }) => notify.secondary.key === undefined);
    return { matching: ofKey.length > 0 ? ofKey : withoutKey, commits: notified.commits };
  }
}

function placeOf({ address, port }: Secondary): string {
  return formatEndpoint({ host: address, port });
}

/** @returns true if it should be notified again */
function reconfigure({ notify, poll }: Watched, secondary: Secondary): boolean {
  notify.secondary = secondary;
  if (!secondary.notify) notify.close();
  poll.configure(secondary);
  return notify.problem !== undefined;
}

function end({ notify, poll }: Watched): void {
  notify.close();
  poll.close();
}
