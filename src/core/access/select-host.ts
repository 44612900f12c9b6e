/**
 * Finds the host of a request that does not contain its whole name: by a single label, by the user name, or by the token
 * alone. The result still has to be authorized.
 */

import { parseHostName } from '../../dns/host-name.ts';
import { type DomainName, NameError } from '../../dns/name.ts';
import type { Zone, ZoneTable } from '../zones/zone.ts';
import { scopeCovers } from './name-scope.ts';
import type { Principal } from './principal.ts';

/**
 * The name of two or more labels itself. For a single label, the only literal host of the scope that begins with it, else the
 * label below the only zone in scope; undefined where more than one host or zone is possible.
 * @throws NameError
 */
export function selectByText(principal: Principal, zones: ZoneTable, text: string): DomainName | undefined {
  const name = parseHostName(text);
  if (name.labelCount > 1) return name;
  const label = name.key.slice(0, -1);
  const hosts = literalHosts(principal).filter(({ key }) => key.startsWith(label));
  if (hosts.length === 1) return hosts[0];
  const [zone, ...moreZones] = zonesInScope(principal, zones);
  return zone === undefined || moreZones.length > 0 ? undefined : parseHostName(`${text}.${zone.apex}`);
}

/** The user name as a host, if the credential covers it: many clients send the host there. */
export function selectByUser(principal: Principal, zones: ZoneTable, user: string): DomainName | undefined {
  let name: DomainName;
  try {
    name = parseHostName(user);
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
  if (name.labelCount === 1) return undefined;
  const covered =
    principal.kind === 'master' ? zones.find(name) !== undefined : scopeCovers(principal.token.hosts, name);
  return covered ? name : undefined;
}

/** The literal host of a token; undefined if it has more than one. */
export function selectOnlyHost(principal: Principal): DomainName | undefined {
  const [host, ...moreHosts] = literalHosts(principal);
  return moreHosts.length > 0 ? undefined : host;
}

/** The hosts of a token's scope that are not patterns. */
export function literalHosts(principal: Principal): DomainName[] {
  return principal.kind === 'master' ? [] : principal.token.hosts.filter((name) => !name.isWildcard);
}

function zonesInScope(principal: Principal, zones: ZoneTable): Set<Zone> {
  if (principal.kind === 'master') return new Set(zones.all);
  return new Set(principal.token.hosts.map((name) => zones.find(name)).filter((zone) => zone !== undefined));
}
