/**
 * Publishes one change of one or several names of a zone, under prerequisites that state the addresses it is based on. These
 * are first recalled, then read; when the primary says that they were wrong, they are read again and the change is planned
 * anew. docs/decisions/0001 has the reasons.
 */
import type { DomainName } from '../../dns/name.ts';
import type { Prerequisite, ZoneChange } from '../../dns/zone-change.ts';
import { AppError } from '../errors.ts';
import type { Clock } from '../timers.ts';
import { AnswerSequence, contended } from './answer-sequence.ts';
import { type ChangePlan, planChange } from './plan-change.ts';
import type { PublishedAddresses, ReadOutcome } from './publisher.ts';
import type { Zone } from './zone.ts';

/** The addresses that are believed to be published at each name, in their order. */
export type Beliefs = readonly PublishedAddresses[];

export interface NamesChange<Result> {
  readonly zone: Zone;
  /** Not empty; no two are the same. */
  readonly names: readonly DomainName[];
  /** Of `clock`. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  /** Begin with what the publisher recalls. A prerequisite says nothing of a TTL (RFC 2136 §2.4.2): not where it matters. */
  readonly mayRecall: boolean;
  /**
   * What to publish, and the result of that.
   * @param seen the answers of the primary where they may be a wildcard's; else the same as `beliefs`
   * @throws AppError
   */
  plan(beliefs: Beliefs, seen: Beliefs): { readonly plans: readonly ChangePlan[]; readonly result: Result };
  /** Only plan, based on the primary's answers. */
  readonly isDryRun?: boolean;
  /** Set while the change is in flight: what the last attempt rested on. For a caller that needs it when this fails. */
  beliefs?: Beliefs | undefined;
}

/**
 * Rounds with the same answer before giving up. While the answers differ others are writing, and each round has one winner: then it is
 * tried until the deadline, or as often as AnswerSequence allows (docs/decisions/0001).
 */
const MAX_ROUNDS = 6;
/** The same while a CNAME answers, which is there to stay. */
const MAX_CNAME_ROUNDS = 3;

const NOTHING: PublishedAddresses = { A: { addresses: [], ttl: 0 }, AAAA: { addresses: [], ttl: 0 } };

/** @throws AppError conflict where data at a name would not be seen; contended where others change it all the time; primary-*, publish-unknown */
export async function publishNames<Result>(change: NamesChange<Result>): Promise<Result> {
  const { zone, names, deadlineMs, mayRecall, isDryRun } = change;
  const { publisher } = zone;
  checkTime(change);
  const recalled = mayRecall && isDryRun !== true ? recallAll(zone, names) : undefined;
  change.beliefs = recalled;
  const first = recalled && (await attempt(change, recalled, recalled));
  if (first?.result !== undefined) return first.result.value;

  /** What the primary answered when it refused the last attempt: it need not be asked again. */
  let answered = first?.reads;
  let cname: DomainName | undefined;
  const race = new AnswerSequence();
  while (race.mayGoOn(cname === undefined ? MAX_ROUNDS : MAX_CNAME_ROUNDS)) {
    checkTime(change, race);
    // What was believed before has turned out wrong.
    change.beliefs = undefined;
    const reads = answered ?? (await Promise.all(names.map((name) => publisher.read(name, deadlineMs))));
    answered = undefined;
    cname = undefined;
    const seen = reads.map((read, index) => {
      if (read.kind === 'addresses') return read.published;
      if (read.kind === 'occluded') {
        throw new AppError('conflict', `Addresses at '${names[index]}' would not be seen: ${read.by}.`);
      }
      cname = names[index];
      return NOTHING;
    });
    race.answered(seen.map(({ A, AAAA }) => [...A.addresses, ...AAAA.addresses].join()).join(';'));
    if (cname === undefined) {
      change.beliefs = seen;
      const done = await attempt(change, seen, seen);
      if (done.result !== undefined) return done.result.value;
      answered = done.reads;
      if (seen.every(isNothing) || answered !== undefined) continue;
    }
    // The answers were a wildcard's, or the names were changed since. This attempt finds out if it was a wildcard.
    const own = await ownAddresses(change, seen);
    change.beliefs = own;
    const done = await attempt(change, own, seen);
    if (done.result !== undefined) return done.result.value;
    answered = done.reads;
  }
  if (cname !== undefined) {
    throw new AppError('conflict', `A CNAME record is at '${cname}': no address can be beside it (RFC 1034 §3.6.2).`);
  }
  if (race.isContended) throw contendedNames(names);
  // The answer is the same each time, so no one else is writing: the primary has something that it does not show.
  throw new AppError(
    'conflict',
    `The records of '${names.join("', '")}' are not what the primary answers: a DNAME record is above them, or they were ` +
      'changed by others meanwhile. Nothing was written.',
  );
}

/** Without a result one of the beliefs was wrong. */
interface Attempt<Result> {
  readonly result?: { readonly value: Result };
  readonly reads?: readonly ReadOutcome[];
}

/** Publishes the plan that is based on beliefs. */
async function attempt<Result>(
  { zone, plan, isDryRun, deadlineMs }: NamesChange<Result>,
  beliefs: Beliefs,
  seen: Beliefs,
): Promise<Attempt<Result>> {
  const { plans, result: value } = plan(beliefs, seen);
  // A dry run sends the prerequisites as well, without the edits.
  const change = joinPlans(plans);
  const sent = isDryRun === true ? { ...change, edits: [] } : change;
  const outcome = await zone.publisher.publish(sent, deadlineMs);
  if (outcome === 'published') return { result: { value } };
  return outcome === 'stale' ? {} : { reads: outcome.reads };
}

function recallAll({ publisher }: Zone, names: readonly DomainName[]): Beliefs | undefined {
  const beliefs: PublishedAddresses[] = [];
  for (const name of names) {
    const recalled = publisher.recall(name);
    if (recalled === undefined) return undefined;
    beliefs.push(recalled);
  }
  return beliefs;
}

/** The names' own addresses, where a wildcard's answer may be among `seen`. */
async function ownAddresses(
  { zone, names, deadlineMs }: Pick<NamesChange<unknown>, 'zone' | 'names' | 'deadlineMs'>,
  seen: Beliefs,
): Promise<Beliefs> {
  if (names.length === 1) return [NOTHING];
  const confirmed = names.map(async (ownerName, index): Promise<PublishedAddresses> => {
    const published = seen[index]!;
    if (isNothing(published)) return NOTHING;
    const plan = { zone: zone.apex, ownerName, wanted: {}, published, ttl: 0, ttlIsExplicit: false };
    const outcome = await zone.publisher.publish(planChange(plan).change, deadlineMs);
    return outcome === 'published' ? published : NOTHING;
  });
  return Promise.all(confirmed);
}

/** Several plans as one change. */
function joinPlans(plans: readonly ChangePlan[]): ZoneChange {
  const first = plans[0]?.change;
  if (first === undefined) throw new TypeError('a change without a name');
  if (plans.length === 1) return first;
  const others = plans.slice(1).map(({ change }) => change);
  const changes = [first, ...others];
  const prerequisites = new Map<string, Prerequisite>();
  for (const prerequisite of changes.flatMap((change) => change.prerequisites)) {
    const type = 'type' in prerequisite ? prerequisite.type : 0;
    // All plans say the same of one name and type.
    prerequisites.set(`${type}/${prerequisite.ownerName.key}`, prerequisite);
  }
  return {
    ...first,
    otherNames: others.map(({ ownerName }) => ownerName),
    prerequisites: [...prerequisites.values()],
    edits: changes.flatMap(({ edits }) => edits),
  };
}

function isNothing({ A, AAAA }: PublishedAddresses): boolean {
  return A.addresses.length === 0 && AAAA.addresses.length === 0;
}

function checkTime({ clock, deadlineMs, names }: NamesChange<unknown>, race?: AnswerSequence): void {
  if (clock() < deadlineMs) return;
  if (race?.isContended === true) throw contendedNames(names);
  throw new AppError('primary-unreachable', 'The primary did not answer in time. Nothing was changed.');
}

function contendedNames(names: readonly DomainName[]): AppError {
  return contended(`The records of '${names.join("', '")}'`);
}
