/**
 * Publishes an edit of the TXT values at one name: they are read, and the change is published under prerequisites that state
 * what was read, so that two clients that add a value at the same time both find theirs afterwards.
 */
import type { DomainName } from '../../dns/name.ts';
import { type Rdata, RRType } from '../../dns/rdata.ts';
import { type RRset, readTextRdata, textRdata } from '../../dns/rrset.ts';
import type { Prerequisite, ZoneEdit } from '../../dns/zone-change.ts';
import { challengeSubject } from '../access/acme-challenge.ts';
import { AppError } from '../errors.ts';
import type { Clock } from '../timers.ts';
import { AnswerSequence, contended } from '../zones/answer-sequence.ts';
import { placePrerequisites } from '../zones/plan-change.ts';
import type { Zone } from '../zones/zone.ts';

/** A change of the values at a name; other values stay. */
export type TextEdit =
  | { readonly kind: 'add'; readonly text: string }
  | { readonly kind: 'remove'; readonly text: string }
  /** This value alone. */
  | { readonly kind: 'replace'; readonly text: string }
  /** None. */
  | { readonly kind: 'clear' }
  /** This value and the newest of the others, `keep` in all. */
  | { readonly kind: 'roll'; readonly text: string; readonly keep: number };

export interface TextUpdateResult {
  readonly changed: boolean;
  /** The values at the name now, sorted. */
  readonly texts: readonly string[];
}

/** Contract: remembers which values were written here. Called within the order of each name. */
export interface TextLog {
  /** Values at a name that were written here, the oldest first. @throws AppError store-unreachable */
  known(ownerName: DomainName): Promise<readonly string[]>;
  /**
   * Called before a value is published, so that it is removed some day, whatever happens. It becomes the newest.
   * @throws AppError store-unreachable
   */
  adding(ownerName: DomainName, text: string, removeAfterSeconds: number): Promise<void>;
  /** The values were removed. Never rejects. */
  removed(ownerName: DomainName, texts: readonly string[]): Promise<void>;
}

export interface TextPublication {
  readonly zone: Zone;
  readonly ownerName: DomainName;
  readonly edit: TextEdit;
  readonly log?: TextLog | undefined;
  /** Of a value that is added. */
  readonly removeAfterSeconds: number;
  readonly clock: Clock;
  /** Thrown instead of a change; an edit that changes nothing is confirmed all the same. */
  readonly changeRefused?: AppError | undefined;
}

/** Seconds. A validation reads a value once; an old one is useless. */
const TEXT_TTL = 60;
/** At one name. */
const MAX_TEXTS = 50;
/** Rounds with the same answer before giving up. While the answers differ others are writing: see AnswerSequence. */
const MAX_ROUNDS = 8;

/**
 * Publishes an edit that is allowed, within the order of its name.
 * @param deadlineMs of the publication's clock
 * @throws AppError conflict, contended, primary-*, publish-unknown, store-unreachable, `changeRefused`
 */
export async function publishTexts(publication: TextPublication, deadlineMs: number): Promise<TextUpdateResult> {
  const { zone, ownerName, clock } = publication;
  const { publisher } = zone;
  const answers = new AnswerSequence();
  while (answers.mayGoOn(MAX_ROUNDS)) {
    if (clock() >= deadlineMs) {
      if (answers.isContended) throw contended(`The TXT records of '${ownerName}'`);
      throw new AppError('primary-unreachable', 'The primary did not answer in time. Nothing was changed.');
    }
    const rrset = await publisher.readRRset(ownerName, RRType.TXT, deadlineMs);
    answers.answered(JSON.stringify(rrset?.rdatas.map(readTextRdata).sort() ?? []));
    // The answer may be a wildcard's: then the name itself has none.
    const done =
      (await attempt(publication, rrset, deadlineMs)) ?? (rrset && (await attempt(publication, undefined, deadlineMs)));
    if (done !== undefined) return done;
    await refuseHidden(zone, ownerName, deadlineMs);
  }
  if (answers.isContended) throw contended(`The TXT records of '${ownerName}'`);
  throw new AppError(
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
  if (outcome !== 'published') return undefined;
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
    challengeSubject(ownerName) === undefined
      ? `A CNAME record${target} is at '${ownerName}': no TXT record can be beside it (RFC 1034 §3.6.2).`
      : `A CNAME record at '${ownerName}' delegates this challenge${target}: the TXT record belongs there. ` +
          'Let the ACME client write that name, or remove the CNAME.',
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
      // Values that were not written here count as the oldest.
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

/** @param present values that stay are written as they were: they may not be ours */
function editOf(ownerName: DomainName, texts: readonly string[], present: ReadonlyMap<string, Rdata>): ZoneEdit {
  const type = RRType.TXT;
  if (texts.length === 0) return { kind: 'delete-rrset', ownerName, type };
  const rdatas = texts.map((text) => present.get(text) ?? textRdata(text));
  return { kind: 'replace-rrset', rrset: { ownerName, type, ttl: TEXT_TTL, rdatas } };
}
