/**
 * The lines of the original `dyndns`, version 2: `UPDATED: …`, `UNCHANGED: …` and `LEVEL: text` for an error. Users'
 * scripts compare them, so every word is contract. The HTTP API, the control socket and the command line print them.
 */
import type { DomainName } from '../../dns/name.ts';
import type { AppError, ErrorCode } from '../errors.ts';
import type { ZoneCheck } from '../zones/check-zones.ts';
import { FAMILIES, type Family } from '../zones/family.ts';
import type { AddressUpdate } from './update-addresses.ts';

/** Status (HTTP only) and level of each error: the original's own, which its clients test for. */
export const ORIGINAL_ERRORS = {
  'request-malformed': [456, 'PARAMETER_ERROR'],
  'body-malformed': [400, 'PARAMETER_ERROR'],
  'cross-site': [403, 'PARAMETER_ERROR'],
  'name-invalid': [453, 'DNS_NAME_ERROR'],
  'address-invalid': [454, 'IP_ADDRESS_ERROR'],
  'not-authenticated': [456, 'PARAMETER_ERROR'],
  'too-many-guesses': [503, 'ERROR'],
  'not-permitted': [453, 'DNS_NAME_ERROR'],
  'quota-exceeded': [453, 'DNS_NAME_ERROR'],
  'host-disabled': [452, 'ERROR'],
  'address-refused': [454, 'IP_ADDRESS_ERROR'],
  'rate-limited': [503, 'ERROR'],
  'caller-unknown': [503, 'ERROR'],
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

/** `LEVEL: text`, for any error. */
export function errorLine(error: AppError, requestId: string): string {
  return `${ORIGINAL_ERRORS[error.code][1]}: ${errorText(error, requestId)}\n`;
}

/** The text of an error for its user. An internal error shows only the request id, which finds its cause in the log. */
export function errorText({ code, message }: AppError, requestId: string): string {
  return code === 'internal'
    ? `An internal error happened. Please report it with the request id ${requestId}.`
    : message;
}

/** `UPDATED: home.example.com. A 192.0.2.1 -> 192.0.2.2` or `UNCHANGED: home.example.com. AAAA None`, by family. */
export function updateLines(result: AddressUpdate): string {
  return FAMILIES.map((family) => updateLine(result, family)).join('');
}

function updateLine(result: AddressUpdate, family: Family): string {
  const { before, after, changed } = result[family];
  const oldState = `${result.ownerName} ${family} ${formatAddresses(before)}`;
  return changed ? `UPDATED: ${oldState} -> ${formatAddresses(after)}\n` : `UNCHANGED: ${oldState}\n`;
}

function formatAddresses(addresses: readonly string[]): string {
  return addresses.length === 0 ? 'None' : addresses.join(',');
}

export function deletionLine(ownerName: DomainName, changed: boolean): string {
  return changed
    ? `UPDATED: The A and AAAA records of the domain name '${ownerName}' were deleted.\n`
    : `UNCHANGED: The deletion of the domain name '${ownerName}' was not executed because there were no A or AAAA records.\n`;
}

/** The line of one zone's update check; a failure has the level of its cause. */
export function checkLine(result: ZoneCheck): string {
  if (result.kind === 'failed') {
    const [, level] = ORIGINAL_ERRORS[result.error.code];
    return `${level}: The update check failed for the zone '${result.zone}': ${result.error.message}\n`;
  }
  const { zone, ownerName, text } = result;
  return `INFO: The update check passed: A TXT record '${ownerName}' with the content '${text}' could be updated on the zone '${zone}'.\n`;
}
