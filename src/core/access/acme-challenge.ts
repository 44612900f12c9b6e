/** What a DNS-01 challenge of ACME is made of (RFC 8555 §8.4): the name and the text of its TXT record. */
import { hash } from 'node:crypto';
import type { DomainName } from '../../dns/name.ts';

/** Where the challenge for a name is looked for. A wildcard's is that of the name above it. */
export function challengeName(identifier: DomainName): DomainName {
  const subject = identifier.isWildcard ? (identifier.parent() as DomainName) : identifier;
  return subject.prepend('_acme-challenge');
}

/** The text of a key authorization: its SHA-256 in base64url without padding, 43 characters. */
export function challengeText(keyAuthorization: string): string {
  return hash('sha256', keyAuthorization, 'base64url');
}

/** Whether a text can be that of a challenge. */
export function isChallengeText(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text);
}
