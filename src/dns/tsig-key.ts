/** TSIG keys and algorithms (RFC 8945 §6). Left out: GSS-TSIG. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { DomainName } from './name.ts';

export interface TsigAlgorithmRow {
  /** The name in node:crypto. */
  readonly hash: string;
  readonly hashOctets: number;
  /** Less than `hashOctets` where the MAC is truncated (RFC 8945 §5.2.2.1). */
  readonly macOctets: number;
  readonly wireName: DomainName;
}

const row = (hash: string, hashOctets: number, name: string, macOctets = hashOctets): TsigAlgorithmRow => ({
  hash,
  hashOctets,
  macOctets,
  wireName: DomainName.parse(name),
});

/** Algorithms of RFC 8945 §6. hmac-md5 is for old clients; a key must name it explicitly. */
export const TSIG_ALGORITHMS = {
  'hmac-md5': row('md5', 16, 'hmac-md5.sig-alg.reg.int.'),
  'hmac-sha1': row('sha1', 20, 'hmac-sha1.'),
  'hmac-sha224': row('sha224', 28, 'hmac-sha224.'),
  'hmac-sha256': row('sha256', 32, 'hmac-sha256.'),
  'hmac-sha256-128': row('sha256', 32, 'hmac-sha256-128.', 16),
  'hmac-sha384': row('sha384', 48, 'hmac-sha384.'),
  'hmac-sha384-192': row('sha384', 48, 'hmac-sha384-192.', 24),
  'hmac-sha512': row('sha512', 64, 'hmac-sha512.'),
  'hmac-sha512-256': row('sha512', 64, 'hmac-sha512-256.', 32),
} as const satisfies Record<string, TsigAlgorithmRow>;

export type TsigAlgorithm = keyof typeof TSIG_ALGORITHMS;

/** A shared secret and its name. A KeyObject cannot be printed or serialized by accident. */
export interface TsigKey {
  readonly keyName: DomainName;
  readonly algorithm: TsigAlgorithm;
  readonly secret: KeyObject;
}

/** The key name is lower-cased, as it is in the MAC (RFC 8945 §4.3.3): PowerDNS accepts no other case on the wire. */
export function makeTsigKey(keyName: DomainName, algorithm: TsigAlgorithm, secret: Uint8Array): TsigKey {
  const lowerCaseName = DomainName.ofWire(Buffer.from(keyName.key, 'latin1'));
  return { keyName: lowerCaseName, algorithm, secret: createSecretKey(secret) };
}
