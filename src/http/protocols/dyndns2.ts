/**
 * dyndns2, the protocol of most routers and update clients: a request changes one or several hosts, and the reply has one
 * line for each, with words that clients search for. There is no standard; docs/protocols/dyndns2.md describes ours.
 *
 * Never sent: `badagent`, `!yours`, `!donator`, `badsys`, and chunked or longer texts, which clients misunderstand.
 */

import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { AddressChoice } from '../../core/updates/prepare-update.ts';
import type { HostUpdated } from '../../core/updates/update-host.ts';
import type { Zone } from '../../core/zones/zone.ts';
import { authenticateClient } from '../request/authentication.ts';
import { findUserNames } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Route, Services } from '../request/door.ts';
import { DRY_RUN, formatDryRun, isDryRun } from '../request/dry-run.ts';
import { clientErrorReply } from '../request/error-reply.ts';
import {
  changeHost,
  changeHosts,
  isUpdate,
  replyAddresses,
  replyToHost,
  replyToHosts,
} from '../request/host-requests.ts';
import { findUnnamedHost, listUserHosts, MAX_HOSTS, readHost } from '../request/requested-host.ts';
import {
  type Parameters as ClientParameters,
  chooseAddresses,
  chooseDeletions,
  parametersOf,
  readHosts,
  readOwnParameters,
  readParameters,
} from '../request/update-parameters.ts';

/**
 * Status and word of each error. A word with status 200 is about one host. The others are sent once, for the whole request:
 * wget and other clients send their credential only after a 401, and 503 makes clients retry later.
 */
export const DYNDNS2_ERRORS = {
  'request-malformed': [200, 'notfqdn'],
  'body-malformed': [400, 'notfqdn'],
  'cross-site': [403, 'badauth'],
  'name-invalid': [200, 'notfqdn'],
  'address-invalid': [200, 'dnserr'],
  'not-authenticated': [401, 'badauth'],
  'too-many-guesses': [503, '911'],
  'not-permitted': [200, 'nohost'],
  'quota-exceeded': [200, 'nohost'],
  'host-disabled': [200, 'abuse'],
  'address-refused': [200, 'dnserr'],
  'rate-limited': [503, '911'],
  'caller-unknown': [503, '911'],
  conflict: [200, 'dnserr'],
  contended: [503, '911'],
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
  return clientErrorReply(error, status, `${word}\n`);
}

const route = (pattern: string, handle: Route['handle']): Route => ({
  methods: ['GET', 'POST', 'PUT'],
  safe: false,
  pattern,
  handle,
});

/** Paths that clients have built in or that their manuals contain. All are equivalent. */
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
  '/api/v1/update',
  '/2/ddns',
  '/XDynDNSServer/XDynDNS.php',
  '/updateddns',
  '/auth/dynamic.html',
  '/dynamic.duia',
];

export const dyndns2Protocol: Protocol = {
  name: 'dyndns2',
  formatError,
  routes: [
    ...UPDATE_PATHS.map((path) => route(path, update)),
    // The root is the page of the original API, unless the request is an update.
    { ...route('/', update), takes: isUpdate },
    route('/nic/delete', (request, services) => answer(request, services, chooseDeletions)),
  ],
};

function update(request: DoorRequest, services: Services): Promise<DoorReply> {
  return answer(request, services, chooseAddresses);
}

/** Reads the wanted addresses of a host from the parameters, the caller's address and the zone's `empty_value`. */
type Choose = (...args: Parameters<typeof chooseAddresses>) => AddressChoice;

async function answer(request: DoorRequest, services: Services, choose: Choose): Promise<DoorReply> {
  const parameters = readParameters(request);
  const authenticated = authenticateClient(request, services, 'dyndns2', parameters);
  const context = authenticated instanceof Promise ? await authenticated : authenticated;
  const { principal, caller } = context;
  const own = readOwnParameters(parameters);
  const hostParameters = readHosts(parameters);
  const named =
    hostParameters.length === 0 && own === undefined
      ? listUserHosts(findUserNames(request.headers, parameters), principal, services)
      : hostParameters;
  const hosts = own === undefined ? named : withOwnHosts(named, own);
  if (hosts.length > MAX_HOSTS) {
    return { status: 200, body: 'numhost\n', outcome: 'failed', detail: `more than ${MAX_HOSTS} hosts` };
  }
  const chooseBy =
    (given: ClientParameters) =>
    ({ emptyValue }: Zone) => {
      const choice = choose(given, caller, emptyValue);
      const ttl = readTtl(given['ttl']);
      if (ttl === undefined && given[DRY_RUN] === undefined) return choice;
      return { ...choice, ...(ttl !== undefined && { ttl }), ...(isDryRun(given[DRY_RUN]) && { isDryRun: true }) };
    };
  // Fast path: nearly all requests have one host.
  if (own === undefined && hosts.length < 2) {
    const [text] = hosts;
    const host =
      text === undefined
        ? findUnnamedHost(findUserNames(request.headers, parameters), principal, services)
        : readHost(text, principal, services);
    const updated = await changeHost(host, chooseBy(parameters), context, services);
    return replyToHost(updated, successLine(updated));
  }
  const requests = hosts.map((host, index) => ({
    find: () => readHost(host, principal, services),
    choose: chooseBy(own === undefined ? parameters : parametersOf(parameters, own, host, index < named.length)),
  }));
  const answers = await changeHosts(requests, context, services, ({ code }) => DYNDNS2_ERRORS[code][0] !== 200);
  // A single host fails like in a request that names it in `hostname`.
  const [only, ...moreAnswers] = answers;
  if (only?.kind === 'failed' && moreAnswers.length === 0) return { ...formatError(only.error), error: only.error };
  return replyToHosts(answers, (one) =>
    one.kind === 'done' ? successLine(one.updated) : DYNDNS2_ERRORS[one.error.code][1],
  );
}

/** The hosts of the request, followed by hosts that only have parameters of their own (`myipv6:HOST=…`). */
function withOwnHosts(named: readonly string[], own: ReadonlyMap<string, ClientParameters>): string[] {
  const namedHosts = new Set(named.map((host) => host.toLowerCase()));
  return [...named, ...[...own.keys()].filter((host) => !namedHosts.has(host))];
}

/** @throws AppError request-malformed */
function readTtl(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new AppError('request-malformed', 'The TTL is not a number of seconds.');
}

/** `good 192.0.2.1,2001:db8::1`, or the lines of a dry run. */
function successLine(updated: HostUpdated): string {
  if (updated.choice.isDryRun) return formatDryRun(updated).trimEnd();
  const word = updated.changed ? 'good' : 'nochg';
  const addresses = replyAddresses(updated);
  return addresses.length === 0 ? word : `${word} ${addresses.join(',')}`;
}
