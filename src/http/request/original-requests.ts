/** The two changes of the original API, for its HTTP routes and for the control socket: parameters in, reply lines out. */
import type { RequestContext } from '../../core/access/request-context.ts';
import { deletionLine, updateLines } from '../../core/updates/original-lines.ts';
import { hasPrivateAddress } from '../../core/updates/update-addresses.ts';
import type { HostUpdated } from '../../core/updates/update-host.ts';
import type { WantedAddresses } from '../../core/zones/plan-change.ts';
import type { ServedCount } from '../../core/zones/secondaries.ts';
import type { Zone } from '../../core/zones/zone.ts';
import type { IpPrefix } from '../../dns/address.ts';
import type { DoorReply, Services } from './door.ts';
import { formatDryRun, isDryRun } from './dry-run.ts';
import { requireMoved } from './host-requests.ts';
import {
  findOwner,
  type NameParameters,
  parseAddresses,
  parseTtl,
  parseWait,
  type UpdateParameters,
} from './original-parameters.ts';

/** Seconds. */
const DEFAULT_TTL = 300;

/** Of a request with `wait=secondaries`, from its arrival to its reply. */
const LONGEST_WAIT_MS = 8000;

export interface ChangeReply extends DoorReply {
  /** Of a dry run: what would change. */
  readonly preview?: Pick<HostUpdated, 'result' | 'leftOut'>;
  /** Of a request that waited, in a zone whose secondaries are known. */
  readonly secondaries?: ServedCount;
}

/**
 * Changes the addresses of one name: to the caller's own address if the parameters have none.
 * @param prefix the host and its members move into it; without addresses it is the whole request
 * @throws AppError
 */
export async function changeAddresses(
  parameters: UpdateParameters,
  context: RequestContext,
  services: Pick<Services, 'zones' | 'updates' | 'unspecifiedFamily'>,
  prefix?: IpPrefix,
): Promise<ChangeReply> {
  const startMs = performance.now();
  const { zone: hostZone, ownerName, families } = findOwner(parameters, context.principal, services);
  const isWaiting = parseWait(parameters.wait);
  const choose = (zone: Zone) => {
    const ttl = parseTtl(parameters.ttl);
    const isPrefixAlone = prefix !== undefined && parameters.ips.length === 0;
    const addresses = isPrefixAlone ? {} : parseAddresses(parameters, zone, context.caller);
    const wanted: WantedAddresses =
      services.unspecifiedFamily === 'delete' && prefix === undefined ? { A: [], AAAA: [], ...addresses } : addresses;
    return {
      wanted,
      ...(prefix && { prefix }),
      ...(ttl !== undefined && { ttl }),
      ...(isDryRun(parameters.dry_run) && { isDryRun: true }),
    };
  };
  const update = { zone: hostZone, ownerName, families, fallbackTtl: DEFAULT_TTL, choose };
  const updated = requireMoved(await services.updates.run(update, context));
  const { result, choice } = updated;
  if (choice.isDryRun) return { ...changeReply(false, formatDryRun(updated)), preview: updated };
  const reply = changeReply(result.changed, updateLines(result));
  const marked = hasPrivateAddress(result) ? { ...reply, isPrivate: true } : reply;
  return isWaiting ? whenServed(marked, hostZone, startMs) : marked;
}

/** Removes A and AAAA of a name. @throws AppError */
export async function deleteAddresses(
  parameters: Pick<NameParameters, 'fqdn'> & Pick<UpdateParameters, 'wait' | 'dry_run'>,
  context: RequestContext,
  services: Pick<Services, 'zones' | 'updates'>,
): Promise<ChangeReply> {
  const startMs = performance.now();
  const host = findOwner({ fqdn: parameters.fqdn }, context.principal, services);
  const isWaiting = parseWait(parameters.wait);
  const isDry = isDryRun(parameters.dry_run);
  const choose = () => ({ wanted: { A: [], AAAA: [] }, ...(isDry && { isDryRun: true }) });
  const updated = await services.updates.run({ ...host, fallbackTtl: DEFAULT_TTL, choose }, context);
  if (isDry) return { ...changeReply(false, formatDryRun(updated)), preview: updated };
  const { changed } = updated;
  const reply = changeReply(changed, deletionLine(host.ownerName, changed));
  return isWaiting ? whenServed(reply, host.zone, startMs) : reply;
}

function changeReply(changed: boolean, body: string): DoorReply {
  return { status: 200, body, outcome: changed ? 'updated' : 'unchanged', detail: body.trimEnd() };
}

/**
 * The same reply when the secondaries serve what is published now, or at the end of the time. The names of the update are free
 * meanwhile. Without a header where another primary has the zone.
 */
async function whenServed(reply: DoorReply, { secondaries }: Zone, startMs: number): Promise<ChangeReply> {
  if (secondaries === undefined) return reply;
  const leftMs = LONGEST_WAIT_MS - (performance.now() - startMs);
  const count = await secondaries.whenServed(secondaries.serial, leftMs);
  return { ...reply, headers: { 'Dyndns-Secondaries': `${count.served}/${count.listed}` }, secondaries: count };
}
