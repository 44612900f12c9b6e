/** What an edit of a token or a member must comply with, beside its scope: the rules of the zone and the settings of the host. */
import type { DomainName } from '../../dns/name.ts';
import { formatRRType, RRType } from '../../dns/rdata.ts';
import type { RRset } from '../../dns/rrset.ts';
import { challengeSubject } from '../access/acme-challenge.ts';
import type { NameScope } from '../access/name-scope.ts';
import type { RequestContext } from '../access/request-context.ts';
import { scopeNamesService, serviceSubject } from '../access/zone-owner-names.ts';
import { AppError } from '../errors.ts';
import type { HostSettings } from '../hosts/host.ts';
import { challengeRefusal } from '../updates/edit-rules.ts';
import { checkRules } from '../updates/prepare-update.ts';
import { addressOf } from '../zones/family.ts';
import { chooseTtl, ownerNameRefusal, placeRefusal, type Zone } from '../zones/zone.ts';
import { isAddressType, type RecordScope } from './record-scope.ts';

/** Checks that a client may edit records of the type at the name. @throws AppError not-permitted, name-invalid */
export function checkPlace(zone: Zone, scope: RecordScope, ownerName: DomainName, type: number): void {
  const { hosts, isClient } = scope;
  if (!scope.mayChange(ownerName, type)) throw notPermitted(scope, ownerName, type);
  const why =
    hosts && (challengeRefusal(zone, hosts, ownerName, [type]) ?? serviceRefusal(zone, hosts, ownerName, type));
  if (why !== undefined) throw notPermitted(scope, ownerName, type, why);
  if (!isClient) return;
  const refusal = nameRefusal(ownerName) ?? refusalAt(zone, ownerName, type);
  if (refusal !== undefined) throw new AppError('name-invalid', refusal);
}

/** For a name that the scope does not cover, and for one that does not exist, alike. */
function notPermitted({ who }: RecordScope, ownerName: DomainName, type: number, why = ''): AppError {
  const what = `RRset ${ownerName} IN ${formatRRType(type)}`;
  return new AppError('not-permitted', `${what}: This key may not change it${why}.`, {
    logText: `${what} is not in the scope of ${who}${why}.`,
    refusedName: ownerName,
  });
}

function serviceRefusal(zone: Zone, hosts: NameScope, ownerName: DomainName, type: number): string | undefined {
  if (isAddressType(type) || type === RRType.TXT || scopeNamesService(hosts, zone, ownerName)) return undefined;
  return " by a pattern: the name is the zone's own or has static records";
}

function refusalAt(zone: Zone, ownerName: DomainName, type: number): string | undefined {
  if (isAddressType(type)) return ownerNameRefusal(zone, ownerName);
  const isText = type === RRType.TXT;
  const subject = isText ? (challengeSubject(ownerName) ?? ownerName) : serviceSubject(ownerName);
  if (zone.reserved.has(subject.key)) return `The name '${subject}' is reserved.`;
  return placeRefusal(zone, ownerName);
}

/** Letters, digits and the signs of host names, services and reverse zones (RFC 2317). */
const LABEL = /^[a-z0-9_/-]+$/i;

function nameRefusal(ownerName: DomainName): string | undefined {
  const labels = ownerName.labels().map((label) => Buffer.from(label).toString('latin1'));
  if (labels.every((label, at) => LABEL.test(label) || (at === 0 && label === '*'))) return undefined;
  return `Name '${ownerName}' contains unsupported characters; write an internationalized name in ASCII (xn--).`;
}

/**
 * Checks the TTL and the addresses of an RRset.
 * @throws AppError request-malformed, address-refused, caller-unknown
 */
export function checkContent(
  zone: Zone,
  { ownerName, type, ttl, rdatas }: RRset,
  settings: HostSettings | undefined,
  { principal, caller }: Pick<RequestContext, 'principal' | 'caller'>,
): void {
  // A challenge is short-lived, whatever the TTLs of hosts are.
  if (type !== RRType.TXT) chooseTtlAt(zone, ownerName, ttl);
  const token = principal.kind === 'token' ? principal.token : undefined;
  const policies = settings === undefined ? [zone.addresses] : [zone.addresses, settings.addresses];
  for (const rdata of rdatas) {
    if ('address' in rdata) checkRules({ token, caller, policies }, addressOf(rdata.kind, rdata.address));
  }
}

function chooseTtlAt(zone: Zone, ownerName: DomainName, ttl: number): void {
  try {
    chooseTtl(zone, ttl, 0);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, `${error.message} ('${ownerName}')`);
  }
}
