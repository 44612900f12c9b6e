/**
 * The slow changes of a signed zone: its first CDS, rollover (RFC 7583 §2.1 double signature; of the algorithm RFC 6781 §4.1.4), and leaving
 * DNSSEC (RFC 8078 §4). One step at a time; each waits for secondaries, for caches or for the parent. What is published, and the times in the
 * key files, are the whole state (keys/key-roles.ts): after a restart a wait goes on, or begins again.
 */
import { AppError, errorText } from '../../core/errors.ts';
import type { ParentZone } from '../../core/zones/parent-zone.ts';
import { algorithmMnemonic, type KeyPair } from '../../dns/dnssec/key-file.ts';
import type { SigningKey } from '../../dns/dnssec/signing-key.ts';
import { RRType } from '../../dns/rdata.ts';
import { isIn, isPast, type KeyRoles, keysOf, rolesOf, useOf } from '../keys/key-roles.ts';
import type { TimeChanges, ZoneKeyFiles } from '../keys/key-store.ts';
import { dnskeysOf } from '../keys/missing-keys.ts';
import { signedAt } from '../signing/zone-signer.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { findRRset } from '../zone/zone-node.ts';
import { PACE, type ProcedurePace } from './key-pace.ts';
import { ParentWatch } from './key-parent.ts';
import { Waits } from './key-waits.ts';
import type { ZoneSigning } from './zone-signing.ts';

/** Where a zone is, and what the next step waits for. */
export interface ProcedureState {
  readonly kind: 'first-signing' | 'rollover' | 'algorithm-change' | 'leaving';
  readonly step: 'signatures' | 'secondaries' | 'caches' | 'parent';
  /** A sentence. */
  readonly text: string;
  /** Seconds since 1970. */
  readonly since: number;
  /** Seconds since 1970: when the step ends, where that is known. */
  readonly until?: number;
}

const DAY_SECONDS = 86_400;

export interface KeyProcedureOptions {
  readonly zone: EmbeddedZone;
  readonly signing: ZoneSigning;
  readonly keys: ZoneKeyFiles;
  /** Secondaries that are not known to have the serial, or a later one. */
  readonly lagging: (serial: number) => readonly string[];
  /** Undefined in a command, which does not wait. */
  readonly parent: ParentZone | undefined;
  readonly pace?: ProcedurePace | undefined;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Milliseconds that a clock that is set does not change. */
  readonly monotonicMs: () => number;
  readonly onWarning: (text: string) => void;
  readonly onProgress: (text: string) => void;
  /** The zone has other CDS records. The parent is notified of them afterwards. Never rejects. */
  readonly onAnnounced: () => Promise<void>;
  /** The zone was unsigned. */
  readonly onUnsigned: () => void;
}

type Step = ProcedureState | 'again' | undefined;

export class KeyProcedure {
  readonly #options: KeyProcedureOptions;
  readonly #pace: ProcedurePace;
  #pairs: readonly KeyPair[];
  #state: ProcedureState | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** All signatures of the policy were found since the last change of the keys, or since the start. */
  #isComplete = false;
  /** What secondaries must have. */
  #target: number | undefined;
  /** The greatest TTL since the procedure began, in seconds: an edit may have lowered it. */
  #greatestTtl = 0;
  readonly #waits: Waits;
  readonly #parent: ParentWatch;
  #isForced = false;
  #warnedAt: number | undefined;
  #failure: string | undefined;

  constructor(options: KeyProcedureOptions) {
    this.#options = options;
    this.#pace = options.pace ?? PACE;
    this.#pairs = options.keys.load();
    const { zone, parent, now } = options;
    this.#waits = new Waits(options);
    const { apex } = zone;
    this.#parent = new ParentWatch({
      apex,
      parent,
      pace: this.#pace,
      now,
      waits: this.#waits,
      onReport: () => this.#kick(),
    });
  }

  /** Goes on, now and at intervals. */
  start(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = setInterval(() => this.#kick(), this.#pace.tickMs).unref();
    this.#kick();
  }

  /** Ends after the step in progress. The zone's signing must be closed before it resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#turn;
  }

  /** Undefined: nothing is in progress. */
  get state(): ProcedureState | undefined {
    return this.#state;
  }

  /** Does whatever can be done now. Never throws. */
  advance(): Promise<void> {
    return this.#inTurn(() => this.#advance()).catch((error: unknown) => this.#failed(error));
  }

  /**
   * Begins a rollover to a new key.
   * @param algorithm one of DnssecAlgorithm; undefined: that of the zone
   * @throws AppError conflict while something else is in progress, primary-refused; KeyStoreError
   */
  async roll(algorithm: number | undefined): Promise<void> {
    this.#requireIdle();
    await this.#inTurn(() => this.#begin(algorithm));
    this.#kick();
  }

  /** Removes the old key without the check of the parent. @throws AppError conflict unless a rollover waits for the parent */
  async forceRoll(): Promise<void> {
    const isWaiting = (state: ProcedureState | undefined) =>
      state !== undefined && state.kind !== 'leaving' && state.step === 'parent';
    await this.advance();
    if (!isWaiting(this.#state) && !this.#isBeforeDelete()) {
      throw this.#conflict('--force goes on with a rollover that waits for the parent, and none does.');
    }
    this.#isForced = true;
    await this.advance();
  }

  /**
   * Asks the parent to delete its DS (RFC 8078 §4), and unsigns the zone when that is done.
   * @param isForced unsigns it at once
   * @throws AppError conflict if the zone is not signed, primary-refused; KeyStoreError
   */
  async leave(isForced: boolean): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#options.zone.published.isSigned) throw this.#conflict('It is not signed.');
      if (isForced) return this.#unsign();
      if (this.#isLeaving) return;
      this.#parent.forget();
      await this.#announce('delete');
    });
    this.#kick();
  }

  /** Takes `leave` back. @throws AppError conflict if the zone is not leaving, primary-refused; KeyStoreError */
  async stay(): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#isLeaving) throw this.#conflict('It is not leaving DNSSEC.');
      const { next, old } = this.#roles;
      this.#setTimes(next, { Inactive: undefined });
      this.#parent.forget();
      const { now } = this.#options;
      const isNext = next.every(({ times }) => isPast(times.SyncPublish, now()));
      await this.#announce(isNext ? keysOf(next) : old.length > 0 ? keysOf(old) : undefined);
    });
    this.#kick();
  }

  get #roles(): KeyRoles {
    return rolesOf(this.#options.zone.published, this.#pairs);
  }

  get #announced(): readonly SigningKey[] | 'delete' | undefined {
    return this.#options.signing.policy.announced;
  }

  get #isLeaving(): boolean {
    return this.#announced === 'delete';
  }

  #kick(): void {
    void this.advance();
  }

  #inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(task);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #advance(): Promise<void> {
    for (;;) {
      if (this.#isClosed) return;
      const step = await this.#step();
      this.#failure = undefined;
      if (step === 'again') continue;
      this.#state = step && this.#sameSince(step);
      if (step === undefined) this.#ended();
      else this.#warnDaily(step);
      return;
    }
  }

  /** A wait of the same kind keeps its beginning. */
  #sameSince(step: ProcedureState): ProcedureState {
    const before = this.#state;
    const isSame = before?.kind === step.kind && before.step === step.step && before.until === step.until;
    return isSame ? { ...step, since: Math.min(before.since, step.since) } : step;
  }

  #ended(): void {
    this.#greatestTtl = 0;
    this.#warnedAt = undefined;
    this.#parent.forget();
  }

  #failed(error: unknown): void {
    if (this.#isClosed) return;
    const text = errorText(error);
    if (this.#failure === text) return;
    this.#failure = text;
    this.#options.onWarning(
      `The keys of the zone '${this.#options.zone.apex}' could not be changed; it is tried again: ${text}`,
    );
  }

  async #step(): Promise<Step> {
    if (!this.#options.zone.published.isSigned) return undefined;
    if (this.#isLeaving) return this.#leaveStep();
    const roles = this.#roles;
    const { next, old } = roles;
    if (old.length === 0 && this.#announced !== undefined) {
      const incomplete = next.filter(({ times }) => times.Activate === undefined || times.SyncPublish === undefined);
      const time = this.#options.now();
      this.#setTimes(incomplete, { Publish: time, Activate: time, SyncPublish: time });
      return undefined;
    }
    return this.#isOut(old) && !this.#isOut(next) ? this.#removeOld(roles) : this.#bringIn(roles);
  }

  /** From the first signature of the next key to its CDS. */
  async #bringIn(roles: KeyRoles): Promise<Step> {
    const { next, old, isAlgorithmChange } = roles;
    const { signing } = this.#options;
    if (!this.#isComplete) return this.#complete(roles);
    const isPublished = !this.#isOut(next);
    if (next.some(({ times }) => times.Activate === undefined)) {
      const waiting = this.#waitForSecondaries('the zone signed with the key');
      if (waiting !== undefined) return waiting;
      const Activate = this.#options.now();
      for (const pair of next) {
        const { Publish, SyncPublish } = pair.times;
        const changes: TimeChanges = isPublished
          ? { Publish: Publish ?? Activate, SyncPublish: this.#afterCaches(SyncPublish) }
          : { Publish: this.#afterCaches(Publish) };
        this.#setTimes([pair], { Activate, ...changes });
      }
      return 'again';
    }
    if (!isPublished) {
      const waiting = this.#waitUntil(next, 'Publish', 'have the zone without signatures of the new algorithm');
      if (waiting !== undefined) return waiting;
      await signing.use({ published: keysOf([...old, ...next]) });
      this.#target = undefined;
      return 'again';
    }
    if (next.some(({ times }) => times.SyncPublish === undefined)) {
      const waiting = this.#waitForSecondaries('the new DNSKEY');
      if (waiting !== undefined) return waiting;
      this.#setTimes(next, { SyncPublish: this.#afterCaches(undefined) });
      return 'again';
    }
    const what = old.length > 0 ? 'have the zone as it was before the new key' : 'have the zone without signatures';
    const waiting = this.#waitUntil(next, 'SyncPublish', what);
    if (waiting !== undefined) return waiting;
    if (!this.#isAnnounced(next)) {
      this.#parent.forget();
      await this.#announce(keysOf(next));
      return 'again';
    }
    return old.length === 0 ? undefined : this.#swapAtParent({ next, old, isAlgorithmChange });
  }

  /** All signatures that the keys should have made. */
  async #complete(roles: KeyRoles): Promise<Step> {
    const { next, old } = roles;
    const since = Math.max(...next.map(({ times }) => times.Created ?? 0));
    this.#state = this.#stateOf('signatures', 'The signatures of the key are being made.', since);
    const missing = await this.#completeSignatures();
    // They were there, or their wait begins again: data of an older database.
    if (missing > 0) this.#setTimes(activeOf(next), { Activate: undefined });
    if (old.length === 0) {
      for (const pair of next) {
        if (pair.times.SyncPublish === undefined) this.#setTimes([pair], { SyncPublish: this.#afterCaches(undefined) });
      }
    }
    this.#isComplete = true;
    return 'again';
  }

  async #completeSignatures(): Promise<number> {
    const { signing } = this.#options;
    const missing = await signing.complete();
    this.#greatestTtl = Math.max(this.#greatestTtl, signing.greatestTtl);
    this.#target = undefined;
    return missing;
  }

  /** The parent has the new DS; then caches forget the old one; then the old DNSKEY goes. */
  async #swapAtParent({ next, old, isAlgorithmChange }: KeyRoles): Promise<Step> {
    const deleteAt = old[0]!.times.Delete;
    if (!this.#isForced) {
      const since = Math.max(...next.map(({ times }) => times.SyncPublish ?? 0));
      const seen = this.#parent.poll(since, deleteAt);
      if (seen === undefined) return this.#stateOf('parent', 'The parent is being checked.', since);
      const why = this.#parent.whyNotSwapped(seen.report, next, old);
      if (why !== undefined) {
        if (deleteAt !== undefined) this.#setTimes(old, { Delete: undefined });
        return this.#stateOf('parent', `Waits until the parent has the DS record of the new key alone: ${why}`, since);
      }
      if (deleteAt === undefined) {
        this.#setTimes(old, { Delete: this.#waits.end(seen.at + this.#parent.oldDsTtl(seen.report)) });
        return 'again';
      }
      if (!this.#waits.isOver(deleteAt) || seen.startedAt <= deleteAt) {
        return this.#caches('have the old DS record', seen.at, deleteAt);
      }
    }
    this.#isForced = false;
    const keys = keysOf(next);
    await this.#options.signing.use(isAlgorithmChange ? { published: keys } : { published: keys, keys });
    this.#target = undefined;
    return 'again';
  }

  #isBeforeDelete(): boolean {
    return !this.#isLeaving && this.#roles.old.some(({ times }) => times.Delete !== undefined);
  }

  /** The DNSKEY of the old key is gone; its signatures and its files follow. */
  async #removeOld({ next, old, isAlgorithmChange }: KeyRoles): Promise<Step> {
    const { signing, keys, zone, onProgress } = this.#options;
    if (isAlgorithmChange) {
      if (old.some(({ times }) => times.Inactive === undefined)) {
        const waiting = this.#waitForSecondaries('the zone without the old DNSKEY');
        if (waiting !== undefined) return waiting;
        await this.#measure();
        this.#setTimes(old, { Inactive: this.#afterCaches(undefined) });
        return 'again';
      }
      const waiting = this.#waitUntil(old, 'Inactive', 'have the old DNSKEY');
      if (waiting !== undefined) return waiting;
    }
    this.#state = this.#stateOf('signatures', 'The signatures of the old key are being removed.', this.#options.now());
    await signing.use({ keys: keysOf(next), published: keysOf(next) });
    await this.#completeSignatures();
    for (const { key } of old) {
      const path = keys.remove(key.keyTag);
      onProgress(`The zone '${zone.apex}' no longer uses the key ${key.keyTag}; its files are kept as '${path}'.`);
    }
    this.#pairs = keys.load();
    return 'again';
  }

  async #leaveStep(): Promise<Step> {
    const { next } = this.#roles;
    const unsignAt = next[0]!.times.Inactive;
    const since = this.#cdsSince();
    const seen = this.#parent.poll(since, unsignAt);
    if (seen === undefined) return this.#stateOf('parent', 'The parent is being checked.', since);
    const why = this.#parent.whyNotDeleted(seen.report);
    if (why !== undefined) {
      if (unsignAt !== undefined) this.#setTimes(next, { Inactive: undefined });
      return this.#stateOf('parent', `Waits until the parent has no DS record of the zone: ${why}`, since);
    }
    if (unsignAt === undefined) {
      this.#setTimes(next, { Inactive: this.#waits.end(seen.at + this.#parent.oldDsTtl(seen.report)) });
      return 'again';
    }
    if (!this.#waits.isOver(unsignAt) || seen.startedAt <= unsignAt) {
      return this.#caches('have the DS record', seen.at, unsignAt);
    }
    await this.#unsign();
    return undefined;
  }

  async #unsign(): Promise<void> {
    const { zone, signing, keys, now, onWarning, onUnsigned } = this.#options;
    const before = this.#state;
    const text = 'The signatures are being removed. The zone is served signed until all are.';
    this.#state = { kind: 'leaving', step: 'signatures', text, since: now() };
    try {
      await signing.unsign();
    } catch (error) {
      this.#state = before;
      throw error;
    }
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#state = undefined;
    onUnsigned();
    for (const { key } of keys.load()) keys.remove(key.keyTag);
    onWarning(
      `The zone '${zone.apex}' is not signed any more. Remove 'dnssec' from its options: the next start would sign it again, with a new key.`,
    );
  }

  async #begin(algorithm: number | undefined): Promise<void> {
    this.#requireIdle();
    const { zone, signing, keys, now } = this.#options;
    const before = this.#roles.next;
    await this.#completeSignatures();
    // Those of a rollover that did not begin.
    for (const { key } of this.#pairs) if (!before.some((pair) => pair.key === key)) keys.remove(key.keyTag);
    const current = before[0]!.key.dnskey.algorithm;
    const added = keys.generate(algorithm ?? current);
    const lower = this.#afterCaches(undefined);
    const isChange = before.every(({ key }) => key.dnskey.algorithm !== added.key.dnskey.algorithm);
    keys.setTimes(added.key.keyTag, isChange ? { Publish: lower } : { SyncPublish: lower });
    this.#setTimes(before, { SyncDelete: lower, Inactive: undefined, Delete: undefined });
    this.#isComplete = false;
    this.#isForced = false;
    await signing.use(useOf(zone.published, this.#roles, now()));
    this.#state = this.#stateOf('signatures', 'The signatures of the key are being made.', now());
  }

  /** @throws AppError conflict */
  #requireIdle(): void {
    if (!this.#options.zone.published.isSigned) throw this.#conflict('It is not signed.');
    if (this.#isLeaving) throw this.#conflict("It is leaving DNSSEC: run 'dyndns zone dnssec ZONE stay' first.");
    if (this.#roles.old.length > 0) {
      throw this.#conflict(`A rollover is in progress: ${this.#state?.text ?? 'it has just begun.'}`);
    }
    if (this.#announced === undefined) {
      throw this.#conflict('It has no CDS record of its first key yet, so that no other can follow.');
    }
  }

  #conflict(why: string): AppError {
    return new AppError('conflict', `The zone '${this.#options.zone.apex}': ${why}`);
  }

  /** Publishes other CDS and CDNSKEY records, and notifies the parent of them. */
  async #announce(announced: readonly SigningKey[] | 'delete' | undefined): Promise<void> {
    const { zone, signing, parent, onAnnounced, onProgress, onWarning } = this.#options;
    await signing.use({ announced });
    if (announced !== undefined && announced !== 'delete') {
      const keys = announced.map(({ keyTag, dnskey }) => `${keyTag} (${algorithmMnemonic(dnskey.algorithm)})`);
      onWarning(
        `The zone '${zone.apex}' has a CDS record of the key ${keys.join(', ')}. If its parent does not read CDS records, give it the DS record: run 'dyndns zone dnssec ${zone.apex}'.`,
      );
    }
    void onAnnounced().then(async () => {
      for (const text of (await parent?.notifyCds(zone.apex)) ?? [])
        onProgress(`The parent of '${zone.apex}' was not notified of its CDS records: ${text}`);
    });
  }

  #isAnnounced(pairs: readonly KeyPair[]): boolean {
    const announced = this.#announced;
    if (announced === undefined || announced === 'delete') return false;
    return pairs.every(({ key }) => announced.some(({ keyTag }) => keyTag === key.keyTag));
  }

  /** No DNSKEY of them is published. */
  #isOut(pairs: readonly KeyPair[]): boolean {
    const dnskeys = dnskeysOf(this.#options.zone.published);
    return pairs.length > 0 && !pairs.some(({ key }) => isIn(dnskeys, key));
  }

  #setTimes(pairs: readonly KeyPair[], changes: TimeChanges): void {
    const { keys } = this.#options;
    if (pairs.length === 0) return;
    for (const { key } of pairs) keys.setTimes(key.keyTag, changes);
    this.#pairs = keys.load();
  }

  async #measure(): Promise<void> {
    const { signing } = this.#options;
    this.#greatestTtl = Math.max(this.#greatestTtl, signing.greatestTtl);
    if (this.#greatestTtl === 0) await this.#completeSignatures();
  }

  /** When caches have forgotten what was published until now. @param atLeast an end that was planned before */
  #afterCaches(atLeast: number | undefined): number {
    return this.#waits.end(Math.max(atLeast ?? 0, this.#options.now() + this.#greatestTtl));
  }

  #waitUntil(
    pairs: readonly KeyPair[],
    name: 'Publish' | 'SyncPublish' | 'Inactive',
    what: string,
  ): ProcedureState | undefined {
    const until = Math.max(...pairs.map(({ times }) => times[name] ?? 0));
    if (this.#waits.isOver(until)) return undefined;
    return this.#caches(what, this.#options.now(), until);
  }

  #caches(what: string, since: number, until: number): ProcedureState {
    return { ...this.#stateOf('caches', `Waits for resolvers that may ${what}.`, since), until };
  }

  #waitForSecondaries(what: string): ProcedureState | undefined {
    const { zone, lagging, now } = this.#options;
    this.#target ??= zone.published.serial;
    const behind = lagging(this.#target);
    if (behind.length === 0) return undefined;
    const text = `Waits until each secondary has ${what} (serial ${this.#target}); not yet: ${behind.join(', ')}.`;
    return this.#stateOf('secondaries', text, now());
  }

  #stateOf(step: ProcedureState['step'], text: string, since: number): ProcedureState {
    return { kind: this.#kind(), step, text, since };
  }

  #kind(): ProcedureState['kind'] {
    if (this.#isLeaving) return 'leaving';
    const { old, isAlgorithmChange } = this.#roles;
    if (old.length === 0) return 'first-signing';
    return isAlgorithmChange ? 'algorithm-change' : 'rollover';
  }

  /** When the CDS was signed. */
  #cdsSince(): number {
    const { zone, now } = this.#options;
    const [signature] = findRRset(zone.published.apexNode, RRType.CDS)?.signatures ?? [];
    return signature === undefined ? now() : signedAt(signature);
  }

  /** The first one after a day. */
  #warnDaily({ step, text, since }: ProcedureState): void {
    const { now, zone, onWarning } = this.#options;
    if (step === 'signatures' || step === 'caches') return;
    if (now() - Math.max(since, this.#warnedAt ?? 0) < DAY_SECONDS) return;
    this.#warnedAt = now();
    onWarning(`The keys of the zone '${zone.apex}' are in the middle of a change. ${text}`);
  }
}

function activeOf(pairs: readonly KeyPair[]): readonly KeyPair[] {
  return pairs.filter(({ times }) => times.Activate !== undefined);
}
