/**
 * The HTTP API of the original `dyndns`, version 2: its routes, reply lines, error lines and statuses.
 * Its users' routers and scripts depend on every word here; docs/protocols/original.md lists where we differ on purpose.
 */

import { type PermittedHost, permittedFamilies, unknownName } from '../../core/access/authorize.ts';
import type { Principal } from '../../core/access/principal.ts';
import type { RequestContext } from '../../core/access/request-context.ts';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { AddressUpdate } from '../../core/updates/update-addresses.ts';
import type { ZoneCheck } from '../../core/zones/check-zones.ts';
import { FAMILIES, type Family, familyOf } from '../../core/zones/family.ts';
import type { WantedAddresses } from '../../core/zones/plan-change.ts';
import type { Zone } from '../../core/zones/zone.ts';
import { type IpAddress, parseIpAddress, unmapAddress } from '../../dns/address.ts';
import { type DomainName, NameError, parseHostName } from '../../dns/name.ts';
import { authenticateRequest } from '../request/authentication.ts';
import { findCredential } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Services } from '../request/door.ts';
import { DRY_RUN, formatDryRun, isDryRun } from '../request/dry-run.ts';
import { errorReply, errorText } from '../request/error-reply.ts';
import { carrierNatWarning } from '../request/requested-host.ts';

const DEFAULT_TTL = 300;

/** Status and level of each error: the original's own statuses, which its clients test for. */
export const ORIGINAL_ERRORS = {
  'request-malformed': [456, 'PARAMETER_ERROR'],
  'name-invalid': [453, 'DNS_NAME_ERROR'],
  'address-invalid': [454, 'IP_ADDRESS_ERROR'],
  'not-authenticated': [456, 'PARAMETER_ERROR'],
  'not-permitted': [453, 'DNS_NAME_ERROR'],
  'host-disabled': [452, 'ERROR'],
  'address-refused': [454, 'IP_ADDRESS_ERROR'],
  'rate-limited': [503, 'ERROR'],
  conflict: [512, 'DNS_SERVER_ERROR'],
  contended: [512, 'DNS_SERVER_ERROR'],
  'primary-refused': [512, 'DNS_SERVER_ERROR'],
  'primary-key-rejected': [512, 'DNS_SERVER_ERROR'],
  'primary-unreachable': [512, 'DNS_SERVER_ERROR'],
  'publish-unknown': [512, 'DNS_SERVER_ERROR'],
  'store-unreachable': [503, 'ERROR'],
  'check-failed': [457, 'CHECK_ERROR'],
  internal: [500, 'ERROR'],
} as const satisfies Record<ErrorCode, readonly [number, string]>;

export function formatOriginalError(error: AppError, requestId: string): DoorReply {
  const [status, level] = ORIGINAL_ERRORS[error.code];
  return errorReply(error, status, `${level}: ${errorText(error, requestId)}\n`);
}

export const originalProtocol: Protocol = {
  name: 'original',
  formatError: formatOriginalError,
  routes: [
    {
      methods: ['GET'],
      safe: true,
      pattern: '/',
      handle: (_request, { version }) => info(`dyndns v${version}\n`, 'version'),
    },
    { methods: ['GET'], safe: false, pattern: '/check', handle: check },
    { methods: ['GET'], safe: false, pattern: '/update-by-path/:secret/:fqdn', handle: updateByPath },
    { methods: ['GET'], safe: false, pattern: '/update-by-path/:secret/:fqdn/:ip_1', handle: updateByPath },
    { methods: ['GET'], safe: false, pattern: '/update-by-path/:secret/:fqdn/:ip_1/:ip_2', handle: updateByPath },
    { methods: ['GET', 'POST'], safe: false, pattern: '/update-by-query', handle: updateByQuery },
    { methods: ['GET'], safe: false, pattern: '/delete-by-path/:secret/:fqdn', handle: deleteByPath },
  ],
};

// --- update -----------------------------------------------------------------

/** A name as a request gives it. */
interface NameParameters {
  readonly fqdn?: string | undefined;
  readonly zone_name?: string | undefined;
  readonly record_name?: string | undefined;
}

/** What an update request says, before anything of it is checked. Empty texts of names and `ips` are absent. */
export interface UpdateParameters extends NameParameters {
  /** `ip_1` and `ip_2`, in this order. */
  readonly ips: readonly (string | undefined)[];
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  readonly ttl?: string | undefined;
  readonly dry_run?: string | undefined;
}

const QUERY_PARAMETERS = new Set([
  'secret',
  'fqdn',
  'zone_name',
  'record_name',
  'ip_1',
  'ip_2',
  'ipv4',
  'ipv6',
  'ttl',
  DRY_RUN,
]);

async function updateByPath(request: DoorRequest, services: Services): Promise<DoorReply> {
  const context = await authenticate(request, services, request.path['secret']);
  const { fqdn, ip_1, ip_2 } = request.path;
  return changeAddresses({ fqdn, ips: [ip_1, ip_2] }, context, services);
}

async function updateByQuery(request: DoorRequest, services: Services): Promise<DoorReply> {
  const { parameters } = request;
  const context = await authenticate(request, services, parameters['secret']);
  for (const [name, value] of Object.entries(parameters)) {
    if (QUERY_PARAMETERS.has(name)) continue;
    throw new AppError('request-malformed', `extra_forbidden: Extra inputs are not permitted (${oneLine(value)}).`, {
      logText: 'extra_forbidden: Extra inputs are not permitted.',
    });
  }
  const { ip_1, ip_2 } = parameters;
  return changeAddresses({ ...parameters, ips: [ip_1, ip_2] }, context, services);
}

/**
 * Checks the parameters and changes the addresses of one name. The caller's own address is published when the parameters
 * name none.
 * @throws AppError
 */
export async function changeAddresses(
  parameters: UpdateParameters,
  context: RequestContext,
  services: Pick<Services, 'zones' | 'updates' | 'unspecifiedFamily'>,
): Promise<DoorReply> {
  const host = findOwner(parameters, context.principal, services);
  const choose = (zone: Zone) => {
    const ttl = parseTtl(parameters.ttl);
    const addresses = parseAddresses(parameters, zone, context.caller);
    const wanted: WantedAddresses =
      services.unspecifiedFamily === 'delete' ? { A: null, AAAA: null, ...addresses } : addresses;
    return { wanted, ...(ttl !== undefined && { ttl }), ...(isDryRun(parameters.dry_run) && { isDryRun: true }) };
  };
  const updated = await services.updates.run({ ...host, fallbackTtl: DEFAULT_TTL, choose }, context);
  const { result, choice } = updated;
  if (choice.isDryRun) return changeReply(false, formatDryRun(updated));
  const body = FAMILIES.map((family) => updateLine(result, family)).join('');
  const warning = carrierNatWarning(result);
  return warning === undefined ? changeReply(result.changed, body) : { ...changeReply(result.changed, body), warning };
}

/** `UPDATED: home.example.com. A 192.0.2.1 -> 192.0.2.2`, or `UNCHANGED: home.example.com. AAAA None`. */
function updateLine(result: AddressUpdate, family: Family): string {
  const { before, after, changed } = result[family];
  const place = `${result.ownerName} ${family} ${formatAddresses(before)}`;
  return changed ? `UPDATED: ${place} -> ${formatAddresses(after)}\n` : `UNCHANGED: ${place}\n`;
}

function formatAddresses(addresses: readonly string[]): string {
  return addresses.length === 0 ? 'None' : addresses.join(',');
}

/** What a client wrote into the wrong place may be its secret: a name is logged once it is known to lie in a zone. */
const IN_NO_ZONE = 'The name in the request lies in no zone of this server.';

/**
 * The name to change and its zone, from `fqdn`, or from `zone_name` and `record_name`.
 * @throws AppError name-invalid; not-permitted, in the same words as for a name in no zone
 */
function findOwner(
  parameters: NameParameters,
  principal: Principal,
  { zones }: Pick<Services, 'zones'>,
): PermittedHost {
  const { fqdn, zone_name: zoneName, record_name: recordName } = parameters;
  if (fqdn && (zoneName || recordName)) {
    throw new AppError('name-invalid', 'Specify "fqdn" or "zone_name" and "record_name".');
  }
  if (fqdn) {
    const ownerName = parseName(fqdn);
    const families = permittedFamilies(principal, ownerName);
    if (families.length === 0) throw unknownName(ownerName);
    const zone = zones.find(ownerName);
    if (zone !== undefined) return { ownerName, zone, families };
    throw new AppError('name-invalid', unknownName(ownerName).message, { logText: IN_NO_ZONE });
  }
  // An empty record name means the zone's own name; a missing one means that the form was not used at all.
  if (!zoneName || recordName === undefined) throw new AppError('name-invalid', 'Value "fqdn" is required.');
  const apex = parseName(zoneName);
  const isApex = recordName === '' || recordName === '@';
  const zone = zones.findByApex(apex);
  const unknown = () => new AppError('name-invalid', `Unknown zone "${oneLine(zoneName)}".`, { logText: IN_NO_ZONE });
  if (zone === undefined) throw unknown();
  const ownerName = isApex ? zone.apex : parseName(`${recordName}.${zone.apex}`);
  const families = permittedFamilies(principal, ownerName);
  if (families.length === 0) throw unknown();
  // A zone of its own may begin below this one.
  return { ownerName, zone: isApex ? zone : (zones.find(ownerName) ?? zone), families };
}

function parseName(text: string): DomainName {
  try {
    return parseHostName(text);
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    throw new AppError('name-invalid', error.message, { logText: `The request has an invalid name (${error.code}).` });
  }
}

function parseTtl(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\s*[+-]?\d{1,15}\s*$/.test(text)) return Number(text);
  throw new AppError(
    'request-malformed',
    `int_parsing: Input should be a valid integer, unable to parse string as an integer (${oneLine(text)}).`,
    { logText: 'int_parsing: the TTL is not an integer.' },
  );
}

/** The wanted addresses by family. With no address at all, the client's own. @throws AppError address-invalid */
function parseAddresses(
  parameters: UpdateParameters,
  zone: Zone,
  clientAddress: IpAddress | undefined,
): WantedAddresses {
  const wanted: { A?: IpAddress | null; AAAA?: IpAddress | null } = {};
  const set = (address: IpAddress) => {
    const family = familyOf(address);
    const taken = wanted[family];
    if (taken !== undefined) {
      const text = `The attribute "ipv${address.family}" is already set and has the value "${taken === null ? taken : taken.text}".`;
      throw new AppError('address-invalid', text);
    }
    wanted[family] = address;
  };
  let named = false;
  for (const text of parameters.ips) {
    if (!text) continue;
    set(parseAddress(text));
    named = true;
  }
  for (const [text, version, family] of [
    [parameters.ipv4, 4, 'A'],
    [parameters.ipv6, 6, 'AAAA'],
  ] as const) {
    if (text === undefined) continue;
    named = true;
    if (text === '') {
      if (zone.emptyValue === 'clear') wanted[family] ??= null;
      continue;
    }
    const address = parseAddress(text);
    if (address.family !== version) throw new AppError('address-invalid', `IP version "${version}" does not match.`);
    set(address);
  }
  if (!named && clientAddress !== undefined) set(clientAddress);
  if (Object.keys(wanted).length === 0) throw new AppError('address-invalid', 'No ip address set.');
  return wanted;
}

function parseAddress(text: string): IpAddress {
  const address = parseIpAddress(text.trim());
  if (address !== undefined) return unmapAddress(address);
  throw new AppError('address-invalid', `Invalid IP address '${oneLine(text)}'.`, {
    logText: 'The request has an invalid IP address.',
  });
}

// --- delete -----------------------------------------------------------------

async function deleteByPath(request: DoorRequest, services: Services): Promise<DoorReply> {
  const context = await authenticate(request, services, request.path['secret']);
  return deleteAddresses(request.path['fqdn'], context, services);
}

/** Removes A and AAAA of a name. @throws AppError */
export async function deleteAddresses(
  fqdn: string | undefined,
  context: RequestContext,
  services: Pick<Services, 'zones' | 'updates'>,
): Promise<DoorReply> {
  const host = findOwner({ fqdn }, context.principal, services);
  const choose = () => ({ wanted: { A: null, AAAA: null } });
  const { changed } = await services.updates.run({ ...host, fallbackTtl: DEFAULT_TTL, choose }, context);
  return changeReply(changed, deleteLine(host.ownerName, changed));
}

function deleteLine(ownerName: DomainName, changed: boolean): string {
  return changed
    ? `UPDATED: The A and AAAA records of the domain name '${ownerName}' were deleted.\n`
    : `UNCHANGED: The deletion of the domain name '${ownerName}' was not executed because there were no A or AAAA records.\n`;
}

// --- check ------------------------------------------------------------------

async function check(request: DoorRequest, services: Services): Promise<DoorReply> {
  if (!services.checkIsOpen) await authenticate(request, services, request.parameters['secret']);
  const results = await services.checks.run(services.zones.all);
  const body = results.map(checkLine).join('\n');
  const passed = results.every((result) => result.kind === 'passed');
  if (passed) return info(body, 'check passed');
  return { status: ORIGINAL_ERRORS['check-failed'][0], body, outcome: 'failed', detail: body.trimEnd() };
}

/** One line for a zone, with the level of what went wrong. */
export function checkLine(result: ZoneCheck): string {
  if (result.kind === 'failed') {
    const [, level] = ORIGINAL_ERRORS[result.error.code];
    return `${level}: The update check failed for the zone '${result.zone}': ${result.error.message}\n`;
  }
  const { zone, ownerName, text } = result;
  return `INFO: The update check passed: A TXT record '${ownerName}' with the content '${text}' could be updated on the zone '${zone}'.\n`;
}

// ----------------------------------------------------------------------------

/**
 * The credential comes before anything is said of names: nobody without it learns which zones exist.
 * @throws AppError not-authenticated, also where there is none; rate-limited
 */
async function authenticate(
  request: DoorRequest,
  services: Services,
  parameter: string | undefined,
): Promise<RequestContext> {
  const { headers, clientAddress: caller } = request;
  const isMissing = headers.authorization === undefined && findCredential(headers, parameter) === undefined;
  if (isMissing) throw new AppError('not-authenticated', 'missing: Field required (secret).');
  const principal = await authenticateRequest(request, services, parameter);
  return { principal, caller, protocol: 'original', userAgent: headers['user-agent'] ?? '', origin: 'client' };
}

function changeReply(changed: boolean, body: string): DoorReply {
  return { status: 200, body, outcome: changed ? 'updated' : 'unchanged', detail: body.trimEnd() };
}

function info(body: string, detail: string): DoorReply {
  return { status: 200, body, outcome: 'info', detail };
}

/** What a client sent, short enough and without control characters, so that an error stays one line. */
function oneLine(text: string | undefined): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  return (text ?? '').replace(/[\x00-\x1f\x7f]/g, '?').slice(0, 200);
}
