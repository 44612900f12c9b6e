/** The answers of nameservers for a host as an operation shows them: each beside what was asked for. */
import type { DomainName } from '../../dns/name.ts';
import { agrees, type HostAnswers, type ServerAnswer, type WantedTexts } from '../zones/host-answers.ts';
import type { AddressSet } from '../zones/publisher.ts';
import type { Result } from './operations.ts';
import { isoTime } from './views.ts';

export interface AskedFor {
  readonly wanted: WantedTexts;
  readonly source: 'pending' | 'history' | 'none';
}

export function answersView(
  ownerName: DomainName,
  asked: AskedFor,
  { zone, zoneKind, servers }: HostAnswers,
  nowMs: number,
): Result<'showAnswers'> {
  const { wanted, source } = asked.source === 'none' ? fromPrimary(servers) : asked;
  return {
    host: ownerName.toString(),
    time: isoTime(nowMs),
    zone: zone.toString(),
    zoneKind,
    wanted,
    source,
    servers: servers.map(({ A, AAAA, ...server }) => {
      const isSame = agrees({ ...(A && { A }), ...(AAAA && { AAAA }) }, wanted);
      return {
        ...server,
        ...(A && { A: setView(A) }),
        ...(AAAA && { AAAA: setView(AAAA) }),
        ...(isSame !== undefined && { agrees: isSame }),
      };
    }),
  };
}

/** A name without a history: the others are compared with the primary. */
function fromPrimary(servers: readonly ServerAnswer[]) {
  const primary = servers.find(({ role }) => role === 'this-server' || role === 'primary');
  if (primary?.A === undefined || primary.AAAA === undefined) return { wanted: {}, source: 'none' as const };
  return { wanted: { A: primary.A.addresses, AAAA: primary.AAAA.addresses }, source: 'primary' as const };
}

function setView({ addresses, ttl }: AddressSet) {
  return { addresses, ...(addresses.length > 0 && { ttl }) };
}
