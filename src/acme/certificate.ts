/**
 * A certificate with its key, and when a new one is due. On disk it is one PEM file (RFC 7468), so that key and
 * certificate are replaced together; a line of explanatory text (§2) before the key says which authority it comes from.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';

export interface OwnCertificate {
  /** PEM. */
  readonly key: string;
  /** PEM, that of the server first. */
  readonly chain: string;
  /** Host names in lower case, without a final dot. */
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** URL of the ACME directory of the authority that issued it. */
  readonly directory: string;
}

/** What a certificate is wanted for. */
export interface RequestedCertificate {
  /** Host names in lower case, without a final dot. */
  readonly names: readonly string[];
  readonly directory: string;
}

const DIRECTORY_LINE = /^Directory: (\S+)$/m;
const KEY = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/;
const CHAIN = /(-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\s*)+/;

/** @throws Error where the texts are no certificate and its key; the text of the error holds nothing of them */
export function makeCertificate(key: string, chain: string, directory: string): OwnCertificate {
  const certificate = new X509Certificate(chain);
  if (!certificate.checkPrivateKey(createPrivateKey(key))) throw new Error('the key is not that of the certificate');
  const names = (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice('DNS:'.length).toLowerCase());
  const notBeforeMs = Date.parse(certificate.validFrom);
  const notAfterMs = Date.parse(certificate.validTo);
  if (Number.isNaN(notBeforeMs + notAfterMs)) throw new Error('its dates cannot be read');
  return { key, chain, names, notBeforeMs, notAfterMs, directory };
}

export function formatCertificate({ key, chain, directory }: OwnCertificate): string {
  return `Directory: ${directory}\n${key.trimEnd()}\n${chain.trimEnd()}\n`;
}

/** @throws Error like `makeCertificate` */
export function parseCertificate(text: string): OwnCertificate {
  const directory = DIRECTORY_LINE.exec(text)?.[1];
  const key = KEY.exec(text)?.[0];
  const chain = CHAIN.exec(text)?.[0];
  if (directory === undefined || key === undefined || chain === undefined) throw new Error('a part of it is missing');
  return makeCertificate(key, chain, directory);
}

/** When the next one is to be asked for: with a third of its life left (30 days of 90), or at once if it is not the one wanted. */
export function renewalMs(certificate: OwnCertificate, { names, directory }: RequestedCertificate): number {
  const { notBeforeMs, notAfterMs } = certificate;
  const isWanted = certificate.directory === directory && names.every((name) => certificate.names.includes(name));
  return isWanted ? notAfterMs - (notAfterMs - notBeforeMs) / 3 : Number.NEGATIVE_INFINITY;
}

const MINUTE_MS = 60_000;
const LAST_RETRY_MS = 6 * 60 * MINUTE_MS;

/**
 * How long to wait after so many failures in a row: 1 minute, 3, 9 … 6 hours. These are five attempts in the first
 * hour, as many failures as Let's Encrypt allows for one name.
 */
export function retryDelayMs(failures: number): number {
  return Math.min(MINUTE_MS * 3 ** Math.min(failures - 1, 20), LAST_RETRY_MS);
}
