/**
 * DuckDNS: one request changes one or several hosts, and the reply is `OK` or `KO` for all of them, without a line feed.
 *
 * Unlike DuckDNS, a text is published at `_acme-challenge.` of the host, not at every name below it.
 */

import type { RequestContext } from '../../core/access/request-context.ts';
import { requireCaller } from '../../core/access/require-caller.ts';
import { AppError } from '../../core/errors.ts';
import type { AddressChoice } from '../../core/updates/prepare-update.ts';
import type { TextEdit } from '../../core/updates/publish-texts.ts';
import { type AddressUpdate, hasPrivateAddress } from '../../core/updates/update-addresses.ts';
import { familyOf } from '../../core/zones/family.ts';
import type { IpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { isInterfaceIdentifier, readAddress } from '../request/address-texts.ts';
import { authenticateClient } from '../request/authentication.ts';
import { findUserNames } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Services } from '../request/door.ts';
import { clientErrorReply } from '../request/error-reply.ts';
import { oneWordErrors } from '../request/one-word-errors.ts';
import {
  findChallenge,
  findHost,
  findUnnamedHost,
  MAX_HOSTS,
  readServiceHost,
  splitHosts,
} from '../request/requested-host.ts';
import {
  namesForeignAddress,
  type Parameters,
  readParameters,
  refuseStrayAddress,
} from '../request/update-parameters.ts';

const SERVICE_DOMAIN = 'duckdns.org';
const DEFAULT_TTL = 60;

export const DUCKDNS_ERRORS = oneWordErrors('KO');

function formatError(error: AppError): DoorReply {
  const [status, body] = DUCKDNS_ERRORS[error.code];
  return clientErrorReply(error, status, body);
}

/** What DuckDNS knows; the hosts and the token may be in the path. */
const PARAMETERS: ReadonlySet<string> = new Set(['domains', 'token', 'ip', 'ipv6', 'verbose', 'clear', 'txt']);

export const duckdnsProtocol: Protocol = {
  name: 'duckdns',
  formatError,
  routes: [
    {
      methods: ['GET', 'POST'],
      safe: false,
      pattern: '/update',
      takes: ({ parameters }) =>
        parameters['domains'] !== undefined &&
        parameters['token'] !== undefined &&
        !namesForeignAddress(parameters, ['ip', 'ipv6']),
      handle: (request, services) => answer(request, readParameters(request), services),
    },
    { methods: ['GET'], safe: false, pattern: '/update/:domains/:token', handle: answerPath },
    { methods: ['GET'], safe: false, pattern: '/update/:domains/:token/:ip', handle: answerPath },
  ],
};

function answerPath(request: DoorRequest, services: Services): Promise<DoorReply> {
  return answer(request, { ...readParameters(request), ...request.path }, services);
}

async function answer(request: DoorRequest, parameters: Parameters, services: Services): Promise<DoorReply> {
  const context = await authenticateClient(request, services, 'duckdns', request.parameters, request.path['token']);
  const users = findUserNames(request.headers, request.parameters);
  const hosts = findHosts(parameters['domains'] ?? '', users, context, services);
  return parameters['txt'] === undefined
    ? changeAddresses(hosts, parameters, context, services)
    : changeTexts(hosts, parameters, context, services);
}

/** @throws AppError name-invalid, request-malformed */
function findHosts(
  text: string,
  users: readonly string[],
  { principal }: RequestContext,
  services: Services,
): DomainName[] {
  const texts = splitHosts(text);
  if (texts.length === 0) return [findUnnamedHost(users, principal, services)];
  if (texts.length > MAX_HOSTS) {
    throw new AppError('request-malformed', `A request may name ${MAX_HOSTS} hosts at most.`);
  }
  const names = texts.map((item) => readServiceHost(item, SERVICE_DOMAIN, principal, services));
  return [...new Map(names.map((name) => [name.key, name])).values()];
}

async function changeAddresses(
  hosts: readonly DomainName[],
  parameters: Parameters,
  context: RequestContext,
  services: Services,
): Promise<DoorReply> {
  const choose = () => chooseAddresses(parameters, context.caller);
  const updates = hosts.map((ownerName) => {
    return { ...findHost(ownerName, context.principal, services), fallbackTtl: DEFAULT_TTL, choose };
  });
  const updated = await allOrNone(
    updates,
    (update) => services.updates.check(update, context),
    (checked) => services.updates.publishAll(checked, context),
  );
  const results = updated.map(({ result }) => result);
  const { A, AAAA } = results[0] as AddressUpdate;
  return {
    ...formatResult(results, [A.after.join(','), AAAA.after.join(',')], parameters),
    isPrivate: results.some(hasPrivateAddress),
  };
}

/**
 * Without parameters, the caller's own IPv4 address. IPv6 is never detected, as at DuckDNS: an `OK` for an AAAA record would
 * hide that the A record was not updated.
 * @throws AppError address-invalid, caller-unknown
 */
export function chooseAddresses(parameters: Parameters, caller: IpAddress | undefined): AddressChoice {
  if (isTrue(parameters['clear'])) return { wanted: { A: [], AAAA: [] } };
  const ip = parameters['ip']?.trim();
  const ipv6 = parameters['ipv6']?.trim();
  const wanted: { A?: IpAddress[]; AAAA?: IpAddress[] } = {};
  if (ip) {
    const address = readOne(ip);
    wanted[familyOf(address)] = [address];
  }
  if (ipv6) {
    const address = readOne(ipv6);
    const { AAAA: [other = address] = [] } = wanted;
    if (address.family !== 6 || other.text !== address.text) {
      throw new AppError('address-invalid', 'The parameter `ipv6` is not the one IPv6 address of the request.');
    }
    wanted.AAAA = [address];
  }
  if (ip || ipv6) return { wanted };
  refuseStrayAddress(parameters, PARAMETERS);
  const address = requireCaller(caller);
  if (address.family === 4) return { wanted: { A: [address] } };
  throw new AppError('address-invalid', 'The request has no address, and was not sent over IPv4.');
}

/** @throws AppError address-invalid */
function readOne(text: string): IpAddress {
  const address = readAddress(text);
  if (address !== undefined && 'text' in address && !isInterfaceIdentifier(address)) return address;
  throw new AppError('address-invalid', 'A parameter is not one address.');
}

async function changeTexts(
  hosts: readonly DomainName[],
  parameters: Parameters,
  context: RequestContext,
  services: Services,
): Promise<DoorReply> {
  const text = parameters['txt'] ?? '';
  // An empty text without `clear` is invalid, and refused later.
  const edit: TextEdit = isTrue(parameters['clear']) ? { kind: 'clear' } : { kind: 'replace', text };
  const updates = hosts.map((host) => ({ ...findChallenge(host, context.principal, services), edit }));
  const results = await allOrNone(
    updates,
    async (update) => {
      await services.texts.check(update, context);
      return update;
    },
    (checked) =>
      Promise.allSettled(
        checked.map(async (update) => {
          return { ...(await services.texts.publish(update, context)), ownerName: update.ownerName };
        }),
      ),
  );
  return formatResult(results, [results[0]?.texts.join(',') ?? ''], parameters);
}

/**
 * Checks all updates before it publishes the first one. The primary can still accept some and refuse others.
 * @throws AppError of the failed updates, preferably one that makes the client retry
 */
async function allOrNone<Update, Checked, Result>(
  updates: readonly Update[],
  check: (update: Update) => Promise<Checked>,
  publish: (checked: readonly Checked[]) => Promise<readonly PromiseSettledResult<Result>[]>,
): Promise<Result[]> {
  const checked: Checked[] = [];
  for (const update of updates) checked.push(await check(update));
  const settled = await publish(checked);
  const errors = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  const isRetried = (error: unknown) => !(error instanceof AppError) || DUCKDNS_ERRORS[error.code][0] === 503;
  if (errors.length > 0) throw errors.find(isRetried) ?? errors[0];
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

/** @param values the lines that `verbose` adds for the first host; an empty value gives a blank line */
function formatResult(
  results: readonly { readonly ownerName: DomainName; readonly changed: boolean }[],
  values: readonly string[],
  parameters: Parameters,
): DoorReply {
  const changed = results.some((result) => result.changed);
  const lines = ['OK', ...(isTrue(parameters['verbose']) ? [...values, changed ? 'UPDATED' : 'NOCHANGE'] : [])];
  return {
    status: 200,
    body: lines.join('\n'),
    outcome: changed ? 'updated' : 'unchanged',
    detail: results.map((result) => `${result.ownerName} ${result.changed ? 'UPDATED' : 'NOCHANGE'}`).join('\n'),
  };
}

function isTrue(text: string | undefined): boolean {
  return text?.trim().toLowerCase() === 'true';
}
