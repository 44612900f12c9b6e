/** The two changes of the original API, for its HTTP routes and for the control socket: parameters in, reply lines out. */
import type { RequestContext } from '../../core/access/request-context.ts';
import { deletionLine, updateLines } from '../../core/updates/original-lines.ts';
import { hasPrivateAddress } from '../../core/updates/update-addresses.ts';
import type { WantedAddresses } from '../../core/zones/plan-change.ts';
import type { Zone } from '../../core/zones/zone.ts';
import type { DoorReply, Services } from './door.ts';
import { formatDryRun, isDryRun } from './dry-run.ts';
import { findOwner, parseAddresses, parseTtl, type UpdateParameters } from './original-parameters.ts';

/** Seconds. */
const DEFAULT_TTL = 300;

/**
 * Changes the addresses of one name: to the caller's own address if the parameters have none.
 * @throws AppError
 */
export async function changeAddresses(
  parameters: UpdateParameters,
  context: RequestContext,
  services: Pick<Services, 'zones' | 'updates' | 'unspecifiedFamily'>,
): Promise<DoorReply> {
  const { zone: hostZone, ownerName, families } = findOwner(parameters, context.principal, services);
  const choose = (zone: Zone) => {
    const ttl = parseTtl(parameters.ttl);
    const addresses = parseAddresses(parameters, zone, context.caller);
    const wanted: WantedAddresses =
      services.unspecifiedFamily === 'delete' ? { A: [], AAAA: [], ...addresses } : addresses;
    return { wanted, ...(ttl !== undefined && { ttl }), ...(isDryRun(parameters.dry_run) && { isDryRun: true }) };
  };
  const update = { zone: hostZone, ownerName, families, fallbackTtl: DEFAULT_TTL, choose };
  const updated = await services.updates.run(update, context);
  const { result, choice } = updated;
  if (choice.isDryRun) return changeReply(false, formatDryRun(updated));
  const reply = changeReply(result.changed, updateLines(result));
  return hasPrivateAddress(result) ? { ...reply, isPrivate: true } : reply;
}

/** Removes A and AAAA of a name. @throws AppError */
export async function deleteAddresses(
  fqdn: string | undefined,
  context: RequestContext,
  services: Pick<Services, 'zones' | 'updates'>,
): Promise<DoorReply> {
  const host = findOwner({ fqdn }, context.principal, services);
  const choose = () => ({ wanted: { A: [], AAAA: [] } });
  const { changed } = await services.updates.run({ ...host, fallbackTtl: DEFAULT_TTL, choose }, context);
  return changeReply(changed, deletionLine(host.ownerName, changed));
}

function changeReply(changed: boolean, body: string): DoorReply {
  return { status: 200, body, outcome: changed ? 'updated' : 'unchanged', detail: body.trimEnd() };
}
