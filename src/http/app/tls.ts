/** Certificate and private key of HTTPS: the files of `http.tls`, or the pair that the server obtained by ACME; session tickets. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { HttpConfig } from '../../config/config.ts';
import { errorText } from '../../core/errors.ts';
import { TICKET_KEY_MS } from '../../core/ticket-keys.ts';
import { ListenError } from './listen.ts';

/** PEM. */
export interface TlsPair {
  readonly key: string;
  /** The server's own certificate first. */
  readonly chain: string;
}

/** A certificate as clients see it. */
export interface ServedCertificate {
  /** The names of its subjectAltName. */
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly endMs: number;
}

/** The options of Node, in PEM: one certificate, or one for each type of key. */
export interface TlsOptions {
  readonly cert: Buffer | string[];
  readonly key: Buffer | string[];
}

/**
 * The options of Node for session tickets. All listeners take one another's tickets: a session says nothing of who the client is.
 * They have to be given with each new certificate, or Node makes a key of its own.
 * @param ticketKeys TICKET_KEY_OCTETS octets
 */
export function ticketOptions(ticketKeys: Buffer) {
  return { ticketKeys, sessionIdContext: 'dyndns', sessionTimeout: TICKET_KEY_MS / 1000 };
}

export function optionsOfPairs(pairs: readonly TlsPair[]): TlsOptions {
  return { cert: pairs.map(({ chain }) => chain), key: pairs.map(({ key }) => key) };
}

/** @throws ListenError where the files cannot be used */
export function readTlsFiles({ tls }: HttpConfig): TlsOptions {
  if (tls === undefined) throw new ListenError("An https:// entry of 'http.listen' needs 'http.tls'.");
  const read = (option: string, path: string) => {
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new ListenError(`http.tls.${option}: the file '${path}' cannot be read.`, { cause });
    }
  };
  const files = { cert: read('certificate', tls.certificate), key: read('key', tls.key) };
  try {
    createSecureContext(files);
  } catch (cause) {
    const reason = errorText(cause);
    const text = `http.tls: '${tls.certificate}' and '${tls.key}' are not a PEM certificate and its private key`;
    throw new ListenError(`${text} (${reason}).`, { cause });
  }
  return files;
}

/** Of several certificates, the end is that of the first one to expire. */
export function describeCertificate({ cert }: TlsOptions): ServedCertificate {
  const certificates = (Array.isArray(cert) ? cert : [cert]).map((chain) => new X509Certificate(chain));
  const { subjectAltName = '' } = certificates[0]!;
  const endMs = Math.min(...certificates.map(({ validTo }) => Date.parse(validTo)));
  return { names: subjectAltName.split(', ').map((name) => name.replace(/^\w+:/, '')), endMs };
}
