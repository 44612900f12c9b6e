/**
 * FreeDNS (afraid.org): version 1 lists the hosts of an account, each with an update URL; version 2 has the key in the path
 * or in Basic. A token is the account; docs/protocols/freedns.md explains how to create one for version 1.
 *
 * No error repeats a part of the request: a client may take an address in the reply for success.
 */

import type { Principal } from '../../core/access/principal.ts';
import type { RequestContext } from '../../core/access/request-context.ts';
import { literalHosts } from '../../core/access/select-host.ts';
import { tokenCovers } from '../../core/access/token.ts';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { Family } from '../../core/zones/family.ts';
import type { Zone } from '../../core/zones/zone.ts';
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { authenticateRequest, clientContext } from '../request/authentication.ts';
import { findCandidates, findUserNames, MAX_CANDIDATES } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Route, Services } from '../request/door.ts';
import { clientErrorReply } from '../request/error-reply.ts';
import { changeHosts, type HostAnswer, plainName, replyAddresses, replyToHosts } from '../request/host-requests.ts';
import { hostFinders, listUserHosts, MAX_HOSTS } from '../request/requested-host.ts';
import {
  chooseAddresses,
  oneOfEachFamily,
  PARAMETERS,
  type Parameters,
  readHosts,
  readParameters,
} from '../request/update-parameters.ts';

/** Status and line of each error. */
export const FREEDNS_ERRORS = {
  'request-malformed': [200, 'ERROR: Invalid request.'],
  'body-malformed': [400, 'ERROR: Invalid request.'],
  'cross-site': [403, 'ERROR: A request for another web site is refused.'],
  'name-invalid': [200, 'ERROR: No valid host name: say which host by host=NAME.'],
  'address-invalid': [200, 'ERROR: Invalid IP address.'],
  'not-authenticated': [401, 'ERROR: Invalid update URL (no such key).'],
  'too-many-guesses': [503, 'ERROR: Too many requests, come again later.'],
  'not-permitted': [200, 'ERROR: Unable to locate this record.'],
  'quota-exceeded': [200, 'ERROR: Unable to locate this record.'],
  'host-disabled': [200, 'ERROR: This host is switched off.'],
  'address-refused': [200, 'ERROR: This IP address is refused.'],
  'rate-limited': [503, 'ERROR: Too many requests, come again later.'],
  'caller-unknown': [503, 'ERROR: Your IP address is unknown here, come again later.'],
  conflict: [200, 'ERROR: Other records are in the way.'],
  contended: [503, 'ERROR: The records are being changed by others, come again later.'],
  'primary-refused': [503, 'ERROR: The nameserver refused it.'],
  'primary-key-rejected': [503, 'ERROR: The nameserver refused it.'],
  'primary-unreachable': [503, 'ERROR: The nameserver does not answer.'],
  'publish-unknown': [503, 'ERROR: The nameserver does not answer.'],
  'store-unreachable': [503, 'ERROR: Internal failure, come again later.'],
  'check-failed': [503, 'ERROR: Internal failure, come again later.'],
  internal: [503, 'ERROR: Internal failure, come again later.'],
} as const satisfies Record<ErrorCode, readonly [number, string]>;

const TOO_MANY_HOSTS = 'ERROR: Too many hosts.';

function formatError(error: AppError): DoorReply {
  const [status, line] = FREEDNS_ERRORS[error.code];
  return clientErrorReply(error, status, `${line}\n`);
}

function tooManyHosts(): DoorReply {
  return { status: 200, body: `${TOO_MANY_HOSTS}\n`, outcome: 'failed', detail: `more than ${MAX_HOSTS} hosts` };
}

const isGeneral = ({ code }: AppError) => FREEDNS_ERRORS[code][0] !== 200;

const route = (pattern: string, handle: Route['handle']): Route => ({
  methods: ['GET', 'POST'],
  safe: false,
  pattern,
  handle,
});

export const freednsProtocol: Protocol = {
  name: 'freedns',
  formatError,
  routes: [
    {
      ...route('/api', listHosts),
      takes: ({ parameters }) => parameters['action']?.toLowerCase() === 'getdyndns',
    },
    route('/dynamic/update.php', updateByKey),
    route('/u', (request, services) => update(request, services, [], VERSION_2)),
    route('/u/:secret', (request, services) => update(request, services, [], VERSION_2)),
  ],
};

// --- the list of version 1 ---------------------------------------------------

/** Listed where no address is published. A client that updates AAAA expects an IPv6 address. */
const NO_ADDRESS: Readonly<Record<Family, string>> = { A: 'NULL', AAAA: '::' };

/** Lists `HOST|ADDRESS|URL`, one line for each family that the token may change. Patterns are not listed. */
async function listHosts(request: DoorRequest, services: Services): Promise<DoorReply> {
  const { principal, text } = await authenticate(request, services, request.parameters, [request.parameters['sha']]);
  const context = clientContext(request, 'freedns', principal);
  const hosts = literalHosts(principal);
  if (hosts.length === 0)
    throw new AppError('name-invalid', 'The credential has no literal host that could be listed.');
  if (hosts.length > MAX_HOSTS) return tooManyHosts();
  const key = encodeURIComponent(text);
  // An update without wanted addresses reads what is published.
  const requests = hosts.map((host) => ({ find: () => host, choose: () => ({ wanted: {} }) }));
  const answers = await changeHosts(requests, context, services, isGeneral);
  const lines = answers.flatMap((answer) => {
    if (answer.kind === 'failed') return [];
    const { result } = answer.updated;
    const name = plainName(result.ownerName);
    const host = hosts.length > 1 ? `&host=${name}` : '';
    const url = `${serverUrl(request)}/dynamic/update.php?${key}${host}`;
    return FAMILIES_LISTED.filter((family) => mayChange(context, result.ownerName, family)).map((family) => {
      return `${name}|${result[family].after[0] ?? NO_ADDRESS[family]}|${url}`;
    });
  });
  const failed = answers.find((answer) => answer.kind === 'failed');
  if (lines.length === 0 && failed !== undefined) return { ...formatError(failed.error), error: failed.error };
  const body = lines.map((line) => `${line}\n`).join('');
  return { status: 200, body, outcome: 'info', detail: `listed ${lines.length} records` };
}

/** A comes first: clients that ignore the address take the first line of a host. */
const FAMILIES_LISTED = ['A', 'AAAA'] as const satisfies readonly Family[];

function mayChange({ principal }: RequestContext, ownerName: DomainName, family: Family): boolean {
  return principal.kind === 'master' || tokenCovers(principal.token, ownerName, RRType[family]);
}

/** The URL of this server by the Host header; always https, which a client without TLS treats as http. */
function serverUrl({ headers }: DoorRequest): string {
  return /^[\w.:[\]-]{1,255}$/.test(headers.host ?? '') ? `https://${headers.host}` : '';
}

// --- updates -----------------------------------------------------------------

interface Version {
  readonly changed: (host: string, addresses: string, seconds: string) => string;
  readonly unchanged: (host: string, addresses: string) => string;
}

const VERSION_1: Version = {
  changed: (host, addresses, seconds) => `Updated ${host} to ${addresses} in ${seconds} seconds`,
  unchanged: (_host, addresses) => `ERROR: Address ${addresses} has not changed.`,
};

const VERSION_2: Version = {
  changed: (host, addresses, seconds) => `Updated 1 host(s) ${host} to ${addresses} in ${seconds} seconds`,
  unchanged: (host, addresses) => `No IP change detected for ${host} with IP ${addresses}, skipping update`,
};

const KNOWN_PARAMETERS = new Set<string>([...Object.values(PARAMETERS).flat(), 'offline']);

/** `?KEY&address=…`: a key is the name of a parameter, and may end in equals signs, escaped or not. */
function updateByKey(request: DoorRequest, services: Services): Promise<DoorReply> {
  const keys: string[] = [];
  for (const [name, value] of Object.entries(request.parameters)) {
    if (keys.length === MAX_CANDIDATES) break;
    const key = withoutFinalEquals(name);
    if (key === '' || withoutFinalEquals(value ?? '') !== '' || KNOWN_PARAMETERS.has(name.toLowerCase())) continue;
    keys.push(key);
  }
  return update(request, services, keys, VERSION_1);
}

/** A pattern such as `/=+$/` would need quadratic time for many equals signs in front of another character. */
function withoutFinalEquals(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === EQUALS) end -= 1;
  return text.slice(0, end);
}

const EQUALS = 0x3d;

/** @param own see findCandidates. @throws AppError not-authenticated, too-many-guesses, store-unreachable */
async function authenticate(
  request: DoorRequest,
  services: Services,
  parameters: Parameters,
  own: readonly (string | undefined)[],
): Promise<{ readonly principal: Principal; readonly text: string }> {
  const candidates = findCandidates(request.headers, parameters, request.path['secret'], ...own);
  if (candidates.length === 0) throw new AppError('not-authenticated', 'The request has no credential.');
  const { principal, candidate } = await authenticateRequest(request, services, candidates);
  return { principal, text: candidate.text };
}

/** The other parameters: a name that is the key must not be taken for a host. */
function withoutKey({ parameters, repeated }: DoorRequest, key: string): Pick<DoorRequest, 'parameters' | 'repeated'> {
  const others = Object.entries(parameters).filter(([name]) => withoutFinalEquals(name) !== key);
  return { parameters: Object.fromEntries(others), repeated };
}

/** @param keys names of parameters that may be the credential */
async function update(
  request: DoorRequest,
  services: Services,
  keys: readonly string[],
  version: Version,
): Promise<DoorReply> {
  const startMs = performance.now();
  const all = readParameters(request);
  const { principal, text } = await authenticate(request, services, all, keys);
  const context = clientContext(request, 'freedns', principal);
  const parameters = keys.includes(text) ? readParameters(withoutKey(request, text)) : all;
  const users = findUserNames(request.headers, parameters);
  const given = readHosts(parameters);
  const hosts = given.length > 0 ? given : listUserHosts(users, principal, services);
  if (hosts.length > MAX_HOSTS) return tooManyHosts();
  const find = hostFinders(hosts, users, principal, services);
  const choose = ({ emptyValue }: Zone) => oneOfEachFamily(chooseAddresses(parameters, context.caller, emptyValue));
  const requests = find.map((findHost) => ({ find: findHost, choose }));
  const answers = await changeHosts(requests, context, services, isGeneral);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(3);
  return replyToHosts(answers, (answer) => lineOf(answer, version, seconds));
}

function lineOf(answer: HostAnswer, version: Version, seconds: string): string {
  if (answer.kind === 'failed') return FREEDNS_ERRORS[answer.error.code][1];
  const { result } = answer.updated;
  const addresses = replyAddresses(answer.updated).join(',') || 'no address';
  const host = plainName(result.ownerName);
  return result.changed ? version.changed(host, addresses, seconds) : version.unchanged(host, addresses);
}
