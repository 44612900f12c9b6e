/**
 * freemyip: a request changes one host, and the reply is `OK` or `ERROR` without a line feed.
 *
 * Left out: `verbose`, whose texts are not a contract. `delete` removes the addresses; the token keeps the host.
 */

import type { RequestContext } from '../../core/access/request-context.ts';
import { requireCaller } from '../../core/access/require-caller.ts';
import { AppError } from '../../core/errors.ts';
import type { AddressChoice } from '../../core/updates/prepare-update.ts';
import type { TextEdit } from '../../core/updates/publish-texts.ts';
import { hasPrivateAddress } from '../../core/updates/update-addresses.ts';
import { familyOf } from '../../core/zones/family.ts';
import type { IpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { isInterfaceIdentifier, readAddress } from '../request/address-texts.ts';
import { authenticateClient } from '../request/authentication.ts';
import { findUserNames } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Services } from '../request/door.ts';
import { clientErrorReply } from '../request/error-reply.ts';
import { oneWordErrors } from '../request/one-word-errors.ts';
import { findChallenge, findHost, findUnnamedHost, readServiceHost } from '../request/requested-host.ts';
import {
  namesForeignAddress,
  type Parameters,
  readParameters,
  refuseStrayAddress,
} from '../request/update-parameters.ts';

const SERVICE_DOMAIN = 'freemyip.com';
const DEFAULT_TTL = 60;
/** Values of `txt` that remove the text. */
const NO_TEXT = new Set(['', 'null']);

export const FREEMYIP_ERRORS = oneWordErrors('ERROR');

function formatError(error: AppError): DoorReply {
  const [status, body] = FREEMYIP_ERRORS[error.code];
  return clientErrorReply(error, status, body);
}

/** What freemyip knows. */
const PARAMETERS: ReadonlySet<string> = new Set(['domain', 'token', 'myip', 'delete', 'txt', 'verbose']);

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
        !namesForeignAddress(parameters, ['myip']),
      handle: answer,
    },
  ],
};

async function answer(request: DoorRequest, services: Services): Promise<DoorReply> {
  const parameters = readParameters(request);
  const context = await authenticateClient(request, services, 'freemyip', parameters);
  const { principal } = context;
  const text = parameters['domain'];
  const host = text
    ? readServiceHost(text, SERVICE_DOMAIN, principal, services)
    : findUnnamedHost(findUserNames(request.headers, parameters), principal, services);
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
  return { ...success(ownerName, result.changed), isPrivate: hasPrivateAddress(result) };
}

/** Without parameters, the caller's own address. @throws AppError address-invalid, caller-unknown */
export function chooseAddresses(parameters: Parameters, caller: IpAddress | undefined): AddressChoice {
  if (parameters['delete']?.trim().toLowerCase() === 'yes') return { wanted: { A: [], AAAA: [] } };
  const text = parameters['myip']?.trim();
  if (!text) refuseStrayAddress(parameters, PARAMETERS);
  const address = text ? readAddress(text) : requireCaller(caller);
  if (address === undefined || 'length' in address || isInterfaceIdentifier(address)) {
    throw new AppError('address-invalid', 'The request does not have one valid address.');
  }
  return { wanted: { [familyOf(address)]: [address] } };
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
