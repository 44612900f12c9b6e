/**
 * dyndns2, the protocol that most routers and update clients speak: one request for one or several hosts, one line of
 * reply for each, in words that clients search for. There is no standard; docs/protocols/dyndns2.md says what is done.
 *
 * Never sent: `badagent`, `!yours`, `!donator`, `badsys`, and chunked or longer texts: clients mistake them.
 */
import { AppError, type ErrorCode } from '../../core/errors.ts';
import { FAMILIES } from '../../core/plan-change.ts';
import type { RequestContext } from '../../core/request-context.ts';
import type { AddressUpdate } from '../../core/update-addresses.ts';
import type { AddressChoice } from '../../core/update-host.ts';
import type { DomainName } from '../../dns/name.ts';
import { authenticateClient } from '../authentication.ts';
import { findUserName } from '../credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Route, Services } from '../door.ts';
import { DRY_RUN, formatDryRun, isDryRun } from '../dry-run.ts';
import { carrierNatWarning, findHostZone, findUnnamedHost, MAX_HOSTS, readHost } from '../requested-host.ts';
import {
  type Parameters as ClientParameters,
  chooseAddresses,
  chooseDeletions,
  findParameter,
  lowerCaseNames,
  parametersOf,
  readHosts,
  readOwnParameters,
} from './dyndns2-parameters.ts';

const DEFAULT_TTL = 60;
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

/** What became of one host. */
type HostAnswer =
  | { readonly kind: 'done'; readonly line: string; readonly result: AddressUpdate }
  | { readonly kind: 'failed'; readonly error: unknown };

async function answer(request: DoorRequest, services: Services, choose: Choose): Promise<DoorReply> {
  const parameters = lowerCaseNames(request.parameters);
  const context = await authenticateClient(request, services, 'dyndns2', findParameter(parameters, 'credential'));
  const named = readHosts(parameters);
  const own = readOwnParameters(parameters);
  const hosts = own === undefined ? named : withOwnHosts(named, own);
  if (hosts.length > MAX_HOSTS) {
    return { status: 200, body: 'numhost\n', outcome: 'failed', detail: `more than ${MAX_HOSTS} hosts` };
  }
  const { principal } = context;
  const find =
    hosts.length > 0
      ? hosts.map((text) => () => readHost(text, principal, services))
      : [
          () =>
            findUnnamedHost(findUserName(request.headers) || findParameter(parameters, 'user'), principal, services),
        ];
  const answers = await Promise.all(
    find.map(async (findHost, index): Promise<HostAnswer> => {
      try {
        const ofHost =
          own === undefined ? parameters : parametersOf(parameters, own, hosts[index]!, index < named.length);
        return await changeHost(findHost(), ofHost, choose, context, services);
      } catch (error) {
        return { kind: 'failed', error: error instanceof AppError ? services.gate.refused(error, context) : error };
      }
    }),
  );
  return joinAnswers(answers);
}

/** The hosts of the request, and behind them those that only parameters of their own name. */
function withOwnHosts(named: readonly string[], own: ReadonlyMap<string, ClientParameters>): string[] {
  const known = new Set(named.map((host) => host.toLowerCase()));
  return [...named, ...[...own.keys()].filter((host) => !known.has(host))];
}

/** @throws AppError */
async function changeHost(
  ownerName: DomainName,
  parameters: ClientParameters,
  choose: Choose,
  context: RequestContext,
  services: Services,
): Promise<HostAnswer> {
  const zone = findHostZone(ownerName, context.principal, services);
  const update = {
    zone,
    ownerName,
    fallbackTtl: DEFAULT_TTL,
    choose: () => {
      const choice = choose(parameters, context.caller, zone.emptyValue);
      const ttl = readTtl(parameters['ttl']);
      const more = { ...(ttl !== undefined && { ttl }), ...(isDryRun(parameters[DRY_RUN]) && { isDryRun: true }) };
      return { ...choice, ...more };
    },
  };
  const updated = await services.updates.run(update, context);
  const { result, choice } = updated;
  const { wanted, prefix } = choice;
  if (choice.isDryRun)
    return { kind: 'done', line: formatDryRun(updated).trimEnd(), result: { ...result, changed: false } };
  const nothingToMove = result.AAAA.after.length === 0 && result.members.length === 0;
  if (prefix !== undefined && nothingToMove && Object.keys(wanted).length === 0) {
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
function successLine({ changed, members, ...result }: AddressUpdate, { wanted, prefix }: AddressChoice): string {
  const asked = FAMILIES.filter(
    (family) => wanted[family] !== undefined || (prefix !== undefined && family === 'AAAA'),
  );
  const own = (asked.length > 0 ? asked : FAMILIES).flatMap((family) => result[family].after);
  // A success without an address is none for some clients: of a host that has none itself, one of its members'.
  const addresses = own.length > 0 ? own : (members[0]?.AAAA.after ?? []);
  return [changed ? 'good' : 'nochg', ...(addresses.length > 0 ? [addresses.join(',')] : [])].join(' ');
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
  if (error !== undefined && answers.length === 1) throw error;
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
