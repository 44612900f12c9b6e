/**
 * The changes of `dnssec` that a reload refuses: resolvers would refuse a zone that loses its signatures, or the algorithm that its DS
 * record names, from one moment to the next. A zone that becomes signed, another validity, and removing the whole zone are permitted, and whatever a zone that left DNSSEC wants.
 */
import type { Config, DnssecConfig } from '../config/config.ts';
import type { DomainName } from '../dns/name.ts';
import { StartError } from './start-error.ts';

/**
 * @param algorithmsOf of the DNSKEY records of a zone; none: it is not signed; undefined: it is not served
 * @throws StartError for the zones whose new options cannot be put in force
 */
export function refuseSigningChanges(
  next: Config,
  running: Config,
  algorithmsOf: (apex: DomainName) => readonly number[] | undefined,
): void {
  const problems = [...signedZones(running)].flatMap(([apexKey, before]) => {
    const zone = next.zones.find(({ apex }) => apex.key === apexKey);
    if (zone?.primary.kind !== 'embedded') return [];
    const algorithms = algorithmsOf(zone.apex);
    if (algorithms?.length === 0) return [];
    return describeChange(zone.apex, { before, after: zone.primary.dnssec, algorithms }) ?? [];
  });
  if (problems.length > 0) throw new StartError('zone', problems.join('\n'));
}

function signedZones({ zones }: Config): ReadonlyMap<string, DnssecConfig> {
  return new Map(
    zones.flatMap(({ apex, primary }) =>
      primary.kind === 'embedded' && primary.dnssec ? [[apex.key, primary.dnssec]] : [],
    ),
  );
}

interface Change {
  readonly before: DnssecConfig;
  readonly after: DnssecConfig | undefined;
  readonly algorithms: readonly number[] | undefined;
}

function describeChange(apex: DomainName, { before, after, algorithms }: Change): string | undefined {
  if (after === undefined) {
    return (
      `The zone '${apex}' is signed, and its option dnssec cannot be removed or set to false: resolvers would refuse the zone while ` +
      `its parent has a DS record. Set it again, and run 'dyndns zone dnssec ${apex} leave' to make the zone unsigned.`
    );
  }
  // After a rollover to another algorithm, the option may follow.
  const isOwn = algorithms?.every((algorithm) => algorithm === after.algorithm) === true;
  if (after.algorithm !== before.algorithm && !isOwn) {
    return `The zone '${apex}' is signed, and its dnssec.algorithm cannot be changed by a reload. Set it back to the former value, and run 'dyndns zone dnssec ${apex} roll --algorithm NAME' to change it.`;
  }
  if (after.chain === before.chain) return undefined;
  const value = before.chain === 'nsec3';
  return `The zone '${apex}' is signed, and its dnssec.nsec3 cannot be changed by a reload. Set it back to ${value}.`;
}
