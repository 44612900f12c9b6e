/**
 * The parameters of the original API: the name as `fqdn` or as `zone_name` and `record_name`, addresses as `ip_1`, `ip_2`,
 * `ipv4` and `ipv6`, and `ttl`. The error texts are those of the original.
 *
 * A client may send its secret in the wrong parameter, so a log text repeats nothing that has not been checked.
 */

import { type PermittedHost, permittedFamilies, unknownName } from '../../core/access/authorize.ts';
import type { Principal } from '../../core/access/principal.ts';
import { requireCaller } from '../../core/access/require-caller.ts';
import { AppError } from '../../core/errors.ts';
import { familyOf } from '../../core/zones/family.ts';
import type { WantedAddresses } from '../../core/zones/plan-change.ts';
import type { Zone } from '../../core/zones/zone.ts';
import { type IpAddress, parseIpAddress, unmapAddress } from '../../dns/address.ts';
import { parseHostName } from '../../dns/host-name.ts';
import { type DomainName, NameError } from '../../dns/name.ts';
import type { Services } from './door.ts';
import { DRY_RUN } from './dry-run.ts';
import { PARAMETERS } from './update-parameters.ts';

export interface NameParameters {
  readonly fqdn?: string | undefined;
  readonly zone_name?: string | undefined;
  readonly record_name?: string | undefined;
}

/** An unchecked update request. Empty texts of names and `ips` are absent. */
export interface UpdateParameters extends NameParameters {
  /** `ip_1` and `ip_2`, in this order. */
  readonly ips: readonly (string | undefined)[];
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  readonly ttl?: string | undefined;
  readonly dry_run?: string | undefined;
  readonly wait?: string | undefined;
}

const QUERY_PARAMETERS: ReadonlySet<string> = new Set([
  ...PARAMETERS.credential,
  'fqdn',
  'zone_name',
  'record_name',
  'ip_1',
  'ip_2',
  'ipv4',
  'ipv6',
  'ttl',
  DRY_RUN,
  'wait',
]);

/** @throws AppError request-malformed for a parameter that the original does not have */
export function checkParameterNames(parameters: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(parameters)) {
    if (QUERY_PARAMETERS.has(name)) continue;
    throw new AppError('request-malformed', `extra_forbidden: Extra inputs are not permitted (${oneLine(value)}).`, {
      logText: 'extra_forbidden: Extra inputs are not permitted.',
    });
  }
}

const IN_NO_ZONE = 'The name in the request lies in no zone of this server.';

/**
 * The name to change and its zone.
 * @throws AppError name-invalid; not-permitted with the same text as for a name in no zone
 */
export function findOwner(
  { fqdn, zone_name: zoneName, record_name: recordName }: NameParameters,
  principal: Principal,
  { zones }: Pick<Services, 'zones'>,
): PermittedHost {
  if (fqdn && zoneName && recordName) {
    throw new AppError('name-invalid', 'Specify "fqdn" or "zone_name" and "record_name".');
  }
  if (fqdn) {
    const ownerName = parseName(fqdn);
    const families = permittedFamilies(principal, ownerName);
    const zone = zones.find(ownerName);
    if (families.length === 0) throw unknownName(ownerName, principal, zone);
    if (zone !== undefined) return { ownerName, zone, families };
    throw new AppError('name-invalid', unknownName(ownerName, principal, zone).message, { logText: IN_NO_ZONE });
  }
  // An empty record name means the zone's apex; a missing one means that this form was not used at all.
  if (!zoneName || recordName === undefined) throw new AppError('name-invalid', 'Value "fqdn" is required.');
  // The whole name is read before the zone is looked for: a token does not learn by an invalid name which zones exist.
  const apex = parseName(zoneName);
  const ownerName = joinNames(recordName, withoutFinalDot(zoneName), apex);
  const families = permittedFamilies(principal, ownerName);
  const zone = families.length === 0 ? undefined : zones.findByApex(apex);
  if (zone === undefined) {
    throw new AppError('name-invalid', `Unknown zone "${oneLine(zoneName)}".`, { logText: IN_NO_ZONE });
  }
  // The name may lie in a zone of ours below this one.
  return { ownerName, zone: ownerName.equals(apex) ? zone : (zones.find(ownerName) ?? zone), families };
}

/** The record name in front of the zone's, or alone where it is the whole name already. @throws AppError name-invalid */
function joinNames(recordName: string, zoneName: string, apex: DomainName): DomainName {
  const text = withoutFinalDot(recordName);
  if (text === '' || text === '@') return apex;
  try {
    const whole = parseHostName(text);
    if (whole.isAtOrBelow(apex)) return whole;
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    // Also a label like `777` is not a name by itself.
  }
  return parseName(`${text}.${zoneName}`);
}

function withoutFinalDot(text: string): string {
  return text.endsWith('.') ? text.slice(0, -1) : text;
}

function parseName(text: string): DomainName {
  try {
    return parseHostName(text);
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    throw new AppError('name-invalid', error.message, { logText: `The request has an invalid name (${error.code}).` });
  }
}

/**
 * Seconds; undefined where the request has none. The texts of a number are those of the original (pydantic): a sign, single
 * underscores between digits, zeros behind a decimal point, white space around.
 * @throws AppError request-malformed
 */
export function parseTtl(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const digits = wholeNumber(text.trim());
  if (digits !== undefined && digits.length <= 15) return Number(digits);
  if (digits !== undefined) {
    const shortText = digits.length > 20 ? `${digits.slice(0, 20)}…` : digits;
    throw new AppError('request-malformed', `The TTL ${shortText} is not between 0 and 2147483647.`);
  }
  throw new AppError(
    'request-malformed',
    `int_parsing: Input should be a valid integer, unable to parse string as an integer (${oneLine(text)}).`,
    { logText: 'int_parsing: the TTL is not an integer.' },
  );
}

/** Whether the reply waits for the secondaries of the zone. @throws AppError request-malformed */
export function parseWait(text: string | undefined): boolean {
  if (text === undefined || text === '') return false;
  if (text === 'secondaries') return true;
  throw new AppError('request-malformed', `literal_error: "wait" must be "secondaries", not "${oneLine(text)}".`, {
    logText: 'literal_error: "wait" must be "secondaries".',
  });
}

/** The sign and the digits of a number, without leading zeros; undefined for another text. */
function wholeNumber(text: string): string | undefined {
  const point = text.indexOf('.');
  if (point >= 0 && !/^0*$/.test(text.slice(point + 1))) return undefined;
  const whole = point < 0 ? text : text.slice(0, point);
  if (!/^[+-]?\d[\d_]*$/.test(whole) || whole.endsWith('_') || whole.includes('__')) return undefined;
  return whole.replaceAll('_', '').replace(/^([+-]?)0+(?=\d)/, '$1');
}

/**
 * The wanted addresses by family; the caller's own if the request has none. `ipv4` and `ipv6` are read first, as in the
 * original, so that its error about two addresses names the same one. An empty parameter is absent, unless the zone says
 * that an empty family is removed.
 * @throws AppError address-invalid, caller-unknown
 */
export function parseAddresses(
  parameters: UpdateParameters,
  zone: Zone,
  caller: IpAddress | undefined,
): WantedAddresses {
  const wanted: { A?: IpAddress[]; AAAA?: IpAddress[] } = {};
  const set = (address: IpAddress) => {
    const family = familyOf(address);
    const [previous] = wanted[family] ?? [];
    if (previous !== undefined) {
      const text = `The attribute "ipv${address.family}" is already set and has the value "${previous.text}".`;
      throw new AppError('address-invalid', text);
    }
    wanted[family] = [address];
  };
  for (const [text, version] of [
    [parameters.ipv4, 4],
    [parameters.ipv6, 6],
  ] as const) {
    if (!text) continue;
    const address = parseAddress(text);
    if (address.family !== version) throw new AppError('address-invalid', `IP version "${version}" does not match.`);
    set(address);
  }
  for (const text of parameters.ips) if (text) set(parseAddress(text));
  if (zone.emptyValue === 'clear') {
    if (parameters.ipv4 === '') wanted.A ??= [];
    if (parameters.ipv6 === '') wanted.AAAA ??= [];
  }
  if (wanted.A !== undefined || wanted.AAAA !== undefined) return wanted;
  const address = requireCaller(caller);
  return { [familyOf(address)]: [address] };
}

function parseAddress(text: string): IpAddress {
  const address = parseIpAddress(text.trim());
  if (address !== undefined) return unmapAddress(address);
  throw new AppError('address-invalid', `Invalid IP address '${oneLine(text)}'.`, {
    logText: 'The request has an invalid IP address.',
  });
}

/** A client's text, shortened and without control characters, so that an error stays one line. */
function oneLine(text: string | undefined): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  return (text ?? '').slice(0, 200).replace(/[\x00-\x1f\x7f]/g, '?');
}
