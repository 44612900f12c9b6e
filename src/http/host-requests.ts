/**
 * What the doors have in common whose requests name hosts: who asks, which host is meant, and the change of its addresses.
 */
import { findPermittedZone } from '../core/authorize.ts';
import { AppError } from '../core/errors.ts';
import { FAMILIES } from '../core/plan-change.ts';
import { isCarrierNat } from '../core/policy.ts';
import type { Principal } from '../core/principal.ts';
import type { RequestContext } from '../core/request-context.ts';
import { selectByText, selectByUser, selectOnlyHost } from '../core/select-host.ts';
import type { AddressUpdate } from '../core/update-addresses.ts';
import type { AddressChoice, HostUpdated } from '../core/update-host.ts';
import { type DomainName, NameError } from '../dns/name.ts';
import { RRType } from '../dns/rdata.ts';
import { authenticateRequest } from './authentication.ts';
import { findCredential } from './credentials.ts';
import type { DoorReply, DoorRequest, Services } from './door.ts';

const ADDRESS_TYPES = [RRType.A, RRType.AAAA];
/** Seconds. */
const DEFAULT_TTL = 60;
export const MAX_HOSTS = 20;

/**
 * The first request of some clients has no credential, so as to be asked for it: that is no guess.
 * @param parameter the protocol's own credential, from path, query or body
 * @throws AppError not-authenticated, rate-limited, store-unreachable
 */
export async function identify(
  request: DoorRequest,
  services: Services,
  protocol: string,
  parameter: string | undefined,
): Promise<RequestContext> {
  const { headers, clientAddress: caller } = request;
  if (headers.authorization === undefined && findCredential(headers, parameter) === undefined) {
    throw new AppError('not-authenticated', 'The request has no credential.');
  }
  const principal = await authenticateRequest(request, services, parameter);
  return { principal, caller, protocol, userAgent: headers['user-agent'] ?? '' };
}

/** The host that a text means. @throws AppError name-invalid */
export function findNamedHost(text: string, principal: Principal, { zones }: Pick<Services, 'zones'>): DomainName {
  let name: DomainName | undefined;
  try {
    name = selectByText(principal, zones, text.trim().replace(/\.$/, ''));
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    // What a client wrote into the wrong place may be its secret.
    throw new AppError('name-invalid', `The request has an invalid host name (${error.code}).`);
  }
  if (name !== undefined) return name;
  throw new AppError('name-invalid', 'The request has a single label, and more than one zone or host could be meant.');
}

/** The host of a request that names none: its user name, else the only literal one of the token. @throws AppError name-invalid */
export function findUnnamedHost(
  user: string | undefined,
  principal: Principal,
  { zones }: Pick<Services, 'zones'>,
): DomainName {
  const name = (user && selectByUser(principal, zones, user)) || selectOnlyHost(principal);
  if (name) return name;
  throw new AppError('name-invalid', 'The request names no host.');
}

/**
 * Changes the addresses of a host, if the credential covers it.
 * @param choose is handed the zone's `empty_value`; called when it is known that the credential covers the host
 * @throws AppError
 */
async function changeHost(
  ownerName: DomainName,
  choose: (emptyValue: 'keep' | 'clear') => AddressChoice,
  context: RequestContext,
  { zones, updates }: Pick<Services, 'zones' | 'updates'>,
): Promise<HostUpdated> {
  const zone = findPermittedZone(zones, context.principal, ownerName, ADDRESS_TYPES);
  const update = { zone, ownerName, fallbackTtl: DEFAULT_TTL, choose: () => choose(zone.emptyValue) };
  const updated = await updates.run(update, context);
  const { wanted, prefix } = updated.choice;
  if (prefix !== undefined && updated.result.AAAA.after.length === 0 && Object.keys(wanted).length === 0) {
    throw new AppError('conflict', `'${ownerName}' has no AAAA record that could move into the prefix.`);
  }
  return updated;
}

/** What became of one host. */
export type HostAnswer =
  | { readonly kind: 'done'; readonly updated: HostUpdated }
  | { readonly kind: 'failed'; readonly error: AppError };

/**
 * Does the same with each host, whatever becomes of the others.
 * @param find gives the host, or throws name-invalid
 * @param isGeneral an error that concerns more than one host: it is the whole reply. What is done already is confirmed
 *   when the client comes again.
 * @throws AppError where it is general
 */
export async function changeHosts(
  find: readonly (() => DomainName)[],
  choose: (emptyValue: 'keep' | 'clear') => AddressChoice,
  context: RequestContext,
  services: Services,
  isGeneral: (error: AppError) => boolean,
): Promise<readonly HostAnswer[]> {
  const settled = await Promise.all(
    find.map(async (findHost): Promise<HostAnswer | { readonly kind: 'broken'; readonly error: unknown }> => {
      try {
        return { kind: 'done', updated: await changeHost(findHost(), choose, context, services) };
      } catch (error) {
        if (!(error instanceof AppError)) return { kind: 'broken', error };
        const told = services.gate.refused(error, context);
        return { kind: isGeneral(told) ? 'broken' : 'failed', error: told };
      }
    }),
  );
  return settled.map((answer) => {
    if (answer.kind === 'broken') throw answer.error;
    return answer;
  });
}

/** The reply with one line for each host. @param lineOf without the line feed */
export function replyToHosts(
  answers: readonly HostAnswer[],
  lineOf: (answer: HostAnswer, index: number) => string,
): DoorReply {
  const lines = answers.map(lineOf);
  const error = answers.flatMap((answer) => (answer.kind === 'failed' ? [answer.error] : []))[0];
  const results = answers.flatMap((answer) => (answer.kind === 'done' ? [answer.updated.result] : []));
  const warning = results.map(carrierNatWarning).find((text) => text !== undefined);
  const details = answers.map((answer, index) =>
    answer.kind === 'done'
      ? `${answer.updated.result.ownerName} ${lines[index]}`
      : `${lines[index]} (${answer.error.logText})`,
  );
  return {
    status: 200,
    body: lines.map((line) => `${line}\n`).join(''),
    outcome: results.some(({ changed }) => changed) ? 'updated' : error === undefined ? 'unchanged' : 'failed',
    detail: details.join('\n'),
    ...(error === undefined ? {} : { error }),
    ...(warning === undefined ? {} : { warning }),
  };
}

/** The addresses that were asked for; where none was, those that are published. */
export function toldAddresses({ result, choice: { wanted, prefix } }: HostUpdated): string[] {
  const asked = FAMILIES.filter(
    (family) => wanted[family] !== undefined || (prefix !== undefined && family === 'AAAA'),
  );
  return (asked.length > 0 ? asked : FAMILIES).flatMap((family) => result[family].after);
}

/** For the operator: an address that was published and that nobody can reach. */
function carrierNatWarning({ ownerName, A, changed }: AddressUpdate): string | undefined {
  const text = changed ? A.after.find(isCarrierNat) : undefined;
  return (
    text && `${ownerName} has the address ${text} of a carrier's NAT (100.64.0.0/10): the internet cannot reach it.`
  );
}

/** Without the final dot, as clients write names. */
export function plainName(ownerName: DomainName): string {
  return ownerName.toString().replace(/\.$/, '');
}
