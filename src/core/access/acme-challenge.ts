/** The DNS-01 challenge of ACME (RFC 8555 §8.4): what its owner name proves, and the text of its TXT record. */
import { hash } from 'node:crypto';
import { CHALLENGE_LABEL, challengeName } from '../../dns/challenge-name.ts';
import type { DomainName } from '../../dns/name.ts';

/** The key of every challenge name begins with the label in wire form. */
const KEY_PREFIX = `${String.fromCharCode(CHALLENGE_LABEL.length)}${CHALLENGE_LABEL}`;

/** The name that a challenge at `_acme-challenge.name` proves control of; undefined for another owner name. */
export function challengeSubject(ownerName: DomainName): DomainName | undefined {
  return ownerName.key.startsWith(KEY_PREFIX) ? ownerName.parent() : undefined;
}

/** Like challengeName, but a challenge name is returned as it is. @throws NameError */
export function toChallengeName(name: DomainName): DomainName {
  return challengeSubject(name) === undefined ? challengeName(name) : name;
}

/** The text for a key authorization: its SHA-256 in base64url without padding, 43 characters. */
export function challengeText(keyAuthorization: string): string {
  return hash('sha256', keyAuthorization, 'base64url');
}

export function isChallengeText(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text);
}
