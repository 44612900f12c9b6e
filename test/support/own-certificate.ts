/** Makes self-signed certificates with any dates, and connects as a TLS client. */
import { webcrypto, type X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';

export interface MadeCertificate {
  /** PEM. */
  readonly key: string;
  readonly chain: string;
}

/**
 * Makes a certificate for these names.
 * @param ageDays days since it became valid
 * @param leftDays days until it expires
 */
export async function makeCertificateOf(
  names: readonly string[],
  ageDays: number,
  leftDays: number,
  keyType: 'ec' | 'rsa' = 'ec',
): Promise<MadeCertificate> {
  const algorithm =
    keyType === 'ec'
      ? { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
      : { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const dayMs = 86_400_000;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=made by a test',
    notBefore: new Date(Date.now() - ageDays * dayMs),
    notAfter: new Date(Date.now() + leftDays * dayMs),
    keys,
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value })))],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`;
  return { key, chain: `${certificate.toString('pem')}\n` };
}

/**
 * Opens a TLS connection that trusts only these authorities. Rejects if the certificate is not valid for them or the
 * name.
 */
export async function connectTls(
  port: number,
  servername: string,
  ca: readonly string[],
  options: ConnectionOptions = {},
): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, servername, ca: [...ca], ...options });
  try {
    await once(socket, 'secureConnect');
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Returns the certificate that the server shows to a new connection. */
export async function shownCertificate(
  port: number,
  servername: string,
  ca: readonly string[],
  options: ConnectionOptions = {},
): Promise<X509Certificate> {
  const socket = await connectTls(port, servername, ca, options);
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  return certificate!;
}
