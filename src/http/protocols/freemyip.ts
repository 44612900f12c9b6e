/**
 * freemyip: one host, `OK` or `ERROR` without a line end. Clients read no status, so a refusal has 200 too; only where it
 * is our own fault, 503 makes those that do come back.
 *
 * Left out: `verbose`, whose texts are no contract. `delete` takes the addresses away; the name stays the token's.
 */

import type { RequestContext } from '../../core/access/request-context.ts';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { AddressChoice } from '../../core/updates/prepare-update.ts';
import type { TextEdit } from '../../core/updates/publish-texts.ts';
import { familyOf } from '../../core/zones/family.ts';
import type { IpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { readAddress } from '../request/address-texts.ts';
import { authenticateClient } from '../request/authentication.ts';
import type { DoorReply, DoorRequest, Protocol, Services } from '../request/door.ts';
import { clientErrorReply } from '../request/error-reply.ts';
import {
  carrierNatWarning,
  findChallenge,
  findHost,
  findUnnamedHost,
  readServiceHost,
} from '../request/requested-host.ts';
import { namesForeignAddress } from '../request/update-parameters.ts';

const SERVICE_DOMAIN = 'freemyip.com';
const DEFAULT_TTL = 60;
/** Texts that take the text away. */
const NO_TEXT = new Set(['', 'null']);

/** Status and word of each error. */
export const FREEMYIP_ERRORS = {
  'request-malformed': [200, 'ERROR'],
  'name-invalid': [200, 'ERROR'],
  'address-invalid': [200, 'ERROR'],
  'not-authenticated': [200, 'ERROR'],
  'not-permitted': [200, 'ERROR'],
  'host-disabled': [200, 'ERROR'],
  'address-refused': [200, 'ERROR'],
  'rate-limited': [503, 'ERROR'],
  conflict: [200, 'ERROR'],
  contended: [503, 'ERROR'],
  'primary-refused': [503, 'ERROR'],
  'primary-key-rejected': [503, 'ERROR'],
  'primary-unreachable': [503, 'ERROR'],
  'publish-unknown': [503, 'ERROR'],
  'store-unreachable': [503, 'ERROR'],
  'check-failed': [503, 'ERROR'],
  internal: [503, 'ERROR'],
} as const satisfies Record<ErrorCode, readonly [number, string]>;

function formatError(error: AppError): DoorReply {
  const [status, body] = FREEMYIP_ERRORS[error.code];
  return clientErrorReply(error, status, body);
}

type Parameters = DoorRequest['parameters'];

export const freemyipProtocol: Protocol = {
  name: 'freemyip',
  formatError,
  routes: [
    {
      methods: ['GET', 'POST'],
      safe: false,
      pattern: '/update',
      takes: ({ parameters }) =>
        parameters['domain'] !== undefined &&
        parameters['token'] !== undefined &&
        parameters['hostname'] === undefined &&
        !namesForeignAddress(parameters, ['myip']),
      handle: answer,
    },
  ],
};

async function answer(request: DoorRequest, services: Services): Promise<DoorReply> {
  const { parameters } = request;
  const context = await authenticateClient(request, services, 'freemyip', parameters['token']);
  const { principal } = context;
  const text = parameters['domain'];
  const host = text
    ? readServiceHost(text, SERVICE_DOMAIN, principal, services)
    : findUnnamedHost(undefined, principal, services);
  return parameters['txt'] === undefined
    ? changeAddresses(host, parameters, context, services)
    : changeText(host, parameters['txt'], context, services);
}

async function changeAddresses(
  ownerName: DomainName,
  parameters: Parameters,
  context: RequestContext,
  services: Services,
): Promise<DoorReply> {
  const host = findHost(ownerName, context.principal, services);
  const choose = () => chooseAddresses(parameters, context.caller);
  const { result } = await services.updates.run({ ...host, fallbackTtl: DEFAULT_TTL, choose }, context);
  const warning = carrierNatWarning(result);
  return { ...success(ownerName, result.changed), ...(warning === undefined ? {} : { warning }) };
}

/** Nothing asked for is the caller's own address, of its own family. @throws AppError address-invalid */
export function chooseAddresses(parameters: Parameters, caller: IpAddress | undefined): AddressChoice {
  if (parameters['delete']?.trim().toLowerCase() === 'yes') return { wanted: { A: null, AAAA: null } };
  const text = parameters['myip']?.trim();
  const address = text ? readAddress(text) : caller;
  if (address !== undefined && 'text' in address) return { wanted: { [familyOf(address)]: address } };
  throw new AppError('address-invalid', 'The request has no address that can be read.');
}

async function changeText(
  host: DomainName,
  text: string,
  context: RequestContext,
  services: Services,
): Promise<DoorReply> {
  const edit: TextEdit = NO_TEXT.has(text) ? { kind: 'clear' } : { kind: 'replace', text };
  const challenge = findChallenge(host, context.principal, services);
  const { changed } = await services.texts.run({ ...challenge, edit }, context);
  return success(challenge.ownerName, changed);
}

function success(ownerName: DomainName, changed: boolean): DoorReply {
  return {
    status: 200,
    body: 'OK',
    outcome: changed ? 'updated' : 'unchanged',
    detail: `${ownerName} ${changed ? 'changed' : 'unchanged'}`,
  };
}
