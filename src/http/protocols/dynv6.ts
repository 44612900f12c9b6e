/**
 * dynv6: addresses of one host, in words without a line end. A family that is unset or empty stays, whatever `empty_value`
 * of the zone says: `-` is there for those who want it gone.
 *
 * Other than at dynv6, `ipv6prefix` alone moves the host's own AAAA record too: an address in a prefix that is gone is of no
 * use to anybody.
 */
import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { AddressChoice } from '../../core/updates/prepare-update.ts';
import type { IpAddress, IpPrefix } from '../../dns/address.ts';
import { networkOf, readAddress, readAddressWithLength, readPrefix } from '../request/address-texts.ts';
import { authenticateClient } from '../request/authentication.ts';
import type { DoorReply, DoorRequest, Protocol, Services } from '../request/door.ts';
import { clientErrorReply } from '../request/error-reply.ts';
import { carrierNatWarning, findHost, findUnnamedHost, readHost } from '../request/requested-host.ts';
import { lowerCaseNames, type Parameters } from '../request/update-parameters.ts';

const DEFAULT_TTL = 60;

/** Status and text of each error. inadyn looks for `updated` and `unchanged`, others for more words of success. */
export const DYNV6_ERRORS = {
  'request-malformed': [400, 'invalid request'],
  'name-invalid': [404, 'zone not found'],
  'address-invalid': [400, 'invalid address'],
  'not-authenticated': [401, 'invalid authentication token'],
  'not-permitted': [404, 'zone not found'],
  'host-disabled': [403, 'zone disabled'],
  'address-refused': [400, 'address refused'],
  'rate-limited': [503, 'temporarily unavailable'],
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
  const parameters = lowerCaseNames(request.parameters);
  const context = await authenticateClient(request, services, 'dynv6', parameters['token']);
  const { principal, caller } = context;
  const text = parameters['hostname'] || parameters['zone'];
  const ownerName = text ? readHost(text, principal, services) : findUnnamedHost(undefined, principal, services);
  const host = findHost(ownerName, principal, services);
  const choose = () => chooseAddresses(parameters, caller);
  const { result } = await services.updates.run({ ...host, fallbackTtl: DEFAULT_TTL, choose }, context);
  const warning = carrierNatWarning(result);
  const body = result.changed ? 'addresses updated' : 'addresses unchanged';
  return {
    status: 200,
    body,
    outcome: result.changed ? 'updated' : 'unchanged',
    detail: `${ownerName} ${body}`,
    ...(warning === undefined ? {} : { warning }),
  };
}

/** What a parameter asks for. `unknown`: `auto`, and the request does not come by that family. */
type FamilyRequest = IpAddress | IpPrefix | 'keep' | 'delete' | 'unknown';

/**
 * `ipv6=ADDRESS/LENGTH` is the host's own address and the prefix of the others behind it.
 * @param parameters by name in lower case
 * @throws AppError address-invalid
 */
export function chooseAddresses(parameters: Parameters, caller: IpAddress | undefined): AddressChoice {
  const ipv4 = readWish(parameters['ipv4'], 4, caller);
  const ipv6 = readWish(parameters['ipv6'], 6, caller);
  const moved = readPrefixWish(parameters['ipv6prefix'], caller);
  const wanted: { A?: IpAddress | null; AAAA?: IpAddress | null } = {};
  for (const [family, wish] of [
    ['A', ipv4],
    ['AAAA', ipv6],
  ] as const) {
    if (wish === 'delete') wanted[family] = null;
    else if (typeof wish === 'object' && 'text' in wish) wanted[family] = wish;
  }
  const prefix = typeof moved === 'object' ? moved : moved === 'delete' ? undefined : prefixBehind(parameters, ipv6);
  const asksElse = Object.keys(wanted).length > 0 || prefix !== undefined || moved === 'delete';
  if (!asksElse && [ipv4, ipv6, moved].includes('unknown')) {
    throw new AppError('address-invalid', 'The address of the client is of the other family than the one of `auto`.');
  }
  return prefix === undefined ? { wanted } : { wanted, prefix };
}

/** The prefix that stands in `ipv6`, alone or behind an address; undefined for a length that is none of a network. */
function prefixBehind({ ipv6 }: Parameters, wish: FamilyRequest): IpPrefix | undefined {
  if (typeof wish !== 'object') return undefined;
  if (!('text' in wish)) return wish;
  const length = readAddressWithLength(ipv6?.trim() ?? '')?.length;
  return length === undefined ? undefined : networkOf(wish, length);
}

function readWish(parameter: string | undefined, family: 4 | 6, caller: IpAddress | undefined): FamilyRequest {
  const text = parameter?.trim().toLowerCase();
  if (!text) return 'keep';
  if (text === '-') return 'delete';
  if (text === 'auto') return caller?.family === family ? caller : 'unknown';
  const read = readAddress(text);
  if (read?.family === family) return read;
  throw new AppError('address-invalid', `The parameter \`ipv${family}\` has no address of its family.`);
}

/** The records that hang on the prefix are there for good: `-` leaves them. */
function readPrefixWish(
  parameter: string | undefined,
  caller: IpAddress | undefined,
): IpPrefix | 'keep' | 'delete' | 'unknown' {
  const text = parameter?.trim().toLowerCase();
  if (!text) return 'keep';
  if (text === '-') return 'delete';
  const prefix = text !== 'auto' ? readPrefix(text) : caller?.family === 6 ? networkOf(caller, 64) : 'unknown';
  if (prefix !== undefined) return prefix;
  throw new AppError('address-invalid', 'The parameter `ipv6prefix` has no prefix of IPv6.');
}
