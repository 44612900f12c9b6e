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
import type { AddressUpdate } from '../../core/updates/update-addresses.ts';
import { familyOf } from '../../core/zones/family.ts';
import type { IpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { readAddress } from '../request/address-texts.ts';
import { authenticateClient } from '../request/authentication.ts';
import type { DoorReply, DoorRequest, Protocol, Services } from '../request/door.ts';
import { clientErrorReply } from '../request/error-reply.ts';
import { oneWordErrors } from '../request/one-word-errors.ts';
import {
  carrierNatWarning,
  findChallenge,
  findHost,
  findUnnamedHost,
  MAX_HOSTS,
  readServiceHost,
  splitHosts,
} from '../request/requested-host.ts';
import { namesForeignAddress } from '../request/update-parameters.ts';

const SERVICE_DOMAIN = 'duckdns.org';
const DEFAULT_TTL = 60;

export const DUCKDNS_ERRORS = oneWordErrors('KO');

function formatError(error: AppError): DoorReply {
  const [status, body] = DUCKDNS_ERRORS[error.code];
  return clientErrorReply(error, status, body);
}

/** From the query, a form or the path. */
type Parameters = DoorRequest['parameters'];

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
        parameters['hostname'] === undefined &&
        !namesForeignAddress(parameters, ['ip', 'ipv6']),
      handle: (request, services) => answer(request, request.parameters, services),
    },
    { methods: ['GET'], safe: false, pattern: '/update/:domains/:token', handle: answerPath },
    { methods: ['GET'], safe: false, pattern: '/update/:domains/:token/:ip', handle: answerPath },
  ],
};

function answerPath(request: DoorRequest, services: Services): Promise<DoorReply> {
  return answer(request, { ...request.parameters, ...request.path }, services);
}

async function answer(request: DoorRequest, parameters: Parameters, services: Services): Promise<DoorReply> {
  const context = await authenticateClient(request, services, 'duckdns', parameters['token']);
  const hosts = findHosts(parameters['domains'] ?? '', context, services);
  return parameters['txt'] === undefined
    ? changeAddresses(hosts, parameters, context, services)
    : changeTexts(hosts, parameters, context, services);
}

/** @throws AppError name-invalid, request-malformed */
function findHosts(text: string, { principal }: RequestContext, services: Services): DomainName[] {
  const texts = splitHosts(text);
  if (texts.length === 0) return [findUnnamedHost(undefined, principal, services)];
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
    (checked) => services.updates.publish(checked, context),
  );
  const results = updated.map(({ result }) => result);
  const { A, AAAA } = results[0] as AddressUpdate;
  const warning = results.map(carrierNatWarning).find((text) => text !== undefined);
  return {
    ...formatResult(results, [A.after.join(','), AAAA.after.join(',')], parameters),
    ...(warning === undefined ? {} : { warning }),
  };
}

/**
 * Without parameters, the caller's own IPv4 address. IPv6 is never detected, as at DuckDNS: an `OK` for an AAAA record would
 * hide that the A record was not updated.
 * @throws AppError address-invalid, caller-unknown
 */
export function chooseAddresses(parameters: Parameters, caller: IpAddress | undefined): AddressChoice {
  if (isTrue(parameters['clear'])) return { wanted: { A: null, AAAA: null } };
  const ip = parameters['ip']?.trim();
  const ipv6 = parameters['ipv6']?.trim();
  const wanted: { A?: IpAddress; AAAA?: IpAddress } = {};
  for (const [text, only] of [
    [ip, undefined],
    [ipv6, 'AAAA'],
  ] as const) {
    if (!text) continue;
    const address = readAddress(text);
    if (address === undefined || 'length' in address || (only !== undefined && familyOf(address) !== only)) {
      throw new AppError('address-invalid', 'A parameter is not an address of its family.');
    }
    wanted[familyOf(address)] = address;
  }
  if (ip || ipv6) return { wanted };
  if (requireCaller(caller).family === 4) return { wanted: { A: caller as IpAddress } };
  throw new AppError('address-invalid', 'The request has no address, and was not sent over IPv4.');
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
    async (update) => ({ ...(await services.texts.publish(update, context)), ownerName: update.ownerName }),
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
  publish: (checked: Checked) => Promise<Result>,
): Promise<Result[]> {
  const checked: Checked[] = [];
  for (const update of updates) checked.push(await check(update));
  const settled = await Promise.allSettled(checked.map(publish));
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
