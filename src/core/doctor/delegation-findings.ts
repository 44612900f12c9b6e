/**
 * `dyndns doctor`: compares the parent's NS records and glue with those of the zone (RFC 1034 §4.2.2, RFC 9471 §3), and
 * prints the lines that are missing in the parent's zone file.
 */
import type { IpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import type { Finding, FindingStatus } from './ports.ts';
import type { ZoneAtPrimary } from './primary.ts';

const DELEGATION_TTL = 3600;

/** One nameserver as the parent lists it. */
export interface ListedNameserver {
  readonly name: DomainName;
  readonly glue: readonly IpAddress[];
}

export function finding(status: FindingStatus, text: string, advice?: string): Finding {
  return { check: 'delegation', status, text, ...(advice === undefined ? {} : { advice }) };
}

export function compareNames(
  zone: DomainName,
  parent: DomainName,
  listed: readonly ListedNameserver[],
  own: ZoneAtPrimary | undefined,
): Finding[] {
  const names = listed.map(({ name }) => name);
  const delegates = `'${parent}' delegates '${zone}' to ${names.join(', ')}`;
  if (own === undefined)
    return [
      finding('ok', `${delegates}. They could not be compared with the zone, because the primary does not answer.`),
    ];
  const missing = own.nameservers.filter((name) => !names.some((listedName) => listedName.equals(name)));
  const extra = names.filter((name) => !own.nameservers.some((ownName) => ownName.equals(name)));
  if (missing.length === 0 && extra.length === 0) return [finding('ok', `${delegates}, as in the zone itself.`)];
  const findings: Finding[] = [];
  if (missing.length > 0) {
    const text = `The zone has an NS record for ${missing.join(', ')}, but '${parent}' does not.`;
    const lines = missing.map((name) => nsLine(zone, name)).join('');
    const advice = `Add to the zone '${parent}' (or remove from the NS records of '${zone}'):\n${lines}`;
    findings.push(finding('warning', text, advice.trimEnd()));
  }
  if (extra.length > 0) {
    const text = `'${parent}' delegates '${zone}' to ${extra.join(', ')}, but the zone has no such NS record.`;
    const advice = `Remove it from the delegation in '${parent}', or add it to the NS records of '${zone}'.`;
    findings.push(finding('warning', text, advice));
  }
  return findings;
}

export function compareGlue(
  zone: DomainName,
  parent: DomainName,
  listed: readonly ListedNameserver[],
  own: ZoneAtPrimary | undefined,
): Finding[] {
  const findings: Finding[] = [];
  for (const { name, glue } of listed) {
    if (!name.isAtOrBelow(zone)) continue;
    const zoneAddresses = own?.addresses.get(name.key);
    if (glue.length === 0) {
      const text = `'${parent}' has no glue for ${name}: resolvers cannot reach a nameserver inside the zone that it serves.`;
      const lines = (zoneAddresses ?? []).map((address) => addressLine(name, address)).join('');
      const advice =
        lines === '' ? `Add its address to the zone '${parent}'.` : `Add to the zone '${parent}':\n${lines}`;
      findings.push(finding('problem', text, advice.trimEnd()));
      continue;
    }
    const atParent = glue.map(({ text }) => text);
    if (zoneAddresses === undefined) continue;
    const inZone = zoneAddresses.map(({ text }) => text);
    const stale = atParent.filter((text) => !inZone.includes(text));
    const missing = inZone.filter((text) => !atParent.includes(text));
    if (stale.length === 0 && missing.length === 0) {
      findings.push(finding('ok', `The glue of ${name} matches the zone: ${atParent.join(', ')}.`));
      continue;
    }
    const text = `The glue of ${name} is ${atParent.join(', ')} at '${parent}', but ${inZone.join(', ') || 'no address'} in the zone.`;
    const advice =
      stale.length > 0
        ? `Make both the same: resolvers query ${stale.join(' ')} first.`
        : `Also add ${missing.join(' ')} at '${parent}', so that resolvers can use it.`;
    findings.push(finding(stale.length > 0 ? 'problem' : 'warning', text, advice));
  }
  return findings;
}

/** The advice for a zone that is not delegated: the lines of the parent's zone file. */
export function linesToAdd(zone: DomainName, parent: DomainName, own: ZoneAtPrimary | undefined): string {
  if (own === undefined || own.nameservers.length === 0) {
    return `Add an NS record for each nameserver of '${zone}' to the zone '${parent}', and the addresses of those whose names are in '${zone}'.`;
  }
  const ns = own.nameservers.map((name) => nsLine(zone, name));
  const glue = own.nameservers.flatMap((name) =>
    (own.addresses.get(name.key) ?? []).map((address) => addressLine(name, address)),
  );
  return `Add these lines to the zone '${parent}', or send them to its operator:\n${[...ns, ...glue].join('')}`.trimEnd();
}

function nsLine(zone: DomainName, name: DomainName): string {
  return `  ${zone} ${DELEGATION_TTL} IN NS ${name}\n`;
}

function addressLine(name: DomainName, address: IpAddress): string {
  return `  ${name} ${DELEGATION_TTL} IN ${address.family === 4 ? 'A' : 'AAAA'} ${address.text}\n`;
}
