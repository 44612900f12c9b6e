/**
 * The names of a zone that are the operator's own: the apex, and the owner names of static records. A client that can write
 * the ACME challenge of such a name gets a certificate for it (RFC 8555 §8.4), among them that of this server. A pattern like
 * `*.example.com`, which is meant for hosts, is therefore not enough: the scope must have the name itself, or its challenge.
 */
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { Zone } from '../zones/zone.ts';
import { challengeSubject } from './acme-challenge.ts';
import type { NameScope } from './name-scope.ts';

type OwnNames = Pick<Zone, 'apex' | 'staticNames'>;

/** Records that answer for the challenge in place of a TXT record there: by a wildcard, an alias or a delegation. */
const FROM_WILDCARD: ReadonlySet<number> = new Set([RRType.TXT, RRType.CNAME, RRType.NS, RRType.DNAME]);
const FROM_SUBJECT: ReadonlySet<number> = new Set([RRType.NS, RRType.DNAME]);

function isOwn({ apex, staticNames }: OwnNames, ownerName: DomainName): boolean {
  return ownerName.equals(apex) || staticNames?.has(ownerName.key) === true;
}

/** May this scope, which covers the name, write TXT records at it? */
export function scopeNamesText(scope: NameScope, zone: OwnNames, ownerName: DomainName): boolean {
  const subject = challengeSubject(ownerName);
  return subject === undefined || !isOwn(zone, subject) || names(scope, subject, ownerName);
}

/**
 * The same for an edit of any type, which may put other records in the place of the challenge.
 * @param types of the RRs that change
 */
export function scopeNamesEdit(
  scope: NameScope,
  zone: OwnNames,
  ownerName: DomainName,
  types: readonly number[],
): boolean {
  if (!scopeNamesText(scope, zone, ownerName)) return false;
  const hides = ownerName.isWildcard ? FROM_WILDCARD : FROM_SUBJECT;
  if (!types.some((type) => hides.has(type))) return true;
  const subject = ownerName.isWildcard ? ownerName.parent()! : ownerName;
  return !isOwn(zone, subject) || names(scope, subject);
}

/**
 * May this scope, which covers the name, write records of a type that says where a service is, or who may vouch for it (MX, SRV,
 * HTTPS, TLSA …)? At the names of the operator, and at names like `_25._tcp.` of them, a pattern is not enough either.
 */
export function scopeNamesService(scope: NameScope, zone: OwnNames, ownerName: DomainName): boolean {
  const subject = serviceSubject(ownerName);
  return !isOwn(zone, subject) || scope.some((host) => host.equals(ownerName) || host.equals(subject));
}

/** The name behind the labels that begin with `_` (RFC 8552). */
export function serviceSubject(ownerName: DomainName): DomainName {
  let subject = ownerName;
  while (subject.octets[1] === UNDERSCORE) subject = subject.parent()!;
  return subject;
}

const UNDERSCORE = 0x5f;

/** Has the scope the subject, or a name of its challenge, literally? */
function names(scope: NameScope, subject: DomainName, challenge?: DomainName): boolean {
  return scope.some(
    (host) =>
      host.equals(subject) ||
      (challenge === undefined ? challengeSubject(host)?.equals(subject) : host.equals(challenge)),
  );
}
