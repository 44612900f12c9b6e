/**
 * easyDNS, as ddclient and OpenWrt send it: `/dyn/generic.php` with the parameters of dyndns2 and one host in each request.
 * The reply is one word. OpenWrt searches for `OK` and `NOERROR` anywhere in it, so no other word contains them.
 */
import type { AppError, ErrorCode } from '../../core/errors.ts';
import type { Zone } from '../../core/zones/zone.ts';
import { authenticateClient } from '../request/authentication.ts';
import { findUserNames } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Services } from '../request/door.ts';
import { clientErrorReply } from '../request/error-reply.ts';
import { changeHost, replyAddresses, replyToHost } from '../request/host-requests.ts';
import { findOneHost } from '../request/requested-host.ts';
import { chooseAddresses, oneOfEachFamily, readHosts, readParameters } from '../request/update-parameters.ts';

/** Status and word of each error. */
export const EASYDNS_ERRORS = {
  'request-malformed': [200, 'ILLEGAL INPUT'],
  'name-invalid': [200, 'NOACCESS'],
  'address-invalid': [200, 'ILLEGAL INPUT'],
  'body-malformed': [400, 'ILLEGAL INPUT'],
  'cross-site': [403, 'NOACCESS'],
  'not-authenticated': [401, 'NO_AUTH'],
  'too-many-guesses': [503, 'TOOSOON'],
  'not-permitted': [200, 'NOACCESS'],
  'quota-exceeded': [200, 'NOACCESS'],
  'host-disabled': [200, 'NOSERVICE'],
  'address-refused': [200, 'ILLEGAL INPUT'],
  'rate-limited': [503, 'TOOSOON'],
  conflict: [200, 'NOSERVICE'],
  contended: [503, 'TOOSOON'],
  'primary-refused': [503, 'NOSERVICE'],
  'primary-key-rejected': [503, 'NOSERVICE'],
  'primary-unreachable': [503, 'NOSERVICE'],
  'publish-unknown': [503, 'NOSERVICE'],
  'store-unreachable': [503, 'NOSERVICE'],
  'check-failed': [503, 'NOSERVICE'],
  'caller-unknown': [503, 'NOSERVICE'],
  internal: [503, 'NOSERVICE'],
} as const satisfies Record<ErrorCode, readonly [number, string]>;

const SUCCESS = 'NOERROR';

function formatError(error: AppError): DoorReply {
  const [status, word] = EASYDNS_ERRORS[error.code];
  return clientErrorReply(error, status, `${word}\n`);
}

export const easydnsProtocol: Protocol = {
  name: 'easydns',
  formatError,
  routes: [{ methods: ['GET', 'POST'], safe: false, pattern: '/dyn/generic.php', handle: answer }],
};

async function answer(request: DoorRequest, services: Services): Promise<DoorReply> {
  const parameters = readParameters(request);
  const context = await authenticateClient(request, services, 'easydns', parameters);
  const { principal, caller } = context;
  const users = findUserNames(request.headers, parameters);
  const host = findOneHost(readHosts(parameters), users, principal, services);
  const choose = ({ emptyValue }: Zone) => oneOfEachFamily(chooseAddresses(parameters, caller, emptyValue));
  const updated = await changeHost(host, choose, context, services);
  return { ...replyToHost(updated, `${SUCCESS} ${replyAddresses(updated).join(',')}`), body: `${SUCCESS}\n` };
}
