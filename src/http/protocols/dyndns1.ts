/**
 * dyndns1, which some clients still offer: one host in each request. The reply is an HTML page in which clients search for
 * three lines. Credential, hosts and addresses are as in dyndns2; docs/protocols/dyndns2.md has both.
 */

import type { AppError, ErrorCode } from '../../core/errors.ts';
import type { Zone } from '../../core/zones/zone.ts';
import { authenticateClient } from '../request/authentication.ts';
import { findUserNames } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Route, Services } from '../request/door.ts';
import { clientErrorReply } from '../request/error-reply.ts';
import { changeHost, replyAddresses, replyToHost } from '../request/host-requests.ts';
import { findOneHost } from '../request/requested-host.ts';
import { chooseAddresses, oneOfEachFamily, readHosts, readParameters } from '../request/update-parameters.ts';

/**
 * Status and error code of each error. A client expects `NOERROR` and shows the title of any other reply. The codes are those
 * of dyndns.org.
 */
export const DYNDNS1_ERRORS = {
  'request-malformed': [200, 'NOHOST'],
  'body-malformed': [400, 'NOHOST'],
  'cross-site': [403, 'BADAUTH'],
  'name-invalid': [200, 'NOHOST'],
  'address-invalid': [200, 'BADIP'],
  'not-authenticated': [401, 'BADAUTH'],
  'too-many-guesses': [503, 'WAIT'],
  'not-permitted': [200, 'NOHOST'],
  'quota-exceeded': [200, 'NOHOST'],
  'host-disabled': [200, 'ABUSE'],
  'address-refused': [200, 'BADIP'],
  'rate-limited': [503, 'WAIT'],
  'caller-unknown': [503, 'WAIT'],
  conflict: [200, 'DNSERR'],
  contended: [503, 'DNSERR'],
  'primary-refused': [503, 'DNSERR'],
  'primary-key-rejected': [503, 'DNSERR'],
  'primary-unreachable': [503, 'DNSERR'],
  'publish-unknown': [503, 'DNSERR'],
  'store-unreachable': [503, 'WAIT'],
  'check-failed': [503, 'WAIT'],
  internal: [503, 'WAIT'],
} as const satisfies Record<ErrorCode, readonly [number, string]>;

type Dyndns1Code = (typeof DYNDNS1_ERRORS)[ErrorCode][1];

const TITLES: Readonly<Record<Dyndns1Code, string>> = {
  NOHOST: 'No such host',
  BADIP: 'Bad address',
  BADAUTH: 'Wrong user name or password',
  ABUSE: 'The host is switched off',
  DNSERR: 'The nameserver refused it or did not answer',
  WAIT: 'Busy: come again later',
};

function formatError(error: AppError): DoorReply {
  const [status, code] = DYNDNS1_ERRORS[error.code];
  return { ...clientErrorReply(error, status, page(TITLES[code], code)), contentType: CONTENT_TYPE };
}

const CONTENT_TYPE = 'text/html; charset=utf-8';

/** The return code is about the request, the error code about its result. Clients do not distinguish them. */
function page(title: string, code: Dyndns1Code | 'NOERROR'): string {
  return `<HTML><HEAD><TITLE>${title}</TITLE></HEAD>\n<BODY>\nreturn code: ${code}\nerror code: ${code}\n</BODY></HTML>\n`;
}

const route = (pattern: string): Route => ({ methods: ['GET', 'POST'], safe: false, pattern, handle: answer });

export const dyndns1Protocol: Protocol = {
  name: 'dyndns1',
  formatError,
  routes: [route('/nic/dyndns'), route('/nic/statdns')],
};

async function answer(request: DoorRequest, services: Services): Promise<DoorReply> {
  const parameters = readParameters(request);
  const context = await authenticateClient(request, services, 'dyndns1', parameters);
  const { principal, caller } = context;
  const users = findUserNames(request.headers, parameters);
  const host = findOneHost(readHosts(parameters), users, principal, services);
  const choose = ({ emptyValue }: Zone) => oneOfEachFamily(chooseAddresses(parameters, caller, emptyValue));
  const updated = await changeHost(host, choose, context, services);
  const reply = replyToHost(updated, `NOERROR ${replyAddresses(updated).join(',')}`);
  const title = updated.changed ? 'Changed' : 'Unchanged';
  return { ...reply, body: page(title, 'NOERROR'), contentType: CONTENT_TYPE };
}
