/**
 * `dyndns doctor`: the parent's NS records and glue against what the zone itself says (RFC 1034 §4.2.2, RFC 9471), as
 * findings, and the lines of a zone file that are missing at the parent.
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
    return [finding('ok', `${delegates}. The zone's own list is not known: the primary does not answer.`)];
  const missing = own.nameservers.filter((name) => !names.some((other) => other.equals(name)));
  const extra = names.filter((name) => !own.nameservers.some((other) => other.equals(name)));
  if (missing.length === 0 && extra.length === 0) return [finding('ok', `${delegates}, as the zone itself says.`)];
  const findings: Finding[] = [];
  if (missing.length > 0) {
    const text = `The zone names ${missing.join(', ')} as its nameserver, and '${parent}' does not.`;
    const lines = missing.map((name) => nsLine(zone, name)).join('');
    const advice = `Add to the zone '${parent}' (or remove from the NS records of '${zone}'):\n${lines}`;
    findings.push(finding('warning', text, advice.trimEnd()));
  }
  if (extra.length > 0) {
    const text = `'${parent}' names ${extra.join(', ')} as a nameserver of '${zone}', and the zone itself does not.`;
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
    const known = own?.addresses.get(name.key);
    if (glue.length === 0) {
      const text = `'${parent}' has no address for ${name}: without this glue nobody can ask a nameserver inside of its own zone.`;
      const lines = (known ?? []).map((address) => addressLine(name, address)).join('');
      const advice =
        lines === '' ? `Add its address to the zone '${parent}'.` : `Add to the zone '${parent}':\n${lines}`;
      findings.push(finding('problem', text, advice.trimEnd()));
      continue;
    }
    const atParent = glue.map(({ text }) => text);
    if (known === undefined) continue;
    const inZone = known.map(({ text }) => text);
    const stale = atParent.filter((text) => !inZone.includes(text));
    const missing = inZone.filter((text) => !atParent.includes(text));
    if (stale.length === 0 && missing.length === 0) {
      findings.push(finding('ok', `The glue of ${name} is what the zone says: ${atParent.join(', ')}.`));
      continue;
    }
    const text = `The glue of ${name} is ${atParent.join(', ')} at '${parent}', and ${inZone.join(', ') || 'no address'} in the zone.`;
    const advice =
      stale.length > 0
        ? `Make both the same: resolvers ask ${stale.join(' ')} first.`
        : `Add ${missing.join(' ')} at '${parent}' too, so that resolvers may use it from the beginning.`;
    findings.push(finding(stale.length > 0 ? 'problem' : 'warning', text, advice));
  }
  return findings;
}

/** The advice for a zone that is not delegated: the lines of the parent's zone file. */
export function linesToAdd(zone: DomainName, parent: DomainName, own: ZoneAtPrimary | undefined): string {
  if (own === undefined || own.nameservers.length === 0) {
    return `Add an NS record for each nameserver of '${zone}' to the zone '${parent}', and the addresses of those whose names lie in '${zone}'.`;
  }
  const ns = own.nameservers.map((name) => nsLine(zone, name));
  const glue = own.nameservers.flatMap((name) =>
    (own.addresses.get(name.key) ?? []).map((address) => addressLine(name, address)),
  );
  return `Add these lines to the zone '${parent}', or have whoever runs it add them:\n${[...ns, ...glue].join('')}`.trimEnd();
}

function nsLine(zone: DomainName, name: DomainName): string {
  return `  ${zone} ${DELEGATION_TTL} IN NS ${name}\n`;
}

function addressLine(name: DomainName, address: IpAddress): string {
  return `  ${name} ${DELEGATION_TTL} IN ${address.family === 4 ? 'A' : 'AAAA'} ${address.text}\n`;
}
