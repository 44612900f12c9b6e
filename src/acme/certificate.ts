/**
 * A certificate with its key, and the time of its renewal. On disk it is one PEM file (RFC 7468), so that key and
 * certificate are replaced together. A line of explanatory text (RFC 7468 §2) before the key names the ACME directory.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';

/** `ec`: P-256; `rsa`: 2048 bits. */
export type KeyType = 'ec' | 'rsa';

export interface OwnCertificate {
  /** Undefined: of a type that is never ordered. */
  readonly keyType: KeyType | undefined;
  /** PEM. */
  readonly key: string;
  /** PEM, the server's certificate first. */
  readonly chain: string;
  /** Host names in lower case, without a final dot. */
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** URL of the ACME directory of the authority that issued it. */
  readonly directory: string;
}

/** What the configuration requests. */
export interface RequestedCertificate {
  /** Host names in lower case, without a final dot. */
  readonly names: readonly string[];
  readonly directory: string;
  /** One certificate for each; at least one, no duplicates. */
  readonly keyTypes: readonly KeyType[];
}

const DIRECTORY_LINE = /^Directory: (\S+)$/m;
const KEY = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/;
const CHAIN = /(-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\s*)+/;

/** @throws Error if this is not a certificate with its key; the message repeats nothing of either */
export function makeCertificate(key: string, chain: string, directory: string): OwnCertificate {
  const certificate = new X509Certificate(chain);
  const privateKey = createPrivateKey(key);
  if (!certificate.checkPrivateKey(privateKey)) throw new Error('The key does not belong to the certificate.');
  const names = (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice('DNS:'.length).toLowerCase());
  const notBeforeMs = Date.parse(certificate.validFrom);
  const notAfterMs = Date.parse(certificate.validTo);
  if (Number.isNaN(notBeforeMs + notAfterMs)) throw new Error('The dates of the certificate are not valid.');
  const { asymmetricKeyType: type } = privateKey;
  const keyType = type === 'ec' || type === 'rsa' ? type : undefined;
  return { keyType, key, chain, names, notBeforeMs, notAfterMs, directory };
}

export function formatCertificate({ key, chain, directory }: OwnCertificate): string {
  return `Directory: ${directory}\n${key.trimEnd()}\n${chain.trimEnd()}\n`;
}

/** @throws Error like `makeCertificate` */
export function parseCertificate(text: string): OwnCertificate {
  const directory = DIRECTORY_LINE.exec(text)?.[1];
  const key = KEY.exec(text)?.[0];
  const chain = CHAIN.exec(text)?.[0];
  if (directory === undefined || key === undefined || chain === undefined)
    throw new Error('The directory, the key or the certificate is missing.');
  return makeCertificate(key, chain, directory);
}

/** When to renew: with a third of the lifetime left (30 days of 90), or at once if it is not what was requested. */
export function renewalMs(
  certificate: OwnCertificate,
  { names, directory }: Pick<RequestedCertificate, 'names' | 'directory'>,
): number {
  const { notBeforeMs, notAfterMs } = certificate;
  const isRequested = certificate.directory === directory && names.every((name) => certificate.names.includes(name));
  return isRequested ? notAfterMs - (notAfterMs - notBeforeMs) / 3 : Number.NEGATIVE_INFINITY;
}

const MINUTE_MS = 60_000;
const LAST_RETRY_MS = 6 * 60 * MINUTE_MS;

/**
 * The backoff after this number of failures in a row: 1 minute, 3, 9, … 6 hours. That makes five attempts in the first
 * hour, the number of failures that Let's Encrypt allows for one name.
 */
export function retryDelayMs(failures: number): number {
  return Math.min(MINUTE_MS * 3 ** Math.min(failures - 1, 20), LAST_RETRY_MS);
}
