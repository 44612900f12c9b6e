/**
 * dyndns2, the protocol that most routers and update clients speak: one request for one or several hosts, one line of
 * reply for each, in words that clients search for. There is no standard; docs/protocols/dyndns2.md says what is done.
 *
 * Never sent: `badagent`, `!yours`, `!donator`, `badsys`, and chunked or longer texts: clients mistake them.
 */
import { findPermittedZone } from '../../core/authorize.ts';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import { isCarrierNat } from '../../core/policy.ts';
import type { Principal } from '../../core/principal.ts';
import type { RequestContext } from '../../core/request-context.ts';
import { selectByText, selectByUser, selectOnlyHost } from '../../core/select-host.ts';
import type { AddressUpdate } from '../../core/update-addresses.ts';
import { type DomainName, NameError } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { authenticateRequest } from '../authentication.ts';
import { findCredential, findUserName } from '../credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Route, Services } from '../door.ts';
import {
  type AddressChoice,
  type Parameters as ClientParameters,
  chooseAddresses,
  chooseDeletions,
  findParameter,
  lowerCaseNames,
  readHosts,
} from './dyndns2-parameters.ts';

const ADDRESS_TYPES = [RRType.A, RRType.AAAA];
const DEFAULT_TTL = 60;
const MAX_HOSTS = 20;
const RETRY_AFTER_SECONDS = 60;

/**
 * Status and word of each error. A word with status 200 concerns one host; the others are said once, for the whole
 * request: 401 makes wget and others send their credential at all, 503 makes clients try again later.
 */
export const DYNDNS2_ERRORS = {
  'request-malformed': [200, 'notfqdn'],
  'name-invalid': [200, 'notfqdn'],
  'address-invalid': [200, 'dnserr'],
  'not-authenticated': [401, 'badauth'],
  'not-permitted': [200, 'nohost'],
  'host-disabled': [200, 'abuse'],
  'address-refused': [200, 'dnserr'],
  'rate-limited': [503, '911'],
  conflict: [200, 'dnserr'],
  'primary-refused': [503, '911'],
  'primary-key-rejected': [503, '911'],
  'primary-unreachable': [503, '911'],
  'publish-unknown': [503, '911'],
  'store-unreachable': [503, '911'],
  'check-failed': [503, '911'],
  internal: [503, '911'],
} as const satisfies Record<ErrorCode, readonly [number, string]>;

function formatError(error: AppError): DoorReply {
  const [status, word] = DYNDNS2_ERRORS[error.code];
  const headers: Record<string, string> = {};
  if (status === 401) headers['WWW-Authenticate'] = 'Basic realm="dyndns"';
  if (status === 503) headers['Retry-After'] = String(error.retryAfterSeconds ?? RETRY_AFTER_SECONDS);
  return { status, body: `${word}\n`, headers, outcome: 'failed', detail: error.logText };
}

const route = (pattern: string, handle: Route['handle']): Route => ({
  methods: ['GET', 'POST', 'PUT'],
  safe: false,
  pattern,
  handle,
});

/** Paths that clients have built in or that their manuals name; all do the same. */
const UPDATE_PATHS = [
  '/nic/update',
  '/v3/update',
  '/v2/update',
  '/update',
  '/dyndns/update',
  '/ph/update',
  '/dyndns.php',
  '/dyn/dyndns.php',
  '/upd.php',
];

export const dyndns2Protocol: Protocol = {
  name: 'dyndns2',
  formatError,
  routes: [
    ...UPDATE_PATHS.map((path) => route(path, (request, services) => answer(request, services, chooseAddresses))),
    route('/nic/delete', (request, services) => answer(request, services, chooseDeletions)),
  ],
};

/** What a request wants of a host, by its parameters, the caller's address and the zone's `empty_value`. */
type Choose = (...given: Parameters<typeof chooseAddresses>) => AddressChoice;

interface HostDone {
  readonly kind: 'done';
  readonly line: string;
  readonly result: AddressUpdate;
}

/** What became of one host. */
type HostAnswer = HostDone | { readonly kind: 'failed'; readonly error: unknown };

async function answer(request: DoorRequest, services: Services, choose: Choose): Promise<DoorReply> {
  const parameters = lowerCaseNames(request.parameters);
  const context = await authenticate(request, parameters, services);
  const hosts = readHosts(parameters);
  if (hosts.length > MAX_HOSTS) {
    return { status: 200, body: 'numhost\n', outcome: 'failed', detail: `more than ${MAX_HOSTS} hosts` };
  }
  const { principal } = context;
  const change = (ownerName: DomainName) => changeHost(ownerName, parameters, choose, context, services);
  if (hosts.length === 0) {
    const user = findUserName(request.headers) || findParameter(parameters, 'user');
    return answerOne(await change(findUnnamedHost(user, principal, services)));
  }
  if (hosts.length === 1) return answerOne(await change(readHost(hosts[0]!, principal, services)));
  const answers = await Promise.all(
    hosts.map(async (text): Promise<HostAnswer> => {
      try {
        return await change(readHost(text, principal, services));
      } catch (error) {
        return { kind: 'failed', error };
      }
    }),
  );
  return joinAnswers(answers);
}

/**
 * The first request of some clients has no credential, so as to be asked for it: that is no guess.
 * @throws AppError not-authenticated, rate-limited, store-unreachable
 */
async function authenticate(
  request: DoorRequest,
  parameters: ClientParameters,
  services: Services,
): Promise<RequestContext> {
  const { headers, clientAddress: caller } = request;
  const isInHeader = headers.authorization !== undefined;
  const parameter = isInHeader ? undefined : findParameter(parameters, 'credential');
  if (!isInHeader && findCredential(headers, parameter) === undefined) {
    throw new AppError('not-authenticated', 'The request has no credential.');
  }
  const principal = await authenticateRequest(request, services, parameter);
  return { principal, caller, protocol: 'dyndns2', userAgent: headers['user-agent'] ?? '' };
}

/** @throws AppError name-invalid */
function readHost(text: string, principal: Principal, { zones }: Services): DomainName {
  let name: DomainName | undefined;
  try {
    name = selectByText(principal, zones, text);
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    // What a client wrote into the wrong place may be its secret.
    throw new AppError('name-invalid', `The request has an invalid host name (${error.code}).`);
  }
  if (name !== undefined) return name;
  throw new AppError('name-invalid', 'The request has a single label, and more than one zone or host could be meant.');
}

/** @throws AppError name-invalid */
function findUnnamedHost(user: string | undefined, principal: Principal, { zones }: Services): DomainName {
  const name = (user && selectByUser(principal, zones, user)) || selectOnlyHost(principal);
  if (name) return name;
  throw new AppError('name-invalid', 'The request names no host.');
}

/** @throws AppError */
async function changeHost(
  ownerName: DomainName,
  parameters: ClientParameters,
  choose: Choose,
  context: RequestContext,
  { zones, updates }: Services,
): Promise<HostDone> {
  const zone = findPermittedZone(zones, context.principal, ownerName, ADDRESS_TYPES);
  const choice = choose(parameters, context.caller, zone.emptyValue);
  const { wanted, prefix } = choice;
  const ttl = readTtl(parameters['ttl']);
  const request = { zone, ownerName, wanted, prefix, fallbackTtl: DEFAULT_TTL };
  const result = await updates.run(ttl === undefined ? request : { ...request, ttl }, context);
  if (prefix !== undefined && result.AAAA.after.length === 0 && Object.keys(wanted).length === 0) {
    throw new AppError('conflict', `'${ownerName}' has no AAAA record that could move into the prefix.`);
  }
  return { kind: 'done', line: successLine(result, choice), result };
}

/** @throws AppError request-malformed */
function readTtl(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new AppError('request-malformed', 'The TTL is no number of seconds.');
}

/** `good 192.0.2.1,2001:db8::1`: the addresses that were asked for; where none was, those that are published. */
function successLine({ changed, A, AAAA }: AddressUpdate, { wanted, prefix }: AddressChoice): string {
  const asksForA = wanted.A !== undefined;
  const asksForAAAA = wanted.AAAA !== undefined || prefix !== undefined;
  const addresses = [...(asksForA || !asksForAAAA ? A.after : []), ...(asksForAAAA || !asksForA ? AAAA.after : [])];
  const word = changed ? 'good' : 'nochg';
  return addresses.length === 0 ? word : `${word} ${addresses.join(',')}`;
}

/** The reply to a request for one host: most are. */
function answerOne({ line, result }: HostDone): DoorReply {
  const outcome = result.changed ? 'updated' : 'unchanged';
  const reply = { status: 200, body: `${line}\n`, outcome, detail: `${result.ownerName} ${line}` } as const;
  const warning = carrierNatWarning(result);
  return warning === undefined ? reply : { ...reply, warning };
}

/**
 * One line for each host, in their order. An error that concerns more than one host is the whole reply: what is done
 * already is confirmed when the client comes again.
 */
function joinAnswers(answers: readonly HostAnswer[]): DoorReply {
  const failures = answers.flatMap((one) => (one.kind === 'failed' ? [one.error] : []));
  const general = failures.find((error) => !(error instanceof AppError) || DYNDNS2_ERRORS[error.code][0] !== 200);
  if (general !== undefined) throw general;
  const error = failures[0] as AppError | undefined;
  const results = answers.flatMap((one) => (one.kind === 'done' ? [one.result] : []));
  const lines = answers.map((one) => (one.kind === 'done' ? one.line : wordOf(one.error as AppError)));
  const details = answers.map((one, index) =>
    one.kind === 'done'
      ? `${one.result.ownerName} ${one.line}`
      : `${lines[index]} (${(one.error as AppError).logText})`,
  );
  const changed = results.some((result) => result.changed);
  const warning = results.map(carrierNatWarning).find((text) => text !== undefined);
  return {
    status: 200,
    body: lines.map((line) => `${line}\n`).join(''),
    outcome: changed ? 'updated' : error === undefined ? 'unchanged' : 'failed',
    detail: details.join('\n'),
    ...(error === undefined ? {} : { error }),
    ...(warning === undefined ? {} : { warning }),
  };
}

function wordOf(error: AppError): string {
  return DYNDNS2_ERRORS[error.code][1];
}

function carrierNatWarning({ ownerName, A, changed }: AddressUpdate): string | undefined {
  const text = changed ? A.after.find(isCarrierNat) : undefined;
  return (
    text && `${ownerName} has the address ${text} of a carrier's NAT (100.64.0.0/10): the internet cannot reach it.`
  );
}
