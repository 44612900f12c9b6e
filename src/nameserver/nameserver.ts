/**
 * The embedded nameserver: opens database, zones, group commit and sockets, connects them, applies reloads, and closes
 * everything in order. What the parts do is in the folders beside this file.
 */

import type { RecoveryReport, ZoneAdmin } from '../core/admin/zone-admin.ts';
import { errorText } from '../core/errors.ts';
import type { NameserverStatistics } from '../core/monitoring.ts';
import type { ChangeOfSignatures } from '../core/notices/notices.ts';
import type { ZonePublisher } from '../core/zones/publisher.ts';
import type { ZoneSecondaries } from '../core/zones/secondaries.ts';
import type { ZoneRecords } from '../core/zones/zone-records.ts';
import type { DomainName } from '../dns/name.ts';
import { type DatabaseLock, lockDatabase } from '../sqlite/lock.ts';
import { SqliteError } from '../sqlite/sqlite-error.ts';
import { SliceTurns } from './admin/time-slices.ts';
import { EmbeddedZoneAdmin } from './admin/zone-admin.ts';
import { VersionSnapshot } from './admin/zone-records.ts';
import { type CookieAnswers, cookieAnswers, dailySecrets } from './answer/cookie-answers.ts';
import type { DnsService } from './answer/dns-service.ts';
import { NameserverService } from './answer/service.ts';
import { NameserverCounts, secondaryLag } from './counts.ts';
import type { SignedZones } from './dnssec/signed-zones.ts';
import type { DnssecSettings } from './dnssec/zone-signing.ts';
import { type Commit, Committer, SLOW_MS } from './journal/committer.ts';
import type { Journal } from './journal/journal.ts';
import { describeWithheld, type WithheldZone } from './journal/withheld-zone.ts';
import type { KeyStore } from './keys/key-store.ts';
import type { NameserverOptions, NameserverSettings, NameserverZone } from './nameserver-options.ts';
import { Notifier, type SecondaryStatus } from './notify/notify.ts';
import type { Secondary } from './notify/notify-target.ts';
import type { SecondaryChange } from './notify/secondary-alarm.ts';
import { openJournal } from './open-journal.ts';
import { type DnsListenAddress, DnsListeners } from './sockets/listeners.ts';
import { TCP_LIMITS } from './sockets/tcp-limits.ts';
import type { ReadableZone } from './threads/answering-thread.ts';
import { AnsweringThreads } from './threads/answering-threads.ts';
import { serveTransfer, type TransferContext } from './transfer/serve-transfer.ts';
import type { TransferAccess } from './transfer/transfer-access.ts';
import { EmbeddedPublisher } from './update/publisher.ts';
import { serveUpdate } from './update/serve-update.ts';
import { EmbeddedUpdates } from './update/updatable-zone.ts';
import type { UpdateZone } from './update/update-in.ts';
import {
  nothingToRecover,
  notRecoverable,
  notServed,
  versionToServe,
  WithheldPublisher,
  WithheldUpdates,
} from './withheld.ts';
import { ZoneDraft } from './zone/draft.ts';
import type { EmbeddedZone } from './zone/embedded-zone.ts';
import { describeTooLarge, type ZoneLimits } from './zone/limits.ts';
import { namesWithEqualMembers, removeEqualMembers } from './zone/rrset-members.ts';
import {
  newVersion,
  type OnCollision,
  replaceStatics,
  type StaticContent,
  staticOwnerNames,
} from './zone/static-records.ts';
import { describeUnserved } from './zone/unserved.ts';
import { nameOf } from './zone/zone-version.ts';

interface ServedZone {
  /** Undefined: the zone is withheld. */
  readonly embedded: EmbeddedZone | undefined;
  readonly content: StaticContent;
  readonly publisher: ZonePublisher;
  readonly update: UpdateZone;
  readonly access: TransferAccess;
  readonly secondaries: readonly Secondary[];
}

/** Everything made from one configuration. A reload makes another one and swaps them. */
interface Generation {
  readonly settings: NameserverSettings;
  /** By `DomainName.key` of the apex, like `index`. */
  readonly zones: ReadonlyMap<string, ServedZone>;
  /** The zones that are served. */
  readonly index: ReadonlyMap<string, EmbeddedZone>;
  readonly service: NameserverService;
  /** As the service sees them, by `DomainName.key` of the apex: with those that are withheld. */
  readonly answered: ReadonlyMap<string, ReadableZone>;
}

const nowSeconds = () => Math.floor(Date.now() / 1000);

export class Nameserver {
  readonly admin: ZoneAdmin;
  readonly #options: NameserverOptions;
  readonly #lock: DatabaseLock;
  readonly #journal: Journal;
  readonly #committer: Committer;
  readonly #notifier: Notifier;
  readonly #listeners = new DnsListeners();
  readonly #counts = new NameserverCounts();
  readonly #cookies: CookieAnswers;
  readonly #searches = new SliceTurns();
  /** Every zone that is loaded, also one that a reload removed from the configuration. */
  readonly #loaded = new Map<string, EmbeddedZone>();
  /** Undefined until a zone is signed, or is to be. */
  #signed: SignedZones | undefined;
  /** Changes of signatures from before it listens: what receives them is not there yet. Undefined afterwards. */
  #unreported: ChangeOfSignatures[] | undefined = [];
  /** Loaded where something is signed, or asks for keys. */
  #keyStore: KeyStore | undefined;
  /** Undefined: this thread answers alone. */
  #threads: AnsweringThreads | undefined;
  #generation: Generation;
  /** A reload and a recovery make generations one after the other. */
  #changing: Promise<unknown> = Promise.resolve();

  /**
   * Opens the database and applies the settings to its zones.
   * @throws DatabaseLockedError, SqliteError, StaticConflict
   */
  static async open(options: NameserverOptions): Promise<Nameserver> {
    const lock = await lockDatabase(options.database);
    let journal: Journal | undefined;
    try {
      journal = await openJournal(lock.file, options);
      const nameserver = new Nameserver(options, lock, journal);
      await nameserver.#apply(options.settings, 'set-aside');
      nameserver.#warnOfData();
      return nameserver;
    } catch (error) {
      await journal?.close();
      lock.release();
      throw error;
    }
  }

  private constructor(options: NameserverOptions, lock: DatabaseLock, journal: Journal) {
    this.#options = options;
    this.#cookies = cookieAnswers(dailySecrets(options.cookieKey));
    this.#lock = lock;
    this.#journal = journal;
    this.#committer = new Committer({
      log: journal,
      onPublished: (commits, changes, durationMs) => this.#published(commits, changes, durationMs),
      onSlow: () =>
        options.onWarning(
          `The disk of the zone database '${journal.file}' has not confirmed a change for ${SLOW_MS / 1000} s. Clients wait for it.`,
        ),
      onFailed: (error) => {
        this.#counts.commitFailed();
        options.onWarning(`The zone database could not be written: ${errorText(error)}`);
      },
    });
    this.#notifier = new Notifier(
      ({ zone, secondary, problem }) =>
        options.onWarning(`The secondary ${secondary.address} of the zone ${zone.apex} ${problem}.`),
      {
        onSent: this.#counts.notifySent,
        onAcknowledged: this.#counts.notifyAcknowledged,
        ...(options.onServed && { onServed: options.onServed }),
        onChange: (change) => this.#secondaryChanged(change),
      },
    );
    this.admin = new EmbeddedZoneAdmin({
      zones: () => this.#generation.index,
      withheld: () => this.#withheld(),
      recover: (apex, serial) => this.#oneAtATime(() => this.#recover(apex, serial)),
      committer: this.#committer,
      journal,
      secondaries: () => this.secondaries,
      limits: () => this.#generation.settings.limits,
      keys: () => this.#keys(),
      procedureOf: (apex) => this.#signed?.procedureOf(apex),
      signing: (apexKey) => this.#signed?.state(apexKey),
    });
    this.#generation = this.#makeGeneration({ ...options.settings, zones: [] }, new Map());
  }

  /** Of a database from before names in RDATA were compared without case. */
  async #mergeEqualMembers(zone: EmbeddedZone): Promise<void> {
    const names = namesWithEqualMembers(zone.published);
    if (names.length === 0) return;
    await this.#committer.change(zone, (draft) => removeEqualMembers(draft, names));
    this.#options.onWarning(
      `The zone ${zone.apex} had records at ${names.length} names, such as '${nameOf(names[0]!.wireText)}', that differ only in the letter case of names in their data. One of each is left, and secondaries transfer the zone again.`,
    );
  }

  /** Status of the secondaries of all zones. */
  get secondaries(): readonly SecondaryStatus[] {
    return this.#notifier.status();
  }

  statistics(): NameserverStatistics {
    const zones = [...this.#generation.index.values()].map(({ apex, published }) => {
      return { zone: apex.toString(), serial: published.serial };
    });
    return {
      ...this.#counts.read(),
      zones,
      secondaries: this.secondaries.map(secondaryLag),
      signings: this.#signed?.figures() ?? [],
    };
  }

  /** The addresses it listens on; empty before `listen`. */
  get addresses(): readonly string[] {
    return this.#listeners.addresses;
  }

  /** @throws Error if the zone is not in the settings */
  publisher(apex: DomainName): ZonePublisher {
    return this.#zoneOf(apex).publisher;
  }

  /** The secondaries of a zone, for those who wait for them. @throws Error if the zone is not in the settings */
  secondariesOf(apex: DomainName): ZoneSecondaries {
    const zone = this.#zoneOf(apex);
    const notifier = this.#notifier;
    // A zone that is not served now may be recovered later.
    const serial = () => (zone.embedded ?? this.#loaded.get(apex.key))?.published.serial ?? 0;
    return {
      get serial() {
        return serial();
      },
      whenServed: (serial, timeoutMs) => notifier.whenServed(apex, serial, timeoutMs),
    };
  }

  /** All records of a zone. @throws Error if the zone is not in the settings */
  recordsOf(apex: DomainName): ZoneRecords {
    // Found at each call: a reload and a recovery make others.
    const zone = () => this.#zoneOf(apex);
    return {
      snapshot: () => {
        const { embedded } = zone();
        const withheld = this.#journal.withheld.get(apex.key);
        if (embedded === undefined && withheld !== undefined) throw notServed(withheld);
        return new VersionSnapshot(embedded!.published, this.#searches);
      },
      updates: { applyUpdate: (...call) => zone().update.target.applyUpdate(...call) },
    };
  }

  /** Ends all waits for secondaries. To be called first when the server stops: requests wait for them. */
  stopWaiting(): void {
    this.#notifier.stopWaiting();
  }

  /** Keys of the owner names of the static records of a zone. @throws Error if the zone is not in the settings */
  staticNames(apex: DomainName): ReadonlySet<string> {
    return staticOwnerNames(this.#zoneOf(apex).content);
  }

  #zoneOf(apex: DomainName): ServedZone {
    const zone = this.#generation.zones.get(apex.key);
    if (zone === undefined) throw new Error(`no embedded zone ${apex}`);
    return zone;
  }

  /**
   * Applies settings of a reload: static records in one serial step for each zone, keys, secondaries. If it fails, the
   * settings before stay in force, with their static records.
   * @throws StaticConflict, SqliteError
   */
  apply(settings: NameserverSettings): Promise<void> {
    return this.#oneAtATime(() => this.#apply(settings, 'refuse'));
  }

  /** @param onCollision a start does not fail for data */
  async #apply(settings: NameserverSettings, onCollision: OnCollision): Promise<void> {
    await this.#load(settings.zones.map(({ content }) => content.apex));
    for (const { content } of settings.zones) this.#checkStatics(content, onCollision);
    const zones = new Map<string, ServedZone>();
    try {
      for (const zone of settings.zones)
        zones.set(zone.content.apex.key, await this.#openZone(zone, settings.limits, onCollision));
    } catch (error) {
      await this.#restoreStatics([...zones.keys()]);
      throw error;
    }
    this.#use(this.#makeGeneration(settings, zones));
    this.#listeners.setTcpIdle(tcpIdleOf(settings) * 1000);
    if (this.addresses.length > 0) this.#setSecondaries();
  }

  /** Loads zones that are new in the configuration, and reports those that cannot be served. @throws SqliteError */
  async #load(apexes: readonly DomainName[]): Promise<void> {
    const { withheld } = this.#journal;
    const unloaded = apexes.filter(({ key }) => !this.#loaded.has(key) && !withheld.has(key));
    if (unloaded.length === 0) return;
    for (const zone of await this.#journal.load(unloaded)) {
      this.#loaded.set(zone.apex.key, zone);
      // A signed zone is of a later release than such members.
      if (!zone.published.isSigned) await this.#mergeEqualMembers(zone);
    }
    for (const { key } of unloaded) {
      const found = withheld.get(key);
      if (found !== undefined) this.#options.onWarning(describeWithheld(found));
    }
  }

  /** The zones of the configuration that are not served. */
  #withheld(): WithheldZone[] {
    const { zones } = this.#generation;
    return [...this.#journal.withheld.values()].filter(({ apex }) => zones.has(apex.key));
  }

  /** Serves what is there of a withheld zone. */
  async #recover(apex: DomainName, serial: number | undefined): Promise<RecoveryReport> {
    const { settings } = this.#generation;
    const zone = settings.zones.find(({ content }) => content.apex.equals(apex));
    const withheld = this.#journal.withheld.get(apex.key);
    if (zone === undefined || withheld === undefined) throw nothingToRecover(apex, this.#loaded.get(apex.key));
    const { stored } = withheld;
    const version = versionToServe(withheld, zone.content, serial, nowSeconds());
    const embedded = await this.#journal.recover(withheld, version).catch((cause: unknown) => {
      throw cause instanceof SqliteError ? notRecoverable(apex, cause) : cause;
    });
    this.#loaded.set(apex.key, embedded);
    await this.#mergeEqualMembers(embedded);
    const zones = new Map(this.#generation.zones);
    zones.set(apex.key, await this.#openZone(zone, settings.limits, 'set-aside'));
    this.#use(this.#makeGeneration(settings, zones));
    if (this.addresses.length > 0) this.#setSecondaries();
    // A signed zone was signed again meanwhile.
    const { serial: served } = (this.#loaded.get(apex.key) ?? embedded).published;
    this.#options.onWarning(`The zone '${apex}' was recovered and is served with the serial ${served}.`);
    return {
      ...(stored?.serial !== undefined && { before: stored.serial }),
      ...(withheld.knownSerial !== undefined && { known: withheld.knownSerial }),
      serial: served,
      names: version.nodes.size,
      lost: stored?.damage.sentences ?? [],
      lostCount: stored?.damage.count ?? 0,
    };
  }

  #oneAtATime<Result>(task: () => Promise<Result>): Promise<Result> {
    const done = this.#changing.then(task);
    this.#changing = done.catch(() => undefined);
    return done;
  }

  /** Only while listening: a NOTIFY makes the secondary request a transfer at once. */
  #setSecondaries(): void {
    for (const zone of this.#loaded.values()) {
      const served = this.#generation.zones.get(zone.apex.key);
      if (served === undefined) this.#notifier.removeZone(zone);
      else this.#notifier.setSecondaries(zone, served.secondaries);
    }
    this.#signed?.start();
  }

  #use(generation: Generation): void {
    this.#generation = generation;
    const { limiter, nsid, chaosVersion } = generation.settings;
    this.#threads?.setZones(generation.answered.values(), {
      nsid,
      chaosVersion,
      tcpIdleSeconds: tcpIdleOf(generation.settings),
      cookieKey: this.#options.cookieKey,
      limiter: limiter?.share(),
    });
  }

  /**
   * @param connections the most over TCP of each address
   * @param threads that answer queries over UDP, each with sockets of its own; 0: the main thread has the sockets
   * @throws DnsListenError
   */
  async listen(
    listen: readonly DnsListenAddress[],
    isDefault: boolean,
    { connections, threads = 0 }: { readonly connections?: number; readonly threads?: number } = {},
  ): Promise<void> {
    const { onWarning } = this.#options;
    const onFault = (error: unknown) => onWarning(`The nameserver reported an error: ${errorText(error)}`);
    const service: DnsService = {
      answerDatagram: (octets, peer) => this.#generation.service.answerDatagram(octets, peer),
      answerStream: (octets, peer) => this.#generation.service.answerStream(octets, peer),
    };
    if (threads > 0) this.#startThreads(threads, service, onFault);
    await this.#listeners.open(service, {
      listen,
      isDefault,
      ...(connections !== undefined && { tcpLimits: { connections } }),
      onWarning,
      onFault,
      makeUdp: this.#threads && (() => this.#threads!.socket()),
    });
    this.#setSecondaries();
    const changes = this.#unreported ?? [];
    this.#unreported = undefined;
    for (const change of changes) this.#options.onSignatures?.(change);
  }

  #startThreads(count: number, { answerDatagram }: DnsService, onFault: (error: unknown) => void): void {
    const onDeath = (error: Error) => this.#options.onDeath?.(error);
    const addCounts = () => this.#counts.addThread();
    this.#threads = new AnsweringThreads(count, { answerDatagram, onFault, onDeath, addCounts });
    this.#use(this.#generation);
  }

  /** Accepts no more requests, waits for commits in flight, closes the database. */
  async close(): Promise<void> {
    const served = this.addresses.length > 0;
    this.#notifier.close();
    await this.#listeners.close();
    await this.#threads?.close();
    for (const { publisher } of this.#generation.zones.values()) publisher.close();
    await this.#signed?.close();
    await this.#committer.settled();
    // After a command without sockets, such as an import, folding now saves the next start a replay.
    if (!served) await this.#journal.fold(true);
    await this.#journal.close();
    this.#lock.release();
  }

  /** What a start found in the zones that an operator should know. */
  #warnOfData(): void {
    const { index, settings } = this.#generation;
    for (const { published } of index.values()) {
      for (const text of [describeUnserved(published), describeTooLarge(published, settings.limits)]) {
        if (text !== undefined) this.#options.onWarning(text);
      }
    }
  }

  /** @throws StaticConflict where these records cannot be applied; nothing is changed */
  #checkStatics(content: StaticContent, onCollision: OnCollision): void {
    const embedded = this.#loaded.get(content.apex.key);
    const draft = embedded?.draft ?? new ZoneDraft(newVersion(content, nowSeconds()));
    const mark = draft.mark();
    try {
      replaceStatics(draft, content, onCollision);
    } finally {
      draft.rollBack(mark);
    }
  }

  /** After a failed write: static records of zones that were written before it go back to those in force. */
  async #restoreStatics(apexKeys: readonly string[]): Promise<void> {
    for (const key of apexKeys) {
      const inForce = this.#generation.zones.get(key);
      if (inForce?.embedded === undefined) continue;
      const { embedded, content } = inForce;
      await this.#committer
        .change(embedded, (draft) => replaceStatics(draft, content, 'set-aside'))
        .catch((error: unknown) =>
          this.#options.onWarning(`The static records of ${embedded.apex} could not be restored: ${errorText(error)}`),
        );
    }
  }

  async #openZone(
    { content, dnssec, keys, secondaries, transferPrefixes, rules }: NameserverZone,
    limits: ZoneLimits,
    onCollision: OnCollision,
  ): Promise<ServedZone> {
    const { apex } = content;
    const access = {
      secondaries: secondaries.map(({ address, key }) => ({ address, ...(key && { keyName: key.keyName }) })),
      ...(transferPrefixes && { prefixes: transferPrefixes }),
      keyNames: keys.filter(({ mayTransfer }) => mayTransfer).map(({ keyName }) => keyName),
    };
    const byKeyName = new Map(keys.map((key) => [key.keyName.key, key]));
    const withheld = this.#journal.withheld.get(apex.key);
    if (withheld !== undefined) {
      const findRecovered = () => {
        const served = this.#generation.zones.get(apex.key);
        return served?.embedded && served.publisher;
      };
      const publisher = new WithheldPublisher(withheld, findRecovered);
      const update = { zone: rules, target: new WithheldUpdates(withheld), keys: byKeyName };
      return { embedded: undefined, content, secondaries, publisher, update, access };
    }
    let embedded = this.#loaded.get(apex.key);
    if (embedded === undefined) {
      // The first serial is the time: also later than that of a lost database of which nothing is known any more, unless it
      // had more than one commit for each second of its life.
      embedded = await this.#journal.create(newVersion(content, nowSeconds()));
      this.#loaded.set(apex.key, embedded);
    }
    await this.#sign(embedded, dnssec);
    if (embedded.refusal === undefined)
      await this.#committer.change(embedded, (draft) => replaceStatics(draft, content, onCollision));
    const target = new EmbeddedUpdates(embedded, this.#committer, limits);
    return {
      embedded,
      content,
      secondaries,
      publisher: new EmbeddedPublisher(embedded, this.#committer, limits),
      update: { zone: rules, target, keys: byKeyName },
      access,
    };
  }

  /** See SignedZones. */
  async #sign(zone: EmbeddedZone, settings: DnssecSettings | undefined): Promise<void> {
    if (settings === undefined && !zone.published.isSigned && this.#signed === undefined) return;
    this.#signed ??= await this.#openSignedZones();
    await this.#signed.sign(zone, settings);
  }

  async #openSignedZones(): Promise<SignedZones> {
    const { parent, keyPace, onWarning, onProgress = () => undefined } = this.#options;
    const { SignedZones } = await import('./dnssec/signed-zones.ts');
    return new SignedZones({
      served: () => this.#generation.index,
      keys: await this.#keys(),
      ...{ committer: this.#committer, successors: this.#journal, parent, keyPace, onWarning, onProgress },
      lagging: (apex, serial) => this.#lagging(apex, serial),
      onChange: (change, zone) => this.#signaturesChanged(change, zone),
    });
  }

  async #keys(): Promise<KeyStore> {
    const { KeyStore } = await import('./keys/key-store.ts');
    this.#keyStore ??= new KeyStore(this.#journal.file, { now: Date.now, onWarning: this.#options.onWarning });
    return this.#keyStore;
  }

  /** Secondaries that are not known to have a serial; before this server listens, all. */
  #lagging(apex: DomainName, serial: number): readonly string[] {
    const served = this.#generation.zones.get(apex.key);
    if (served === undefined) return ['(the zone is not in the configuration)'];
    if (this.addresses.length > 0) return this.#notifier.lagging(apex.key, serial);
    return served.secondaries.map(({ address }) => address);
  }

  /** Algorithms of the DNSKEY records of a zone; none: it is not signed. Undefined: it is not served. */
  algorithmsOf(apex: DomainName): readonly number[] | undefined {
    const zone = this.#loaded.get(apex.key);
    return zone && (this.#signed?.algorithmsOf(zone) ?? []);
  }

  #makeGeneration(settings: NameserverSettings, zones: ReadonlyMap<string, ServedZone>): Generation {
    const { limiter, nsid, chaosVersion, timeoutMs, tsigFudgeMax } = settings;
    const { applyUpdate, onUpdate } = this.#options;
    const index = new Map<string, EmbeddedZone>();
    const answered = new Map<string, ReadableZone>();
    for (const [key, { embedded, content }] of zones) {
      if (embedded !== undefined) index.set(key, embedded);
      answered.set(key, embedded ?? { apex: content.apex, published: undefined });
    }
    const keys = new Map(
      settings.zones.flatMap((zone) => zone.keys.map(({ tsig }) => [tsig.keyName.key, tsig] as const)),
    );
    const updates = { findZone: (apex: DomainName) => zones.get(apex.key)?.update, applyUpdate, timeoutMs, onUpdate };
    const transfers: TransferContext = {
      // A transfer can wait for others of its connection: it starts with the permissions of that moment.
      findZone: (apexKey) => this.#generation.zones.get(apexKey),
      findDiffs: (zone, serial, maxRecords) => this.#journal.findDiffs(zone, serial, maxRecords),
      onTransfer: (type, outcome) => this.#counts.transfer(type, outcome),
      onNamed: ({ apex }, { address, keyName, isProven }, serial) =>
        this.#notifier.seen(apex.key, address, serial, keyName, isProven),
      onSent: ({ apex }, { address, keyName }, { serial, octets }, from) =>
        this.#notifier.sent(apex.key, address, { serial, octets, from }, keyName),
    };
    const service = new NameserverService({
      zones: answered,
      findKey: (keyName) => keys.get(keyName.key),
      now: nowSeconds,
      cookies: this.#cookies,
      limiter: limiter && this.#counts.limiter(limiter),
      nsid,
      chaosVersion,
      tcpIdleSeconds: tcpIdleOf(settings),
      tsigFudgeMax,
      onReply: this.#counts.reply,
      update: (request) => serveUpdate(request, updates),
      transfer: (request) => serveTransfer(request, transfers),
    });
    return { settings, zones, index, service, answered };
  }

  #secondaryChanged(change: SecondaryChange): void {
    const { kind, apex, secondary, condition } = change;
    const what = kind === 'recovered' ? 'has recovered: it ' : '';
    this.#options.onWarning(`The secondary ${secondary} of the zone ${apex} ${what}${condition.text}.`);
    this.#options.onSecondary?.(change);
  }

  #signaturesChanged(change: ChangeOfSignatures, { refusal }: EmbeddedZone): void {
    // Without its keys, the zone was reported when it was opened.
    if (change.state !== 'keys-missing' || refusal === undefined) this.#options.onWarning(change.text);
    if (this.#unreported === undefined) this.#options.onSignatures?.(change);
    else this.#unreported.push(change);
  }

  #published(commits: readonly Commit[], changes: number, durationMs: number): void {
    for (const { zone } of commits) {
      this.#threads?.published(zone);
      this.#notifier.published(zone);
      this.#options.onBatch({ zone: zone.apex, changes, outcome: 'published', durationMs });
    }
  }
}

function tcpIdleOf({ tcpIdleSeconds = TCP_LIMITS.idleMs / 1000 }: NameserverSettings): number {
  return tcpIdleSeconds;
}
