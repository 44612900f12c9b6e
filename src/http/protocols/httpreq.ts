/**
 * httpreq, the protocol of lego's provider with that name, also in Traefik: adds and removes TXT records for DNS-01
 * (RFC 8555 §8.4), one value at a time. In its RAW mode, the server derives name and value from domain and key authorization.
 *
 * lego takes every status below 400 for success, and shows the body of any other reply to its user. acme.sh
 * (`dns_acmeproxy`) searches the reply for the value in quotes, so that a success repeats what was sent.
 */

import { challengeText } from '../../core/access/acme-challenge.ts';
import { findTextZone } from '../../core/access/authorize.ts';
import type { RequestContext } from '../../core/access/request-context.ts';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { TextEdit } from '../../core/updates/publish-texts.ts';
import { challengeName } from '../../dns/challenge-name.ts';
import { parseHostName } from '../../dns/host-name.ts';
import { type DomainName, NameError } from '../../dns/name.ts';
import { authenticateRequest, clientContext } from '../request/authentication.ts';
import { findCandidates } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Route, Services } from '../request/door.ts';
import { errorReply } from '../request/error-reply.ts';
import { readJsonObject, textField } from '../request/json-body.ts';

export const HTTPREQ_ERRORS = {
  'request-malformed': 400,
  'body-malformed': 400,
  'cross-site': 403,
  'name-invalid': 400,
  'address-invalid': 400,
  'not-authenticated': 401,
  'too-many-guesses': 503,
  'not-permitted': 403,
  'quota-exceeded': 403,
  'host-disabled': 403,
  'address-refused': 403,
  'rate-limited': 429,
  'caller-unknown': 503,
  conflict: 409,
  contended: 503,
  'primary-refused': 502,
  'primary-key-rejected': 502,
  'primary-unreachable': 504,
  'publish-unknown': 504,
  'store-unreachable': 503,
  'check-failed': 503,
  internal: 500,
} as const satisfies Record<ErrorCode, number>;

function formatError(error: AppError, requestId: string): DoorReply {
  const text = error.code === 'internal' ? `An internal error happened (request ${requestId}).` : error.message;
  return errorReply(error, HTTPREQ_ERRORS[error.code], `${text}\n`);
}

const route = (pattern: string, kind: 'add' | 'remove'): Route => ({
  methods: ['POST'],
  safe: false,
  pattern,
  readsBody: true,
  handle: (request, services) => change(request, services, kind),
});

export const httpreqProtocol: Protocol = {
  name: 'httpreq',
  formatError,
  // The second form is for a reverse proxy that routes by path.
  routes: ['', '/httpreq'].flatMap((base) => [route(`${base}/present`, 'add'), route(`${base}/cleanup`, 'remove')]),
};

/** @throws AppError */
async function change(request: DoorRequest, services: Services, kind: 'add' | 'remove'): Promise<DoorReply> {
  const context = await authenticate(request, services);
  const { ownerName, text, echo } = readChallenge(request.body);
  const zone = findTextZone(services.zones, context.principal, ownerName);
  const edit: TextEdit = { kind, text };
  const { changed } = await services.texts.run({ zone, ownerName, edit }, context);
  const detail = `${ownerName} TXT ${changed ? (kind === 'add' ? 'added' : 'removed') : 'unchanged'}`;
  const body = `${JSON.stringify(echo)}\n`;
  return {
    status: 200,
    body,
    contentType: 'application/json; charset=utf-8',
    outcome: changed ? 'updated' : 'unchanged',
    detail,
  };
}

/** @throws AppError not-authenticated, too-many-guesses, store-unreachable */
async function authenticate(request: DoorRequest, services: Services): Promise<RequestContext> {
  const candidates = findCandidates(request.headers, request.parameters);
  if (candidates.length === 0) {
    throw new AppError('not-authenticated', 'The request has no credential: give a token as the password of Basic.');
  }
  const { principal } = await authenticateRequest(request, services, candidates);
  return clientContext(request, 'httpreq', principal);
}

interface Challenge {
  readonly ownerName: DomainName;
  readonly text: string;
  /** The fields of the request, for the reply: acme.sh searches it for the value in quotes. */
  readonly echo: Readonly<Record<string, string>>;
}

/** Reads `fqdn` and `value`, or `domain`, `token` and `keyAuth` of the RAW mode. @throws AppError */
function readChallenge(body: string | undefined): Challenge {
  const fields = readJsonObject(body);
  const fqdn = textField(fields, 'fqdn');
  const value = textField(fields, 'value');
  if (fqdn && value) return { ownerName: readName(fqdn), text: value, echo: { fqdn, value } };
  const domain = textField(fields, 'domain');
  const token = textField(fields, 'token');
  const keyAuth = textField(fields, 'keyauth');
  if (!fqdn && !value && domain && keyAuth) {
    const echo = { domain, ...(token !== undefined && { token }), keyAuth };
    return { ownerName: readName(domain, challengeName), text: challengeText(keyAuth), echo };
  }
  throw new AppError('request-malformed', 'The body needs "fqdn" and "value", or "domain" and "keyAuth".');
}

/** @throws AppError name-invalid */
function readName(text: string, change: (name: DomainName) => DomainName = (name) => name): DomainName {
  try {
    return change(parseHostName(text));
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    throw new AppError('name-invalid', error.message, { logText: `The request has an invalid name (${error.code}).` });
  }
}
