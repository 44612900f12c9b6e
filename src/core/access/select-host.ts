/**
 * Which host is meant where a request does not say its whole name: by a single label, by the user name, or not at all.
 * What comes of it still has to be authorised.
 */

import { parseHostName } from '../../dns/host-name.ts';
import { type DomainName, NameError } from '../../dns/name.ts';
import type { Zone, ZoneTable } from '../zones/zone.ts';
import { scopeCovers } from './name-scope.ts';
import type { Principal } from './principal.ts';

/**
 * The name that a text means: as it is, or for a single label the one literal host of the scope that begins with it,
 * else the label in front of the zone if one zone alone is in scope; undefined if there is none like that.
 * @throws NameError
 */
export function selectByText(principal: Principal, zones: ZoneTable, text: string): DomainName | undefined {
  const name = parseHostName(text);
  if (name.labelCount > 1) return name;
  const first = name.key.slice(0, -1);
  const literal = literalHosts(principal).filter(({ key }) => key.startsWith(first));
  if (literal.length === 1) return literal[0];
  const [zone, ...others] = zonesInScope(principal, zones);
  return zone === undefined || others.length > 0 ? undefined : parseHostName(`${text}.${zone.apex}`);
}

/** The name that a user name is, if the credential covers it: many clients have the host there. */
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

/** The one literal host of a token. */
export function selectOnlyHost(principal: Principal): DomainName | undefined {
  const [host, ...others] = literalHosts(principal);
  return others.length > 0 ? undefined : host;
}

/** The hosts of a token's scope that are no patterns. */
export function literalHosts(principal: Principal): DomainName[] {
  return principal.kind === 'master' ? [] : principal.token.hosts.filter((name) => !name.isWildcard);
}

function zonesInScope(principal: Principal, zones: ZoneTable): Set<Zone> {
  if (principal.kind === 'master') return new Set(zones.all);
  return new Set(principal.token.hosts.map((name) => zones.find(name)).filter((zone) => zone !== undefined));
}
