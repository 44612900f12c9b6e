/**
 * The embedded nameserver as one thing: database, zones, group commit, sockets. What is done with them is in the files
 * beside this one; here they are put together, and in the end taken apart in order.
 */

import type { ZoneAdmin } from '../core/admin/zone-admin.ts';
import type { NameserverStatistics } from '../core/monitoring.ts';
import type { DnsUpdateEvent } from '../core/observer.ts';
import type { DnsUpdate, UpdateKey } from '../core/updates/dns-update.ts';
import type { UpdateOutcome, ZonePublisher } from '../core/zones/publisher.ts';
import type { DomainName } from '../dns/name.ts';
import { RRClass, RRType } from '../dns/rdata.ts';
import type { TsigKey } from '../dns/tsig.ts';
import { ednsRecord, findEdns } from '../dns/wire/edns.ts';
import { encodeMessage, formatRcode, type Message, makeMessage } from '../dns/wire/message.ts';
import { type DatabaseLock, lockDatabase } from '../sqlite/lock.ts';
import { EmbeddedZoneAdmin } from './admin/zone-admin.ts';
import { type CookieAnswers, NameserverService, type ResponseLimiter, type ServiceRequest } from './answer/service.ts';
import { NameserverCounts, secondaryLag } from './counts.ts';
import { type Commit, Committer } from './journal/committer.ts';
import { Journal } from './journal/journal.ts';
import { Notifier, type SecondaryStatus } from './notify/notify.ts';
import type { Secondary } from './notify/notify-target.ts';
import { type DnsListenAddress, DnsListeners } from './sockets/listeners.ts';
import { transfer, transferDatagram } from './transfer/transfer.ts';
import { judgeTransfer, type TransferAccess } from './transfer/transfer-access.ts';
import { EmbeddedPublisher } from './update/publisher.ts';
import { EmbeddedUpdates } from './update/updatable-zone.ts';
import { answerUpdate, type UpdateZone } from './update/update-in.ts';
import { ZoneDraft } from './zone/draft.ts';
import type { EmbeddedZone } from './zone/embedded-zone.ts';
import { newVersion, replaceStatics, type StaticContent } from './zone/static-records.ts';

/** A key and what it may do with one zone. */
export interface NameserverKey extends UpdateKey {
  readonly tsig: TsigKey;
  readonly mayTransfer: boolean;
}

/** One zone as it is configured. */
export interface NameserverZone {
  readonly content: StaticContent;
  readonly keys: readonly NameserverKey[];
  readonly secondaries: readonly Secondary[];
  /** Rules for addresses and TTLs. */
  readonly rules: DnsUpdate['zone'];
}

/** What a reload may change. */
export interface NameserverSettings {
  readonly zones: readonly NameserverZone[];
  readonly cookies: CookieAnswers;
  readonly limiter: ResponseLimiter | undefined;
  readonly nsid: string | undefined;
  readonly chaosVersion: string | undefined;
  /** For one UPDATE. */
  readonly timeoutMs: number;
}

export interface NameserverOptions {
  readonly database: string;
  readonly settings: NameserverSettings;
  readonly applyUpdate: (update: DnsUpdate) => Promise<UpdateOutcome>;
  readonly onBatch: (event: {
    readonly zone: DomainName;
    readonly changes: number;
    readonly outcome: string;
    readonly durationMs: number;
  }) => void;
  readonly onUpdate: (event: DnsUpdateEvent) => void;
  readonly onWarning: (text: string) => void;
}

interface OpenZone {
  readonly embedded: EmbeddedZone;
  readonly publisher: ZonePublisher;
  readonly update: UpdateZone;
  readonly access: TransferAccess;
  readonly settings: NameserverZone;
}

/** Seconds since 1970. */
const now = () => Math.floor(Date.now() / 1000);

export class Nameserver {
  readonly #options: NameserverOptions;
  readonly #lock: DatabaseLock;
  readonly #journal: Journal;
  readonly #committer: Committer;
  readonly #listeners = new DnsListeners();
  readonly #notifier: Notifier;
  readonly #counts = new NameserverCounts();
  readonly admin: ZoneAdmin;
  readonly #embedded = new Map<string, EmbeddedZone>();
  #service: NameserverService;
  #settings: NameserverSettings;
  #zones = new Map<string, OpenZone>();
  #index: ReadonlyMap<string, EmbeddedZone> = new Map();
  #keys = new Map<string, TsigKey>();

  /**
   * Opens the database and brings its zones to what is configured.
   * @throws DatabaseLockedError, SqliteError, StaticConflict
   */
  static async open(options: NameserverOptions): Promise<Nameserver> {
    const lock = await lockDatabase(options.database);
    let journal: Journal | undefined;
    try {
      journal = await Journal.open(options.database, {
        now: Date.now,
        onFault: (error) => options.onWarning(`The zones' database: ${textOf(error)}`),
      });
      const nameserver = new Nameserver(options, lock, journal);
      const apexes = options.settings.zones.map(({ content }) => content.apex);
      for (const zone of await journal.load(apexes)) nameserver.#embedded.set(zone.apex.key, zone);
      await nameserver.apply(options.settings);
      return nameserver;
    } catch (error) {
      await journal?.close();
      lock.release();
      throw error;
    }
  }

  private constructor(options: NameserverOptions, lock: DatabaseLock, journal: Journal) {
    this.#options = options;
    this.#settings = options.settings;
    this.#lock = lock;
    this.#journal = journal;
    this.#committer = new Committer({
      log: journal,
      onPublished: (commits, changes, durationMs) => this.#published(commits, changes, durationMs),
      onFailed: (error) => {
        this.#counts.commitFailed();
        options.onWarning(`The zones' database could not be written: ${textOf(error)}`);
      },
    });
    this.#notifier = new Notifier(
      ({ zone, secondary, problem }) =>
        options.onWarning(`The secondary ${secondary.address} of the zone ${zone.apex} ${problem}.`),
      { onSent: this.#counts.notifySent, onAcknowledged: this.#counts.notifyAcknowledged },
    );
    this.admin = new EmbeddedZoneAdmin({
      zones: () => this.#index,
      committer: this.#committer,
      journal,
      secondaries: () => this.secondaries,
    });
    this.#service = this.#makeService();
  }

  /** What is known of the secondaries of all zones. */
  get secondaries(): readonly SecondaryStatus[] {
    return this.#notifier.status();
  }

  /** What it has counted, and what is known of its zones and their secondaries. */
  statistics(): NameserverStatistics {
    const zones = [...this.#index.values()].map(({ apex, published }) => {
      return { zone: apex.toString(), serial: published.serial };
    });
    return { ...this.#counts.read(), zones, secondaries: this.secondaries.map(secondaryLag) };
  }

  /** Where it listens. */
  get addresses(): readonly string[] {
    return this.#listeners.addresses;
  }

  /** @throws Error if the zone is not one of the settings' */
  publisher(apex: DomainName): ZonePublisher {
    const zone = this.#zones.get(apex.key);
    if (zone === undefined) throw new Error(`no embedded zone ${apex}`);
    return zone.publisher;
  }

  /**
   * Puts settings in force: static records in one serial step for each zone, keys, secondaries. If it fails, the settings
   * before stay in force, with their static records.
   * @throws StaticConflict, SqliteError
   */
  async apply(settings: NameserverSettings): Promise<void> {
    for (const { content } of settings.zones) this.#checkStatics(content);
    const zones = new Map<string, OpenZone>();
    try {
      for (const zone of settings.zones) zones.set(zone.content.apex.key, await this.#openZone(zone));
    } catch (error) {
      await this.#restoreStatics([...zones.keys()]);
      throw error;
    }
    this.#settings = settings;
    this.#zones = zones;
    this.#index = new Map([...zones].map(([key, { embedded }]) => [key, embedded]));
    this.#keys = new Map(
      settings.zones.flatMap(({ keys }) => keys.map(({ tsig }) => [tsig.keyName.key, tsig] as const)),
    );
    this.#service = this.#makeService();
    if (this.addresses.length > 0) this.#setSecondaries();
  }

  /** Whoever is told of a zone comes and transfers it: not before there is somebody to answer. */
  #setSecondaries(): void {
    for (const zone of this.#embedded.values()) {
      const open = this.#zones.get(zone.apex.key);
      if (open === undefined) this.#notifier.removeZone(zone);
      else this.#notifier.setSecondaries(zone, open.settings.secondaries);
    }
  }

  /** @throws DnsListenError */
  async listen(listen: readonly DnsListenAddress[], isDefault: boolean): Promise<void> {
    const { onWarning } = this.#options;
    await this.#listeners.open(
      {
        answerDatagram: (octets, peer) => this.#service.answerDatagram(octets, peer),
        answerStream: (octets, peer) => this.#service.answerStream(octets, peer),
      },
      { listen, isDefault, onWarning, onFault: (error) => onWarning(`The nameserver: ${textOf(error)}`) },
    );
    this.#setSecondaries();
  }

  /** Takes nothing new, waits for what is on its way to the disk, closes the database. */
  async close(): Promise<void> {
    const served = this.addresses.length > 0;
    this.#notifier.close();
    await this.#listeners.close();
    for (const { publisher } of this.#zones.values()) publisher.close();
    await this.#committer.settled();
    // After a command that served nobody, an import for example, the next start has nothing to do over again.
    if (!served) await this.#journal.fold(true);
    await this.#journal.close();
    this.#lock.release();
  }

  /** @throws StaticConflict where these records cannot be applied; nothing is changed */
  #checkStatics(content: StaticContent): void {
    const embedded = this.#embedded.get(content.apex.key);
    const draft = embedded?.draft ?? new ZoneDraft(newVersion(content, now()));
    const mark = draft.mark();
    try {
      replaceStatics(draft, content);
    } finally {
      draft.rollBack(mark);
    }
  }

  /** After a failed write: static records of zones that were written before it go back to those in force. */
  async #restoreStatics(apexKeys: readonly string[]): Promise<void> {
    for (const key of apexKeys) {
      const inForce = this.#zones.get(key);
      if (inForce === undefined) continue;
      const { embedded, settings } = inForce;
      await this.#committer
        .change(embedded, (draft) => replaceStatics(draft, settings.content))
        .catch((error: unknown) =>
          this.#options.onWarning(`The static records of ${embedded.apex} could not be restored: ${textOf(error)}`),
        );
    }
  }

  async #openZone(settings: NameserverZone): Promise<OpenZone> {
    const { content, keys, secondaries, rules } = settings;
    const { apex } = content;
    let embedded = this.#embedded.get(apex.key);
    if (embedded === undefined) {
      // The time as the first serial: a zone whose database was lost comes back with a later one, as long as it had not
      // more than a commit for each second of its life.
      embedded = await this.#journal.create(newVersion(content, now()));
      this.#embedded.set(apex.key, embedded);
    }
    await this.#committer.change(embedded, (draft) => replaceStatics(draft, content));
    const target = new EmbeddedUpdates(embedded, this.#committer);
    return {
      embedded,
      settings,
      publisher: new EmbeddedPublisher(embedded, this.#committer),
      update: { zone: rules, target, keys: new Map(keys.map((key) => [key.keyName.key, key])) },
      access: {
        secondaries: secondaries.map(({ address, key }) => ({ address, ...(key && { keyName: key.keyName }) })),
        keyNames: keys.filter(({ mayTransfer }) => mayTransfer).map(({ keyName }) => keyName),
      },
    };
  }

  #makeService(): NameserverService {
    const { cookies, limiter, nsid, chaosVersion } = this.#settings;
    return new NameserverService({
      zones: () => this.#index,
      findKey: (keyName) => this.#keys.get(keyName.key),
      now,
      cookies,
      limiter: limiter && this.#counts.limiter(limiter),
      nsid,
      chaosVersion,
      onReply: this.#counts.reply,
      update: (request) => this.#update(request),
      transfer: (request) => this.#transfer(request),
    });
  }

  #published(commits: readonly Commit[], changes: number, durationMs: number): void {
    for (const { zone } of commits) {
      this.#notifier.published(zone);
      this.#options.onBatch({ zone: zone.apex, changes, outcome: 'published', durationMs });
    }
  }

  async #update({ message, key, peer }: ServiceRequest): Promise<number> {
    const { rcode, why, error } = await answerUpdate(message, {
      key,
      findZone: (apex) => this.#zones.get(apex.key)?.update,
      applyUpdate: this.#options.applyUpdate,
      source: peer.address,
      deadlineMs: performance.now() + this.#settings.timeoutMs,
    });
    this.#options.onUpdate({
      keyName: key?.keyName.toString(),
      source: peer.address,
      rcode: formatRcode(rcode),
      detail: why ?? describeUpdate(message),
      error,
    });
    return rcode;
  }

  async *#transfer(request: ServiceRequest): AsyncGenerator<Uint8Array, void, undefined> {
    const { message, peer, overTcp, key, limit } = request;
    const { qname, qtype, qclass } = message.questions[0]!;
    const type = qtype === RRType.AXFR ? 'axfr' : 'ixfr';
    const zone = qclass === RRClass.IN ? this.#zones.get(qname.key) : undefined;
    const ruling = judgeTransfer({
      message,
      overUdp: !overTcp,
      access: zone?.access,
      address: peer.address,
      keyName: key?.keyName,
    });
    const edns = findEdns(message);
    const opt = edns && ednsRecord({ dnssecOk: edns.dnssecOk });
    if (ruling.kind === 'refuse' || zone === undefined) {
      this.#counts.transfer(type, 'refused');
      const { id, opcode, recursionDesired, checkingDisabled, questions } = message;
      const rcode = ruling.kind === 'refuse' ? ruling.rcode : 0;
      const copied = { id, opcode, recursionDesired, checkingDisabled, questions };
      // RFC 6891 §7: a reply to a request with OPT has OPT.
      const additional = opt === undefined ? [] : [opt];
      yield request.sign(encodeMessage(makeMessage({ ...copied, response: true, rcode, additional })));
      return;
    }
    const findDiffs = (of: EmbeddedZone, serial: number, maxRecords: number) =>
      this.#journal.findDiffs(of, serial, maxRecords);
    const seen = (serial: number) => this.#notifier.seen(zone.embedded.apex.key, peer.address, serial, key?.keyName);
    if (ruling.query.kind === 'ixfr') seen(ruling.query.serial);
    this.#counts.transfer(type, 'started');
    const onSent = ({ serial }: { readonly serial: number }) => {
      this.#counts.transfer(type, 'served');
      seen(serial);
    };
    const wanted = { message, query: ruling.query, onSent };
    if (overTcp) {
      yield* transfer({ ...wanted, opt }, zone.embedded, findDiffs, (octets) => request.sign(octets));
    } else {
      // The address of a datagram may be forged: to one that no key vouches for nothing larger goes than it sent.
      const octets = key === undefined ? 0 : limit;
      yield request.sign(await transferDatagram({ ...wanted, opt }, zone.embedded, findDiffs, octets));
    }
  }
}

/** The first names that a message is about. */
function describeUpdate({ authority, questions }: Message): string {
  const names = new Set(authority.slice(0, 100).map(({ ownerName }) => ownerName.toString()));
  const shown = [...names].slice(0, 5).join(', ');
  if (names.size === 0) return `prerequisites of ${questions[0]?.qname ?? '.'} only`;
  return names.size > 5 ? `${shown} and more` : shown;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
