/**
 * The use-case behind every door for TXT records, which are there for DNS-01 of ACME (RFC 8555 §8.4): several values stand
 * side by side and are removed one by one.
 *
 * Like an address change it is published under prerequisites that state what was read, so that two clients that add a
 * value at the same time both find theirs afterwards.
 */
import type { DomainName } from '../../dns/name.ts';
import { type Rdata, RRType } from '../../dns/rdata.ts';
import { type RRset, readTextRdata, textRdata } from '../../dns/rrset.ts';
import type { Prerequisite, ZoneEdit } from '../../dns/zone-change.ts';
import { unknownName } from '../access/authorize.ts';
import { acmeSubject, scopeCovers } from '../access/name-scope.ts';
import type { RequestContext } from '../access/request-context.ts';
import { tokenCovers } from '../access/token.ts';
import { AppError } from '../errors.ts';
import type { Clock } from '../timers.ts';
import { placePrerequisites } from '../zones/plan-change.ts';
import type { Zone } from '../zones/zone.ts';
import type { UpdateQueue } from './update-queue.ts';
import type { UpdateRecord } from './update-record.ts';

/** What is to become of the values at a name; others than those that are named stay. */
export type TextEdit =
  | { readonly kind: 'add'; readonly text: string }
  | { readonly kind: 'remove'; readonly text: string }
  /** This value alone. */
  | { readonly kind: 'replace'; readonly text: string }
  /** None. */
  | { readonly kind: 'clear' }
  /** This value and the newest of the others, so many in all. */
  | { readonly kind: 'roll'; readonly text: string; readonly keep: number };

export interface TextUpdate {
  readonly zone: Zone;
  readonly ownerName: DomainName;
  readonly edit: TextEdit;
  /** The name is a challenge by its nature: a token of TXT alone may write it, too (acme-dns). */
  readonly isChallenge?: boolean;
}

export interface TextUpdateResult {
  readonly changed: boolean;
  /** The values that are there now, sorted. */
  readonly texts: readonly string[];
}

/** What is known of values that were written here. Asked and told within the order of each name. */
export interface TextLog {
  /** Values at a name that were written here, the oldest first. @throws AppError store-unreachable */
  known(ownerName: DomainName): Promise<readonly string[]>;
  /**
   * Called before a value is published, so that it is removed some day, whatever happens; it is the newest then.
   * @throws AppError store-unreachable
   */
  adding(ownerName: DomainName, text: string, removeAfterSeconds: number): Promise<void>;
  /** They are not there any more. Never rejects. */
  removed(ownerName: DomainName, texts: readonly string[]): Promise<void>;
}

export interface UpdateTextsOptions {
  readonly queue: UpdateQueue;
  readonly record: UpdateRecord;
  readonly log?: TextLog | undefined;
  /** Seconds after which a value is removed. */
  readonly removeAfterSeconds: (zone: Zone) => number;
}

/** Seconds. A validation looks once; what is old is of no use. */
const TEXT_TTL = 60;
const MAX_OCTETS = 1024;
/** At one name. */
const MAX_TEXTS = 50;
const MAX_ROUNDS = 8;

export class UpdateTexts {
  readonly #options: UpdateTextsOptions;

  constructor(options: UpdateTextsOptions) {
    this.#options = options;
  }

  /**
   * Checks everything, then changes the TXT records of one name.
   * @throws AppError not-permitted, host-disabled, name-invalid, request-malformed, rate-limited, conflict, contended, primary-*,
   *   publish-unknown
   */
  async run(update: TextUpdate, context: RequestContext): Promise<TextUpdateResult> {
    await this.check(update, context);
    return this.publish(update, context);
  }

  /** Checks everything that can be checked without the primary. A failure is counted and recorded. @throws AppError */
  async check(update: TextUpdate, context: RequestContext): Promise<void> {
    const { zone, ownerName, edit } = update;
    const { record } = this.#options;
    try {
      authorizeText(update, context);
      await record.settings(acmeSubject(ownerName) ?? ownerName);
      checkTextName(zone, ownerName);
      if ('text' in edit) checkText(edit.text);
    } catch (error) {
      record.failed(ownerName, context, error);
      throw error;
    }
  }

  /** Publishes an update that was checked, in the order of its name. What happens is counted and recorded. */
  publish(update: TextUpdate, context: RequestContext): Promise<TextUpdateResult> {
    const { zone, ownerName, edit } = update;
    const { queue, record, log, removeAfterSeconds } = this.#options;
    const { clock } = queue;
    const changeRefused = record.changeRefused(context);
    const publication = {
      zone,
      ownerName,
      edit,
      log,
      removeAfterSeconds: removeAfterSeconds(zone),
      changeRefused,
      clock,
    };
    const task = async (deadlineMs: number) => {
      try {
        const result = await publishTexts(publication, deadlineMs);
        if (result.changed) record.changed(ownerName, context, { detail: describe(edit) });
        record.succeeded(context, result.changed);
        return result;
      } catch (error) {
        record.failed(ownerName, context, error);
        throw error;
      }
    };
    try {
      return queue.run([ownerName], task);
    } catch (error) {
      record.failed(ownerName, context, error);
      return Promise.reject(error);
    }
  }
}

export interface TextPublication extends Omit<TextUpdate, 'isChallenge'> {
  readonly log?: TextLog | undefined;
  /** Of a value that is added. */
  readonly removeAfterSeconds: number;
  readonly clock: Clock;
  /** Thrown instead of a change; what is there already is confirmed all the same. */
  readonly changeRefused?: AppError | undefined;
}

/**
 * Publishes an edit that is allowed, within the order of its name.
 * @param deadlineMs of the publication's clock
 * @throws AppError conflict, contended, primary-*, publish-unknown, store-unreachable, `changeRefused`
 */
export async function publishTexts(publication: TextPublication, deadlineMs: number): Promise<TextUpdateResult> {
  const { zone, ownerName, clock } = publication;
  const { publisher } = zone;
  /** Different answers of the primary. */
  const looks = new Set<string>();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (clock() >= deadlineMs) {
      throw new AppError('primary-unreachable', 'The primary did not answer in time. Nothing was changed.');
    }
    const rrset = await publisher.readRRset(ownerName, RRType.TXT, deadlineMs);
    looks.add(JSON.stringify(rrset?.rdatas.map(readTextRdata).sort() ?? []));
    // The answer may be a wildcard's: then the name itself has none.
    const done =
      (await attempt(publication, rrset, deadlineMs)) ?? (rrset && (await attempt(publication, undefined, deadlineMs)));
    if (done !== undefined) return done;
    await refuseHidden(zone, ownerName, deadlineMs);
  }
  throw looks.size > 1
    ? new AppError(
        'contended',
        `The TXT records of '${ownerName}' were changed by others again and again; nothing was written.`,
      )
    : new AppError(
        'conflict',
        `The TXT records of '${ownerName}' cannot be written: a CNAME or DNAME record or a delegation is in the way.`,
      );
}

/** Undefined: the name has other values than these. */
async function attempt(
  { zone, ownerName, edit, log, removeAfterSeconds, changeRefused }: TextPublication,
  rrset: RRset | undefined,
  deadlineMs: number,
): Promise<TextUpdateResult | undefined> {
  const rdatas = new Map(rrset?.rdatas.map((rdata) => [readTextRdata(rdata), rdata]));
  const before = [...rdatas.keys()];
  const known = edit.kind === 'roll' ? ((await log?.known(ownerName)) ?? []) : [];
  const texts = edited(before, edit, known);
  const changed = texts.length !== before.length || texts.some((text) => !before.includes(text));
  if (changed && changeRefused !== undefined) throw changeRefused;
  if ('text' in edit && texts.includes(edit.text)) {
    // What others have written is not ours to remove, also if a client of ours wants it, too.
    const isOurs = !before.includes(edit.text) || (await log?.known(ownerName))?.includes(edit.text);
    if (isOurs) await log?.adding(ownerName, edit.text, removeAfterSeconds);
  }
  const type = RRType.TXT;
  const prerequisites: Prerequisite[] = placePrerequisites(zone.apex, ownerName);
  if (rrset === undefined) prerequisites.push({ kind: 'rrset-absent', ownerName, type });
  else prerequisites.push({ kind: 'rrset-equals', ownerName, type, rdatas: rrset.rdatas });
  const edits = changed ? [editOf(ownerName, texts, rdatas)] : [];
  const outcome = await zone.publisher.publish({ zone: zone.apex, ownerName, prerequisites, edits }, deadlineMs);
  if (outcome === 'stale') return undefined;
  const gone = [...before, ...(edit.kind === 'remove' ? [edit.text] : [])].filter((text) => !texts.includes(text));
  if (gone.length > 0) await log?.removed(ownerName, gone);
  return { changed, texts };
}

/** @throws AppError conflict where TXT records at the name would not be seen */
async function refuseHidden({ publisher }: Zone, ownerName: DomainName, deadlineMs: number): Promise<void> {
  const read = await publisher.read(ownerName, deadlineMs);
  if (read.kind === 'occluded') {
    throw new AppError('conflict', `TXT records at '${ownerName}' would not be seen: ${read.by}.`);
  }
  if (read.kind !== 'cname') return;
  const [cname] = (await publisher.readRRset(ownerName, RRType.CNAME, deadlineMs))?.rdatas ?? [];
  const target = cname?.kind === 'CNAME' ? ` to '${cname.target}'` : '';
  throw new AppError(
    'conflict',
    acmeSubject(ownerName) === undefined
      ? `A CNAME record${target} is at '${ownerName}': no TXT record can be beside it (RFC 1034 §3.6.2).`
      : `A CNAME record at '${ownerName}' delegates this challenge${target}: the TXT record belongs there. ` +
          'Let the ACME client write that name, or remove the CNAME.',
  );
}

/** @throws AppError not-permitted */
function authorizeText({ ownerName, isChallenge }: TextUpdate, { principal }: RequestContext): void {
  if (principal.kind === 'master') return;
  const { token } = principal;
  const covered =
    tokenCovers(token, ownerName, RRType.TXT) ||
    (isChallenge === true && token.types.includes(RRType.TXT) && scopeCovers(token.hosts, ownerName));
  if (!covered) throw unknownName(ownerName);
}

/** @throws AppError name-invalid */
function checkTextName(zone: Zone, ownerName: DomainName): void {
  const subject = acmeSubject(ownerName) ?? ownerName;
  if (zone.reserved.has(subject.key)) throw new AppError('name-invalid', `The name '${subject}' is reserved.`);
  if (ownerName.equals(zone.apex) && !zone.apexAllowed) {
    throw new AppError(
      'name-invalid',
      `The zone's own name '${ownerName}' may not be changed; the option 'apex: true' of the zone allows it.`,
    );
  }
  if (ownerName.isWildcard) {
    throw new AppError('name-invalid', `'${ownerName}' is a wildcard: the challenge of DNS-01 is without '*.'.`);
  }
}

/** @throws AppError request-malformed */
function checkText(text: string): void {
  const octets = Buffer.byteLength(text);
  if (octets > 0 && octets <= MAX_OCTETS && !/[\p{Cc}\p{Cs}]/u.test(text)) return;
  throw new AppError(
    'request-malformed',
    `The text of a TXT record must have 1 to ${MAX_OCTETS} octets of UTF-8 without control characters.`,
  );
}

/** The values afterwards, sorted. @param known the oldest first @throws AppError conflict */
function edited(before: readonly string[], edit: TextEdit, known: readonly string[]): string[] {
  switch (edit.kind) {
    case 'add':
      return limited([...before, edit.text]);
    case 'remove':
      return before.filter((text) => text !== edit.text);
    case 'replace':
      return [edit.text];
    case 'clear':
      return [];
    case 'roll': {
      const others = before.filter((text) => text !== edit.text);
      // What nobody knows of counts as the oldest.
      others.sort((a, b) => known.indexOf(a) - known.indexOf(b));
      return limited([edit.text, ...(edit.keep > 1 ? others.slice(-(edit.keep - 1)) : [])]);
    }
  }
}

function limited(texts: readonly string[]): string[] {
  const different = [...new Set(texts)].sort();
  if (different.length <= MAX_TEXTS) return different;
  throw new AppError('conflict', `The name has ${MAX_TEXTS} TXT values already: remove some first.`);
}

/** @param present what stays is written as it was: it may be no text of ours */
function editOf(ownerName: DomainName, texts: readonly string[], present: ReadonlyMap<string, Rdata>): ZoneEdit {
  const type = RRType.TXT;
  if (texts.length === 0) return { kind: 'delete-rrset', ownerName, type };
  const rdatas = texts.map((text) => present.get(text) ?? textRdata(text));
  return { kind: 'replace-rrset', rrset: { ownerName, type, ttl: TEXT_TTL, rdatas } };
}

/** For the history. The values are public for a minute, and of no use later. */
function describe({ kind }: TextEdit): string {
  return kind === 'remove' || kind === 'clear' ? 'TXT removed' : 'TXT added';
}
