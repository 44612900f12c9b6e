/**
 * Njalla, as ddclient and OpenWrt send it: `/update` with a host `h` and a key `k`, which no other protocol on that path has.
 * The reply is JSON. OpenWrt takes every status 2xx for success, so no error has one.
 */
import type { AppError, ErrorCode } from '../../core/errors.ts';
import type { Zone } from '../../core/zones/zone.ts';
import { authenticateClient } from '../request/authentication.ts';
import { findUserNames } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Services } from '../request/door.ts';
import { clientErrorReply } from '../request/error-reply.ts';
import { changeHost, replyAddresses, replyToHost } from '../request/host-requests.ts';
import { findOneHost, splitHosts } from '../request/requested-host.ts';
import {
  chooseAddresses,
  namesForeignAddress,
  oneOfEachFamily,
  readParameters,
  refuseStrayAddress,
} from '../request/update-parameters.ts';

/** Status and message of each error. A client with `quiet` searches for the first message. */
export const NJALLA_ERRORS = {
  'request-malformed': [400, 'invalid request'],
  'name-invalid': [401, 'invalid host or key'],
  'address-invalid': [400, 'invalid address'],
  'body-malformed': [400, 'invalid request'],
  'cross-site': [403, 'request for another site refused'],
  'not-authenticated': [401, 'invalid host or key'],
  'too-many-guesses': [503, 'temporarily unavailable'],
  'not-permitted': [401, 'invalid host or key'],
  'quota-exceeded': [401, 'invalid host or key'],
  'host-disabled': [403, 'host disabled'],
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
  'caller-unknown': [503, 'temporarily unavailable'],
  internal: [503, 'temporarily unavailable'],
} as const satisfies Record<ErrorCode, readonly [number, string]>;

function formatError(error: AppError): DoorReply {
  const [status, message] = NJALLA_ERRORS[error.code];
  return { ...clientErrorReply(error, status, json({ status, message })), contentType: CONTENT_TYPE };
}

const CONTENT_TYPE = 'application/json; charset=utf-8';

function json(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/** What Njalla knows. */
const PARAMETERS: ReadonlySet<string> = new Set(['h', 'k', 'a', 'aaaa', 'auto', 'quiet']);

export const njallaProtocol: Protocol = {
  name: 'njalla',
  formatError,
  routes: [
    {
      methods: ['GET', 'POST'],
      safe: false,
      pattern: '/update',
      takes: ({ parameters }) =>
        parameters['h'] !== undefined && parameters['k'] !== undefined && !namesForeignAddress(parameters, []),
      handle: answer,
    },
  ],
};

async function answer(request: DoorRequest, services: Services): Promise<DoorReply> {
  const parameters = readParameters(request);
  const context = await authenticateClient(request, services, 'njalla', parameters, parameters['k']);
  const { principal, caller } = context;
  const list = (name: string) => request.repeated?.get(name)?.join(',') ?? parameters[name] ?? '';
  const host = findOneHost(splitHosts(list('h')), findUserNames(request.headers, parameters), principal, services);
  const choose = ({ emptyValue }: Zone) => {
    const [a, aaaa] = [list('a'), list('aaaa')];
    if (a === '' && aaaa === '') refuseStrayAddress(parameters, PARAMETERS);
    // `auto` adds nothing: without an address, that of the caller is meant.
    const addresses = { ...(a !== '' && { myipv4: a }), ...(aaaa !== '' && { myipv6: aaaa }) };
    return oneOfEachFamily(chooseAddresses(addresses, caller, emptyValue));
  };
  const updated = await changeHost(host, choose, context, services);
  const addresses = replyAddresses(updated);
  const A = addresses.find((text) => !text.includes(':'));
  const AAAA = addresses.find((text) => text.includes(':'));
  return {
    ...replyToHost(updated, `record updated ${addresses.join(',')}`),
    body: json({ status: 200, message: 'record updated', value: { A, AAAA } }),
    contentType: CONTENT_TYPE,
  };
}
