/**
 * The HTTP API of acme-dns: each account writes TXT records for DNS-01 (RFC 8555 §8.4) at one random name, which is the
 * target of a CNAME at `_acme-challenge` of the certificate's name. Replies equal those of acme-dns octet by octet, because
 * some clients read them with sed. Errors that acme-dns does not have get a word of ours and a `detail` for people.
 */

import { isChallengeText } from '../../core/access/acme-challenge.ts';
import { acmeDnsOwnerName, acmeDnsTokenName } from '../../core/access/acme-dns.ts';
import { sameText } from '../../core/access/authenticate.ts';
import type { Principal } from '../../core/access/principal.ts';
import { requireCaller } from '../../core/access/require-caller.ts';
import type { HostToken } from '../../core/access/token.ts';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import { formatIpPrefix, type IpPrefix, prefixOf } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { readAddressWithLength } from '../request/address-texts.ts';
import { authenticateRequest, clientContext } from '../request/authentication.ts';
import { findCandidates } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Services } from '../request/door.ts';
import { plainName } from '../request/host-requests.ts';
import { isBlank, readJsonObject, textField } from '../request/json-body.ts';
import { namesParameter } from '../request/update-parameters.ts';

/** Status and word of each error. */
export const ACME_DNS_ERRORS = {
  'request-malformed': [400, 'malformed_json_payload'],
  'body-malformed': [400, 'malformed_json_payload'],
  'cross-site': [403, 'forbidden'],
  'name-invalid': [400, 'bad_subdomain'],
  'address-invalid': [400, 'invalid_allowfrom_cidr'],
  'not-authenticated': [401, 'forbidden'],
  'too-many-guesses': [503, 'rate_limited'],
  'not-permitted': [403, 'forbidden'],
  'quota-exceeded': [403, 'forbidden'],
  'host-disabled': [403, 'disabled'],
  'address-refused': [403, 'forbidden'],
  'rate-limited': [429, 'rate_limited'],
  'caller-unknown': [503, 'caller_unknown'],
  conflict: [409, 'conflict'],
  contended: [503, 'contended'],
  'primary-refused': [502, 'primary_refused'],
  'primary-key-rejected': [502, 'primary_refused'],
  'primary-unreachable': [504, 'primary_unreachable'],
  'publish-unknown': [504, 'publish_unknown'],
  'store-unreachable': [503, 'db_error'],
  'check-failed': [503, 'db_error'],
  internal: [500, 'db_error'],
} as const satisfies Record<ErrorCode, readonly [number, string]>;

/** A request-malformed error that acme-dns calls `bad_txt`. */
class BadTxt extends AppError {}

function formatError(error: AppError, requestId: string): DoorReply {
  const [status, word] = ACME_DNS_ERRORS[error.code];
  const { retryAfterSeconds } = error;
  const headers = retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) };
  const body = errorBody(status, error instanceof BadTxt ? 'bad_txt' : word, error, requestId);
  return { ...json(status, body), headers, outcome: 'failed', detail: error.logText };
}

function errorBody(status: number, word: string, { code, message }: AppError, requestId: string): string {
  if (status === 400 || status === 401) return `{"error": "${word}"}`;
  if (word === 'forbidden') return '{"error":"forbidden"}';
  const detail = code === 'internal' ? `Please report the request ${requestId}.` : message;
  return `{"error": "${word}", "detail": ${JSON.stringify(detail)}}`;
}

export const acmeDnsProtocol: Protocol = {
  name: 'acme_dns',
  formatError,
  routes: [
    {
      methods: ['POST'],
      safe: false,
      pattern: '/register',
      readsBody: true,
      crossOrigin: 'with credential',
      handle: register,
    },
    {
      methods: ['POST'],
      safe: false,
      pattern: '/update',
      takes: isUpdate,
      readsBody: true,
      crossOrigin: 'allowed',
      handle: update,
    },
    {
      methods: ['GET'],
      safe: true,
      pattern: '/health',
      handle: () => ({ status: 200, body: '', outcome: 'info', detail: 'alive' }),
    },
  ],
};

/**
 * Which requests to `/update` are ours. `X-Api-Key` alone is also a credential of dyndns2, and JSON also a form of its
 * parameters, so that these two decide only where dyndns2 has nothing to read.
 */
function isUpdate({ headers, parameters, isJsonObject }: DoorRequest): boolean {
  if (headers['x-api-user'] !== undefined) return true;
  return (headers['x-api-key'] !== undefined || isJsonObject) && !namesParameter(parameters);
}

/** @throws AppError */
async function register(request: DoorRequest, services: Services): Promise<DoorReply> {
  const { acmeDns } = services;
  const { headers, clientAddress, peer } = request;
  if (acmeDns === undefined) throw new AppError('not-permitted', 'Registration is not configured.');
  // A page of another site must not register by the address of the person who reads it.
  const isPage = headers.origin !== undefined && acmeDns.corsOrigins.has(headers.origin);
  if (isPage || !acmeDns.isOpenTo(clientAddress)) await authenticateRegistrar(request, services);
  acmeDns.admit(clientAddress ?? peer);
  const sources = readSources(request);
  const { username, password, subdomain, ownerName } = await acmeDns.register(sources);
  const reply = {
    username,
    password,
    fulldomain: plainName(ownerName),
    subdomain,
    allowfrom: sources.map(formatIpPrefix),
  };
  const detail = `registered ${acmeDnsTokenName(username)} for ${ownerName}`;
  return { ...json(201, JSON.stringify(reply)), outcome: 'updated', detail };
}

const MAX_SOURCES = 100;

/** @throws AppError not-permitted, not-authenticated, rate-limited, store-unreachable */
async function authenticateRegistrar(request: DoorRequest, services: Services): Promise<void> {
  const candidates = findCandidates(request.headers, undefined);
  if (candidates.length === 0) {
    if (services.acmeDns?.opensBySource) requireCaller(request.clientAddress);
    throw new AppError('not-permitted', 'Registration is not open to this address.');
  }
  const mayRegister = (principal: Principal) => principal.kind === 'master' || principal.token.register === true;
  const refusal = () => new AppError('not-permitted', 'The token may not register accounts.');
  await authenticateRequest(request, services, candidates, mayRegister, refusal);
}

/**
 * The prefixes of `allowfrom`, the only field. Anything else, also in the URL or in a form, could be a restriction that is
 * misspelt: without it the account would be open to everyone.
 * @throws AppError request-malformed, body-malformed, address-invalid
 */
function readSources({ body, parameters, repeated }: DoorRequest): readonly IpPrefix[] {
  const fields = body === undefined || isBlank(body) ? {} : readJsonObject(body);
  const allowfrom = fields['allowfrom'] ?? [];
  if (!Array.isArray(allowfrom)) throw new AppError('request-malformed', '"allowfrom" is not a list.');
  const isInBody =
    (repeated?.get('allowfrom')?.length ?? (parameters['allowfrom'] === undefined ? 0 : 1)) <= allowfrom.length;
  if (!isInBody || [...Object.keys(fields), ...Object.keys(parameters)].some((name) => name !== 'allowfrom')) {
    throw new AppError('request-malformed', 'The request has something else than "allowfrom" in a JSON object.');
  }
  if (allowfrom.length > MAX_SOURCES)
    throw new AppError('address-invalid', `"allowfrom" has more than ${MAX_SOURCES} prefixes.`);
  return allowfrom.map((entry: unknown) => {
    const prefix = typeof entry === 'string' ? readSource(entry) : undefined;
    if (prefix === undefined) throw new AppError('address-invalid', 'An entry of "allowfrom" is not a prefix.');
    return prefix;
  });
}

/** A network, an address in it with the length of its prefix, or one address; brackets are dropped, as acme-dns does. */
function readSource(text: string): IpPrefix | undefined {
  const isBracketed = text.startsWith('[') && text.includes(']');
  const read = readAddressWithLength(isBracketed ? text.slice(1).replace(']', '') : text);
  return read && prefixOf(read.address, read.length ?? (read.address.family === 4 ? 32 : 128));
}

/** @throws AppError */
async function update(request: DoorRequest, services: Services): Promise<DoorReply> {
  const { headers, body } = request;
  const user = headers['x-api-user'];
  const isUser = (principal: Principal) =>
    principal.kind === 'token' && sameText(principal.token.name, acmeDnsTokenName(String(user)));
  // Whatever else the request has belongs to a proxy: acme-dns reads these two headers only.
  const candidates = findCandidates({ 'x-api-key': headers['x-api-key'] }, undefined);
  const { principal } = await authenticateRequest(request, services, candidates, isUser);
  const fields = readJsonObject(body);
  const ownerName = readOwnerName(textField(fields, 'subdomain') ?? '', principal);
  const text = textField(fields, 'txt') ?? '';
  if (!isChallengeText(text)) throw new BadTxt('request-malformed', '"txt" is not 43 characters of base64url.');
  const zone = services.zones.find(ownerName);
  if (zone === undefined) throw new AppError('conflict', `'${ownerName}' is no longer in a zone of this server.`);
  const edit = { kind: 'roll', text, keep: services.acmeDns?.values ?? 1 } as const;
  const context = clientContext(request, 'acme-dns', principal);
  const { changed } = await services.texts.run({ zone, ownerName, edit, isChallenge: true }, context);
  const detail = `${ownerName} TXT ${changed ? 'added' : 'unchanged'}`;
  return { ...json(200, `{"txt": "${text}"}`), outcome: changed ? 'updated' : 'unchanged', detail };
}

/** @throws AppError name-invalid; not-authenticated for the subdomain of another account */
function readOwnerName(subdomain: string, principal: Principal): DomainName {
  if (!/^[A-Za-z0-9-]{1,63}$/.test(subdomain)) throw new AppError('name-invalid', '"subdomain" is not a label.');
  const ownerName = acmeDnsOwnerName((principal as { readonly token: HostToken }).token);
  const label = ownerName?.labels()[0];
  if (ownerName !== undefined && label !== undefined && Buffer.from(label).toString('latin1') === subdomain) {
    return ownerName;
  }
  throw new AppError('not-authenticated', 'The subdomain does not belong to the account.');
}

function json(status: number, body: string): Pick<DoorReply, 'status' | 'body' | 'contentType'> {
  return { status, body, contentType: 'application/json; charset=utf-8' };
}
