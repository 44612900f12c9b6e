/**
 * dynv6: a request changes the addresses of one host; the reply has no line feed. A family that is missing or empty does not
 * change, whatever `empty_value` of the zone is, because dynv6 has `-` to remove it.
 *
 * Unlike dynv6, `ipv6prefix` alone also moves the host's own AAAA record: an address in the old prefix is useless.
 */
import { requireCaller } from '../../core/access/require-caller.ts';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { AddressChoice } from '../../core/updates/prepare-update.ts';
import { hasPrivateAddress } from '../../core/updates/update-addresses.ts';
import type { IpAddress, IpPrefix } from '../../dns/address.ts';
import {
  isInterfaceIdentifier,
  joinIdentifier,
  networkOf,
  readAddress,
  readAddressWithLength,
  readPrefix,
} from '../request/address-texts.ts';
import { authenticateClient } from '../request/authentication.ts';
import { findUserNames } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Services } from '../request/door.ts';
import { clientErrorReply } from '../request/error-reply.ts';
import { findHost, findUnnamedHost, readHost } from '../request/requested-host.ts';
import { type Parameters, readParameters, refuseStrayAddress } from '../request/update-parameters.ts';

const DEFAULT_TTL = 60;

/** Status and text of each error. No text contains a word of success: inadyn searches for `updated` and `unchanged`. */
export const DYNV6_ERRORS = {
  'request-malformed': [400, 'invalid request'],
  'body-malformed': [400, 'invalid request'],
  'cross-site': [403, 'request for another site refused'],
  'name-invalid': [404, 'zone not found'],
  'address-invalid': [400, 'invalid address'],
  'not-authenticated': [401, 'invalid authentication token'],
  'too-many-guesses': [503, 'temporarily unavailable'],
  'not-permitted': [404, 'zone not found'],
  'quota-exceeded': [404, 'zone not found'],
  'host-disabled': [403, 'zone disabled'],
  'address-refused': [400, 'address refused'],
  'rate-limited': [503, 'temporarily unavailable'],
  'caller-unknown': [503, 'client address unknown'],
  conflict: [409, 'conflict with other records'],
  contended: [503, 'temporarily unavailable'],
  'primary-refused': [503, 'temporarily unavailable'],
  'primary-key-rejected': [503, 'temporarily unavailable'],
  'primary-unreachable': [503, 'temporarily unavailable'],
  'publish-unknown': [503, 'temporarily unavailable'],
  'store-unreachable': [503, 'temporarily unavailable'],
  'check-failed': [503, 'temporarily unavailable'],
  internal: [503, 'temporarily unavailable'],
} as const satisfies Record<ErrorCode, readonly [number, string]>;

function formatError(error: AppError): DoorReply {
  const [status, body] = DYNV6_ERRORS[error.code];
  return clientErrorReply(error, status, body);
}

export const dynv6Protocol: Protocol = {
  name: 'dynv6',
  formatError,
  routes: [{ methods: ['GET', 'POST'], safe: false, pattern: '/api/update', handle: answer }],
};

async function answer(request: DoorRequest, services: Services): Promise<DoorReply> {
  const parameters = readParameters(request);
  const context = await authenticateClient(request, services, 'dynv6', parameters);
  const { principal, caller } = context;
  const text = parameters['hostname'] || parameters['zone'];
  const ownerName = text
    ? readHost(text, principal, services)
    : findUnnamedHost(findUserNames(request.headers, parameters), principal, services);
  const host = findHost(ownerName, principal, services);
  const choose = () => chooseAddresses(parameters, caller);
  const { result } = await services.updates.run({ ...host, fallbackTtl: DEFAULT_TTL, choose }, context);
  const body = result.changed ? 'addresses updated' : 'addresses unchanged';
  return {
    status: 200,
    body,
    outcome: result.changed ? 'updated' : 'unchanged',
    detail: `${ownerName} ${body}`,
    isPrivate: hasPrivateAddress(result),
  };
}

/** The value of a parameter. `unknown`: it is `auto`, and the request was not sent over this family. */
type FamilyRequest = IpAddress | IpPrefix | 'keep' | 'delete' | 'unknown';

/** Parameters whose values are no mistake of the client. */
const PARAMETERS: ReadonlySet<string> = new Set(['hostname', 'zone', 'token', 'ipv4', 'ipv6', 'ipv6prefix']);

/**
 * `ipv6=ADDRESS/LENGTH` has the host's own address and the prefix of its members.
 * @param parameters names in lower case
 * @throws AppError address-invalid, caller-unknown
 */
export function chooseAddresses(parameters: Parameters, caller: IpAddress | undefined): AddressChoice {
  const ipv4 = readAddressRequest(parameters['ipv4'], 4, caller);
  const ipv6 = readAddressRequest(parameters['ipv6'], 6, caller);
  const ipv6prefix = readPrefixRequest(parameters['ipv6prefix'], caller);
  const isPrefixDeleted = ipv6prefix === 'delete';
  const prefix =
    typeof ipv6prefix === 'object' ? ipv6prefix : isPrefixDeleted ? undefined : prefixOfIpv6(parameters, ipv6);
  const prefix4 = typeof ipv4 === 'object' && 'length' in ipv4 ? ipv4 : undefined;
  const wanted: { A?: IpAddress[]; AAAA?: IpAddress[] } = {};
  if (ipv4 === 'delete') wanted.A = [];
  else if (typeof ipv4 === 'object' && 'text' in ipv4) wanted.A = [ipv4];
  if (ipv6 === 'delete') wanted.AAAA = [];
  else if (typeof ipv6 === 'object' && 'text' in ipv6) wanted.AAAA = [wholeAddress(ipv6, prefix)];
  const isNamed =
    [...(wanted.A ?? []), ...(wanted.AAAA ?? [])].length > 0 || prefix !== undefined || prefix4 !== undefined;
  if (!isNamed) refuseStrayAddress(parameters, PARAMETERS);
  const hasChange = isNamed || Object.keys(wanted).length > 0 || isPrefixDeleted;
  if (!hasChange && [ipv4, ipv6, ipv6prefix].includes('unknown')) {
    throw new AppError('address-invalid', 'The client address is not of the family that `auto` is set for.');
  }
  return { wanted, ...(prefix !== undefined && { prefix }), ...(prefix4 !== undefined && { prefix4 }) };
}

/** @throws AppError address-invalid for an interface identifier without a prefix */
function wholeAddress(address: IpAddress, prefix: IpPrefix | undefined): IpAddress {
  if (!isInterfaceIdentifier(address)) return address;
  if (prefix !== undefined) return joinIdentifier(prefix, address);
  throw new AppError('address-invalid', 'An IPv6 interface identifier needs a prefix: send it in `ipv6prefix`.');
}

/** The prefix in the parameter `ipv6`, alone or with an address; undefined for a length that no network has. */
function prefixOfIpv6({ ipv6 }: Parameters, request: FamilyRequest): IpPrefix | undefined {
  if (typeof request !== 'object') return undefined;
  if (!('text' in request)) return request;
  if (isInterfaceIdentifier(request)) return undefined;
  const length = readAddressWithLength(ipv6?.trim() ?? '')?.length;
  return length === undefined ? undefined : networkOf(request, length);
}

function readAddressRequest(
  parameter: string | undefined,
  family: 4 | 6,
  caller: IpAddress | undefined,
): FamilyRequest {
  const text = parameter?.trim().toLowerCase();
  if (!text) return 'keep';
  if (text === '-') return 'delete';
  if (text === 'auto') return requireCaller(caller).family === family ? (caller as IpAddress) : 'unknown';
  const read = readAddress(text);
  if (read?.family === family) return read;
  throw new AppError('address-invalid', `The parameter \`ipv${family}\` is not one IPv${family} address.`);
}

function callersPrefix(caller: IpAddress): IpPrefix | 'unknown' | undefined {
  return caller.family === 6 ? networkOf(caller, 64) : 'unknown';
}

/** `-` removes no records: those of the host's members stay. */
function readPrefixRequest(
  parameter: string | undefined,
  caller: IpAddress | undefined,
): IpPrefix | 'keep' | 'delete' | 'unknown' {
  const text = parameter?.trim().toLowerCase();
  if (!text) return 'keep';
  if (text === '-') return 'delete';
  const prefix = text === 'auto' ? callersPrefix(requireCaller(caller)) : readPrefix(text);
  if (prefix !== undefined) return prefix;
  throw new AppError('address-invalid', 'The parameter `ipv6prefix` is not an IPv6 prefix.');
}
