/** Judges what a change has made of a zone, before it is committed. UPDATE and imports have the same rules. */
import { overLimits, type ZoneLimits } from './limits.ts';
import { newlyOccluded, type ZoneNames } from './occlusion.ts';

/** Why the zone may not become so; undefined if it may. @param keys of the names that the change edited, each once */
export function whyForbidden(
  before: ZoneNames,
  after: ZoneNames,
  keys: Iterable<string>,
  limits: ZoneLimits,
): string | undefined {
  // First the limits, which bound the work of the rest.
  return overLimits(before, after, keys, limits) ?? newlyOccluded(before, after, keys);
}
