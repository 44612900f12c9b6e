/**
 * `dyndns doctor`: hosts that publish private addresses. Only the hosts that the configuration, or the running server, knows
 * by name are checked, and not more than a limit.
 */
import type { DomainName } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import { forEachInParallel } from '../parallel.ts';
import { isPrivate } from '../zones/special-addresses.ts';
import { specialUse } from './delegation.ts';
import type { DoctorSubject, DoctorTools, Finding } from './ports.ts';

const MAX_HOSTS = 500;
const PARALLEL = 16;
const QUERY_TIMEOUT_MS = 3000;
/** Hosts that the finding names. */
const MAX_SHOWN = 5;

/** One finding for all such hosts; none in a zone of a private network, where they are what one expects. */
export async function checkHosts({ zone, hosts = [] }: DoctorSubject, tools: DoctorTools): Promise<Finding[]> {
  if (hosts.length === 0 || specialUse(zone) !== undefined) return [];
  tools.progress(`querying hosts of '${zone}'`);
  const found = new Map<DomainName, string>();
  let failure: AppError | undefined;
  const checked = hosts.slice(0, MAX_HOSTS);
  await forEachInParallel(checked, PARALLEL, async (host) => {
    if (failure !== undefined || tools.clock() >= tools.deadlineMs) return;
    try {
      const address = await privateAddress(host, tools);
      if (address !== undefined) found.set(host, address);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      failure = error;
    }
  });
  const inOrder = checked.flatMap((host) => (found.has(host) ? [`${host} ${found.get(host)}`] : []));
  if (inOrder.length === 0) return [];
  const shown = inOrder.slice(0, MAX_SHOWN).join(', ');
  const more = inOrder.length > MAX_SHOWN ? `, and ${inOrder.length - MAX_SHOWN} more` : '';
  const text = `The internet cannot reach private addresses, and these hosts have one: ${shown}${more}.`;
  const advice =
    'If they are for your own network there is nothing to do, but resolvers with rebind protection drop such answers. ' +
    "Otherwise 'dyndns history HOST' shows which client sends them, and zones[].addresses.deny refuses them.";
  return [{ check: 'outside', status: 'warning', text, advice }];
}

/** The first private address of a host. @throws AppError primary-* */
async function privateAddress(host: DomainName, { publisher, clock, deadlineMs }: DoctorTools) {
  const outcome = await publisher.read(host, Math.min(clock() + QUERY_TIMEOUT_MS, deadlineMs));
  if (outcome.kind !== 'addresses') return undefined;
  const { A, AAAA } = outcome.published;
  return [...A.addresses, ...AAAA.addresses].find(isPrivate);
}
