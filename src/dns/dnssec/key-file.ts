/**
 * Key pairs in the two text files of BIND: `.key`, a DNSKEY record, and `.private`, fields in lines (Private-key-format v1.3). Algorithms
 * 13 and 15 only. Pure: the caller reads and writes the files, and gives them the mode 0600.
 *
 * Left out: the TTL of the DNSKEY record, and `.state` files. Fields without a meaning here are skipped, as BIND does.
 */
import { createPrivateKey } from 'node:crypto';
import { DomainName, NameError } from '../name.ts';
import { formatRdata, parseRdataTokens } from '../presentation/rdata-text.ts';
import { scanZoneFile } from '../presentation/scanner.ts';
import { formatSignatureTime, parseSeconds, parseSignatureTime } from '../presentation/text-numbers.ts';
import { PresentationError, type TextToken } from '../presentation/text-tokens.ts';
import { type DnskeyFields, RRType } from '../rdata.ts';
import { DnssecAlgorithm } from './algorithms.ts';
import { DNSKEY_PROTOCOL, DnskeyFlag } from './delegation.ts';
import { SigningKey } from './signing-key.ts';

/** The files are not a key that signs here. The message may be shown to the user; it never has a part of the private key. */
export class KeyFileError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'KeyFileError';
  }
}

const TIME_FIELDS = [
  ...(['Created', 'Publish', 'Activate', 'Revoke'] as const),
  ...(['Inactive', 'Delete', 'SyncPublish', 'SyncDelete'] as const),
];

/** When what happens to a key, in seconds since 1970. */
export type KeyTimes = Readonly<Partial<Record<(typeof TIME_FIELDS)[number], number>>>;

export interface KeyPair {
  readonly key: SigningKey;
  readonly times: KeyTimes;
}

export interface KeyFiles {
  /** The name of the files without `.key` and `.private`: zone, algorithm and key tag. Safe as a file name. */
  readonly baseName: string;
  readonly publicText: string;
  readonly privateText: string;
}

/** The files have about 500 octets. */
const MAX_TEXT_LENGTH = 65_536;

/** PKCS #8 of a private key, up to its 32 octets (RFC 5958 with RFC 5915 and RFC 8410 §7). */
const PKCS8_PREFIXES: ReadonlyMap<number, string> = new Map([
  [DnssecAlgorithm.ECDSAP256SHA256, '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420'],
  [DnssecAlgorithm.ED25519, '302e020100300506032b657004220420'],
]);
/** Of both algorithms. */
const PRIVATE_OCTETS = 32;
const MNEMONICS: ReadonlyMap<number, string> = new Map([
  [DnssecAlgorithm.ECDSAP256SHA256, 'ECDSAP256SHA256'],
  [DnssecAlgorithm.ED25519, 'ED25519'],
]);

/** The name of an algorithm of key files (IANA "DNS Security Algorithm Numbers"); its number where it has none here. */
export function algorithmMnemonic(algorithm: number): string {
  return MNEMONICS.get(algorithm) ?? String(algorithm);
}

/** @throws KeyFileError */
export function parseKeyFiles(publicText: string, privateText: string): KeyPair {
  const { zone, dnskey } = parsePublicText(publicText);
  const fields = parsePrivateText(privateText);
  if (fields.get('Algorithm')?.split(' ')[0] !== String(dnskey.algorithm)) {
    throw new KeyFileError('The two files have different algorithms.');
  }
  const key = readSigningKey(zone, dnskey, fields.get('PrivateKey'));
  if (Buffer.compare(key.dnskey.publicKey, dnskey.publicKey) !== 0) {
    throw new KeyFileError('The private key does not belong to the public key.');
  }
  return { key, times: readTimes(fields) };
}

function parsePublicText(text: string): { zone: DomainName; dnskey: DnskeyFields } {
  const { zone, dnskey } = readRecord(text);
  if (!MNEMONICS.has(dnskey.algorithm)) {
    throw new KeyFileError(
      `Algorithm ${dnskey.algorithm} is not one of ${[...MNEMONICS].map((pair) => pair.join(' ')).join(', ')}.`,
    );
  }
  if (dnskey.protocol !== DNSKEY_PROTOCOL || (dnskey.flags & DnskeyFlag.ZONE) === 0) {
    throw new KeyFileError('The DNSKEY record is not a zone key.');
  }
  if (dnskey.flags & DnskeyFlag.REVOKE) throw new KeyFileError('The key is revoked.');
  return { zone, dnskey };
}

/** One DNSKEY record in the syntax of zone files. */
function readRecord(text: string): { zone: DomainName; dnskey: DnskeyFields } {
  checkLength(text);
  try {
    const [entry, more] = scanZoneFile(text);
    const tokens = entry?.tokens ?? [];
    const typeAt = tokens.findIndex((token) => token.text.toUpperCase() === 'DNSKEY');
    // Before the type: the owner name, and at most TTL and class.
    const isOther = ({ text }: TextToken): boolean => text.toUpperCase() !== 'IN' && parseSeconds(text) === undefined;
    if (more !== undefined || entry?.indented || typeAt < 1 || typeAt > 3 || tokens.slice(1, typeAt).some(isOther)) {
      throw new KeyFileError('The public key is not one DNSKEY record.');
    }
    const rdata = parseRdataTokens(RRType.DNSKEY, tokens.slice(typeAt + 1), DomainName.root);
    if (rdata.kind !== 'DNSKEY') throw new KeyFileError('The public key is not a DNSKEY record.');
    return { zone: DomainName.parse(tokens[0]!.text), dnskey: rdata };
  } catch (error) {
    if (error instanceof PresentationError) {
      throw new KeyFileError(`The public key is not a DNSKEY record: ${error.message}.`);
    }
    if (error instanceof NameError) throw new KeyFileError(error.message);
    throw error;
  }
}

function checkLength(text: string): void {
  if (text.length > MAX_TEXT_LENGTH) throw new KeyFileError('The file is too long for a key.');
}

function parsePrivateText(text: string): ReadonlyMap<string, string> {
  checkLength(text);
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const colon = line.indexOf(':');
    if (colon < 0) throw new KeyFileError('A line of the private key is not a name, a colon and a value.');
    const name = line.slice(0, colon);
    if (fields.has(name)) throw new KeyFileError('A field of the private key is there twice.');
    fields.set(name, line.slice(colon + 1).trim());
  }
  if (!/^v1\.\d{1,3}$/.test(fields.get('Private-key-format') ?? '')) {
    throw new KeyFileError('The private key does not have the Private-key-format v1.3.');
  }
  return fields;
}

/** @param text base64 of 32 octets; in files of BIND, P-256 has fewer if the number begins with zero octets */
function readSigningKey(zone: DomainName, { algorithm, flags }: DnskeyFields, text = ''): SigningKey {
  const prefix = Buffer.from(PKCS8_PREFIXES.get(algorithm)!, 'hex');
  const octets = Buffer.from(text, 'base64');
  const missing = PRIVATE_OCTETS - octets.length;
  const isLength = algorithm === DnssecAlgorithm.ED25519 ? missing === 0 : missing >= 0 && missing < PRIVATE_OCTETS;
  if (!isLength || octets.toString('base64') !== text) {
    throw new KeyFileError(`The field PrivateKey is not ${PRIVATE_OCTETS} octets in base64.`);
  }
  try {
    const key = Buffer.concat([prefix, Buffer.alloc(missing), octets]);
    return new SigningKey(zone, createPrivateKey({ key, format: 'der', type: 'pkcs8' }), flags);
  } catch {
    // OpenSSL refuses a number such as 0 here, or when it computes the public key.
    throw new KeyFileError('The field PrivateKey is not a key of its algorithm.');
  }
}

function readTimes(fields: ReadonlyMap<string, string>): KeyTimes {
  const times: Partial<Record<(typeof TIME_FIELDS)[number], number>> = {};
  for (const name of TIME_FIELDS) {
    const text = fields.get(name);
    if (text === undefined) continue;
    const time = parseSignatureTime(text);
    if (time === undefined) throw new KeyFileError(`The time ${name} is not a date YYYYMMDDHHmmSS.`);
    times[name] = time;
  }
  return times;
}

/** The files of `dnssec-keygen`. `privateText` is a secret. */
export function formatKeyFiles({ key, times }: KeyPair): KeyFiles {
  const { zone, dnskey, keyTag, privateKey } = key;
  const { algorithm } = dnskey;
  const lines = TIME_FIELDS.flatMap((name) => {
    const time = times[name];
    return time === undefined ? [] : [`${name}: ${formatSignatureTime(time)}`];
  });
  const record = `${zone} IN DNSKEY ${formatRdata(RRType.DNSKEY, { kind: 'DNSKEY', ...dnskey })}`;
  const octets = Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url');
  return {
    baseName: `K${fileNameOf(zone)}+${pad(algorithm, 3)}+${pad(keyTag, 5)}`,
    publicText: textOf([`; Key tag ${keyTag}.`, ...lines.map((line) => `; ${line}`), record]),
    privateText: textOf([
      'Private-key-format: v1.3',
      `Algorithm: ${algorithm} (${MNEMONICS.get(algorithm)})`,
      `PrivateKey: ${octets.toString('base64')}`,
      ...lines,
    ]),
  };
}

function textOf(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

function pad(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}

/**
 * The name of a zone for use in the name of a file, with the final dot: in lower case, and octets other than letters, digits, `-` and
 * `_` as `%` and two hexadecimal digits, as at BIND. Up to 760 characters.
 */
export function fileNameOf(zone: DomainName): string {
  const labels = DomainName.ofWire(Buffer.from(zone.key, 'latin1')).labels();
  const texts = labels.map((label) =>
    Buffer.from(label)
      .toString('latin1')
      .replace(
        /[^a-z0-9_-]/g,
        (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
      ),
  );
  return `${texts.join('.')}.`;
}
