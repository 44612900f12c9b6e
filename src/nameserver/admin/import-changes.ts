/**
 * The changes of an import: planned for all names, judged on the zone as it will be after the whole import, and ordered
 * for several commits. The rules are those of UPDATE.
 */
import { AppError } from '../../core/errors.ts';
import { RRType } from '../../dns/rdata.ts';
import { ZoneDraft } from '../zone/draft.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { whyForbidden } from '../zone/judge-change.ts';
import type { ZoneLimits } from '../zone/limits.ts';
import { cutAbove, type ZoneNames } from '../zone/occlusion.ts';
import type { ZoneRRset } from '../zone/zone-node.ts';
import type { ZoneVersion } from '../zone/zone-version.ts';
import type { TimeSlices } from './time-slices.ts';
import { type ImportedName, type ImportedZone, ImportTally, planName } from './zone-import.ts';

/** Problems that the error names. */
const MAX_PROBLEMS = 20;

export interface ImportPlan {
  /**
   * Names that change: removals first, then delegations, then the rest, so that no commit hides what goes later. Of the removals, those
   * below a delegation first: in a signed zone, a delegation that goes away over names takes the time of all names of the zone.
   */
  readonly changes: readonly ImportedName[];
  /** Of the names that do not change. */
  readonly unchanged: ImportTally;
  /** Of those that do. */
  readonly changed: ImportTally;
}

/** @throws AppError request-malformed if the zone after the import would be over the limits or have hidden data */
export async function planImport(
  zone: EmbeddedZone,
  { names }: ImportedZone,
  replace: boolean,
  limits: ZoneLimits,
  slices: TimeSlices,
): Promise<ImportPlan> {
  const { published } = zone;
  const draft = new ZoneDraft(published);
  const phases: [ImportedName[], ImportedName[], ImportedName[], ImportedName[]] = [[], [], [], []];
  const [unchanged, changed] = [new ImportTally(), new ImportTally()];
  for (const imported of withRemovedNames(published, names, replace)) {
    if (slices.over) await slices.next();
    if (imported === undefined) continue;
    const part = new ImportTally();
    const statics = published.statics.get(imported.key);
    const edits = planName(imported, published.find(imported.key), statics, { replace, tally: part });
    for (const rrset of edits) draft.setRRset(imported, rrset);
    if (edits.length > 0) phases[phaseOf(edits, cutAbove(published, imported.key) !== undefined)].push(imported);
    (edits.length > 0 ? changed : unchanged).add(part);
  }
  const changes = phases.flat();
  await judge(published, draft, changes, limits, slices);
  return { changes, unchanged, changed };
}

/** Undefined for each name of the zone that is not removed, so that the caller can pause. */
function* withRemovedNames(
  { nodes }: ZoneVersion,
  names: ReadonlyMap<string, ImportedName>,
  replace: boolean,
): Generator<ImportedName | undefined> {
  yield* names.values();
  if (!replace) return;
  for (const { key, wireText, rrsets } of nodes.values()) {
    yield rrsets.length > 0 && !names.has(key) ? { key, wireText, rrsets: [] } : undefined;
  }
}

function phaseOf(edits: readonly ZoneRRset[], isBelowCut: boolean): 0 | 1 | 2 | 3 {
  const isCut = ({ type }: ZoneRRset) => type === RRType.NS || type === RRType.DNAME;
  const isRemoval = ({ rdatas }: ZoneRRset) => rdatas.length === 0;
  if (edits.every(isRemoval) || edits.some((rrset) => isCut(rrset) && isRemoval(rrset))) return isBelowCut ? 0 : 1;
  return edits.some(isCut) ? 2 : 3;
}

async function judge(
  before: ZoneVersion,
  after: ZoneNames,
  changes: readonly ImportedName[],
  limits: ZoneLimits,
  slices: TimeSlices,
): Promise<void> {
  const problems: string[] = [];
  let count = 0;
  for (const { key } of changes) {
    const why = whyForbidden(before, after, [key], limits);
    if (why !== undefined) {
      count += 1;
      if (problems.length < MAX_PROBLEMS) problems.push(why);
    }
    if (slices.over) await slices.next();
  }
  if (count === 0) return;
  const more = count > problems.length ? ` And ${count - problems.length} more.` : '';
  const text = `Nothing was imported. After the import, ${problems.join('; ')}.${more}`;
  throw new AppError('request-malformed', text);
}
