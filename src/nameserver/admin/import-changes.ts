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
import type { ZoneNames } from '../zone/occlusion.ts';
import type { ZoneRRset } from '../zone/zone-node.ts';
import type { ZoneVersion } from '../zone/zone-version.ts';
import type { TimeSlices } from './time-slices.ts';
import { type ImportedName, type ImportedZone, ImportTally, planName } from './zone-import.ts';

/** Problems that the error names. */
const MAX_PROBLEMS = 20;

export interface ImportPlan {
  /** Names that change: removals first, then delegations, then the rest, so that no commit hides what goes later. */
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
  const phases: [ImportedName[], ImportedName[], ImportedName[]] = [[], [], []];
  const [unchanged, changed] = [new ImportTally(), new ImportTally()];
  for (const imported of withRemovedNames(published, names, replace)) {
    const part = new ImportTally();
    const statics = published.statics.get(imported.key);
    const edits = planName(imported, published.find(imported.key), statics, { replace, tally: part });
    for (const rrset of edits) draft.setRRset(imported, rrset);
    if (edits.length > 0) phases[phaseOf(edits)].push(imported);
    (edits.length > 0 ? changed : unchanged).add(part);
    if (slices.over) await slices.next();
  }
  const changes = phases.flat();
  await judge(published, draft, changes, limits, slices);
  return { changes, unchanged, changed };
}

function* withRemovedNames(
  { nodes }: ZoneVersion,
  names: ReadonlyMap<string, ImportedName>,
  replace: boolean,
): Generator<ImportedName> {
  yield* names.values();
  if (!replace) return;
  for (const { key, wireText, rrsets } of nodes.values()) {
    if (rrsets.length > 0 && !names.has(key)) yield { key, wireText, rrsets: [] };
  }
}

function phaseOf(edits: readonly ZoneRRset[]): 0 | 1 | 2 {
  const isCut = ({ type }: ZoneRRset) => type === RRType.NS || type === RRType.DNAME;
  const isRemoval = ({ rdatas }: ZoneRRset) => rdatas.length === 0;
  if (edits.every(isRemoval) || edits.some((rrset) => isCut(rrset) && isRemoval(rrset))) return 0;
  return edits.some(isCut) ? 1 : 2;
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
