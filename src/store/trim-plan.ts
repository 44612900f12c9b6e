/** How many of its oldest events each host loses when the history is too long: those with the most lose first. */

export interface EventCount {
  readonly name: string;
  readonly events: number;
}

/**
 * Brings the hosts with the most events down to one level.
 * @param counts those with the most, in descending order; of more hosts than these nothing is removed
 * @param excess how many events to remove; at most the sum of all
 * @returns how many to remove of each host, without those that lose none
 */
export function trimPlan(counts: readonly EventCount[], excess: number): readonly EventCount[] {
  let sum = 0;
  let hosts = 0;
  while (hosts < counts.length) {
    sum += counts[hosts]!.events;
    hosts += 1;
    // Down to the next host, those before it have enough to lose.
    if (sum - hosts * (counts[hosts]?.events ?? 0) >= excess) break;
  }
  const left = Math.max(0, sum - excess);
  const level = hosts === 0 ? 0 : Math.floor(left / hosts);
  const oneMore = left - level * hosts;
  return counts
    .slice(0, hosts)
    .map(({ name, events }, index) => ({ name, events: events - level - (index < oneMore ? 1 : 0) }))
    .filter(({ events }) => events > 0);
}
