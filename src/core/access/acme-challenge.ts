/** The text of the TXT record for ACME's DNS-01 challenge (RFC 8555 §8.4). Its owner name: dns/challenge-name.ts. */
import { hash } from 'node:crypto';

/** The text of a key authorization: its SHA-256 in base64url without padding, 43 characters. */
export function challengeText(keyAuthorization: string): string {
  return hash('sha256', keyAuthorization, 'base64url');
}

/** Whether a text can be that of a challenge. */
export function isChallengeText(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text);
}
