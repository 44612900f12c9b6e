/** Key files of BIND. test/interop/dnssec-keys.test.ts exchanges them with its programs. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryName } from '../../../test/support/arbitrary-message.ts';
import { DomainName } from '../name.ts';
import { formatKeyFiles, KeyFileError, type KeyPair, parseKeyFiles } from './key-file.ts';
import { SigningKey } from './signing-key.ts';

/** Made by dnssec-keygen of BIND 9.18.49. */
const P256_PUBLIC = `; This is a key-signing key, keyid 47133, for example.com.
; Created: 20261202204308 (Wed Dec  2 20:43:08 2026)
; Publish: 20261202204308 (Wed Dec  2 20:43:08 2026)
; Activate: 20261202204308 (Wed Dec  2 20:43:08 2026)
example.com. IN DNSKEY 257 3 13 piNw9aFlMByW0e/JqQSqd/TwWMeo13SYrm9RaicADvGj09b0Ysn8nZMS UcvNGeHHvN65vcwALivnHVNRZSrSFw==
`;
const SECRET = 'h82fy+R8Bcjx0HasQ8/HkLruyc8rqZAH3bcjvdEoQVc=';
const P256_PRIVATE = `Private-key-format: v1.3
Algorithm: 13 (ECDSAP256SHA256)
PrivateKey: ${SECRET}
Created: 20261202204308
Publish: 20261202204308
Activate: 20261202204308
`;

/** RFC 8080 §6.1, whose file is of format v1.2. */
const ED25519_PUBLIC = 'example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n';
const ED25519_PRIVATE = `Private-key-format: v1.2
Algorithm: 15 (ED25519)
PrivateKey: ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=
`;

describe('key files', () => {
  it('of dnssec-keygen are read', () => {
    const { key, times } = parseKeyFiles(P256_PUBLIC, P256_PRIVATE);
    expect([key.zone.toString(), key.keyTag, key.dnskey.flags]).toEqual(['example.com.', 47133, 257]);
    const time = Date.UTC(2026, 11, 2, 20, 43, 8) / 1000;
    expect(times).toEqual({ Created: time, Publish: time, Activate: time });
  });

  it('RFC 8080 §6.1: the key of the example is read', () => {
    const { key, times } = parseKeyFiles(ED25519_PUBLIC, ED25519_PRIVATE);
    expect([key.keyTag, key.dnskey.algorithm, times]).toEqual([3613, 15, {}]);
  });

  it('are formatted as dnssec-keygen does, and with line ends of Windows are read, too', () => {
    const pair = parseKeyFiles(P256_PUBLIC.replaceAll('\n', '\r\n'), P256_PRIVATE.replaceAll('\n', '\r\n'));
    const files = formatKeyFiles(pair);
    expect(files.baseName).toBe('Kexample.com.+013+47133');
    expect(files.privateText).toBe(P256_PRIVATE);
    expect(files.publicText.split('\n').at(-2)).toBe(P256_PUBLIC.split('\n').at(-2)!.replace('nZMS ', 'nZMS'));
  });

  it('are named in lower case, and characters of paths are escaped', () => {
    const { key } = parseKeyFiles(P256_PUBLIC, P256_PRIVATE);
    const nameOf = (zone: DomainName): string =>
      formatKeyFiles({ key: new SigningKey(zone, key.privateKey), times: {} }).baseName.split('+')[0]!;
    expect(nameOf(DomainName.parse('We\\032ird/a_b-c.Example.com.'))).toBe('Kwe%20ird%2Fa_b-c.example.com.');
    expect(nameOf(DomainName.parse('\\.\\.\\000\\255.'))).toBe('K%2E%2E%00%FF.');
    expect(nameOf(DomainName.root)).toBe('K.');
  });

  it('of any zone, algorithm and times are read as they were written', () => {
    const time = fc.nat({ max: 0xffff_ffff });
    const times = fc.record({ Created: time, Publish: time, Inactive: time, SyncDelete: time }, { requiredKeys: [] });
    fc.assert(
      fc.property(arbitraryName, fc.boolean(), fc.constantFrom(256, 257), times, (zone, isEd25519, flags, keyTimes) => {
        const { privateKey } = isEd25519
          ? generateKeyPairSync('ed25519')
          : generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const pair: KeyPair = { key: new SigningKey(zone, privateKey, flags), times: keyTimes };
        const { publicText, privateText } = formatKeyFiles(pair);
        const again = parseKeyFiles(publicText, privateText);
        expect(again.key.zone.wireText).toBe(zone.wireText);
        expect(again.key.dnskey).toEqual(pair.key.dnskey);
        expect(again.key.keyTag).toBe(pair.key.keyTag);
        expect(again.key.privateKey.equals(privateKey)).toBe(true);
        expect(again.times).toEqual(keyTimes);
      }),
      { numRuns: 100 },
    );
  });

  it('a private key that begins with zero octets has all of its 32 octets', () => {
    const prefix = '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420';
    const der = Buffer.from(`${prefix}${'00'.repeat(31)}01`, 'hex');
    const key = new SigningKey(DomainName.root, createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
    const { publicText, privateText } = formatKeyFiles({ key, times: {} });
    expect(privateText).toContain(`PrivateKey: ${Buffer.from(`${'00'.repeat(31)}01`, 'hex').toString('base64')}\n`);
    expect(parseKeyFiles(publicText, privateText).key.dnskey).toEqual(key.dnskey);
    // BIND writes such a number without them.
    const short = privateText.replace(/PrivateKey: .*/, 'PrivateKey: AQ==');
    expect(parseKeyFiles(publicText, short).key.dnskey).toEqual(key.dnskey);
  });
});

describe('refused key files', () => {
  const RECORD = P256_PUBLIC.split('\n').at(-2)!;
  const cases: readonly [title: string, publicText: string, privateText: string, message: RegExp][] = [
    ['no record', '; nothing\n', P256_PRIVATE, /not one DNSKEY record/],
    ['two records', `${RECORD}\n${RECORD}\n`, P256_PRIVATE, /not one DNSKEY record/],
    ['another type', 'example.com. IN A 192.0.2.1\n', P256_PRIVATE, /not one DNSKEY record/],
    ['no owner name', RECORD.replace('example.com.', ''), P256_PRIVATE, /not one DNSKEY record/],
    ['a malformed owner name', RECORD.replace('example.com.', 'a..b.'), P256_PRIVATE, /empty label/],
    ['another class', RECORD.replace('IN', 'CH'), P256_PRIVATE, /not one DNSKEY record/],
    ['a malformed TTL', RECORD.replace('IN', '60x IN'), P256_PRIVATE, /not one DNSKEY record/],
    ['too many fields', RECORD.replace('IN', 'IN IN IN'), P256_PRIVATE, /not one DNSKEY record/],
    ['malformed base64', RECORD.replace('==', '='), P256_PRIVATE, /base64/],
    ['an open parenthesis', `${RECORD} (`, P256_PRIVATE, /not a DNSKEY record/],
    ['RSA', RECORD.replace(' 13 ', ' 8 '), P256_PRIVATE, /13 ECDSAP256SHA256, 15 ED25519/],
    ['not a zone key', RECORD.replace('257', '1'), P256_PRIVATE, /not a zone key/],
    ['another protocol', RECORD.replace(' 3 ', ' 2 '), P256_PRIVATE, /not a zone key/],
    ['a revoked key', RECORD.replace('257', '385'), P256_PRIVATE, /revoked/],
    ['the other algorithm', ED25519_PUBLIC, P256_PRIVATE, /different algorithms/],
    ['the key of another record', RECORD.replace('piNw', 'piNx'), P256_PRIVATE, /does not belong/],
    ['another format', RECORD, P256_PRIVATE.replace('v1.3', 'v2.0'), /Private-key-format/],
    ['no format', RECORD, '', /Private-key-format/],
    ['a line without a colon', RECORD, `${P256_PRIVATE}${SECRET}\n`, /a colon/],
    ['a field twice', RECORD, `${P256_PRIVATE}PrivateKey: ${SECRET}\n`, /twice/],
    ['a cut private key', RECORD, P256_PRIVATE.replace(SECRET, SECRET.slice(4)), /does not belong/],
    ['a long private key', RECORD, P256_PRIVATE.replace(SECRET, Buffer.alloc(33, 1).toString('base64')), /32 octets/],
    ['a cut private key of Ed25519', ED25519_PUBLIC, ED25519_PRIVATE.replace('ODIy', ''), /32 octets/],
    ['no private key', RECORD, P256_PRIVATE.replace(`PrivateKey: ${SECRET}\n`, ''), /32 octets/],
    ['a private key of zero', RECORD, P256_PRIVATE.replace(SECRET, Buffer.alloc(32).toString('base64')), /PrivateKey/],
    [
      // Node.js 26 refuses it when it reads the key.
      'a private key above the order of the curve',
      RECORD,
      P256_PRIVATE.replace(SECRET, Buffer.alloc(32, 255).toString('base64')),
      /does not belong|not a key of its algorithm/,
    ],
    ['a malformed time', RECORD, P256_PRIVATE.replace('Created: 2026', 'Created: now'), /Created/],
    ['a huge public key', `${RECORD}${' '.repeat(65_536)}`, P256_PRIVATE, /too long/],
    ['a huge private key', RECORD, `${P256_PRIVATE}${' '.repeat(65_536)}`, /too long/],
  ];

  for (const [title, publicText, privateText, message] of cases) {
    it(title, () => {
      let reported: unknown;
      try {
        parseKeyFiles(publicText, privateText);
      } catch (error) {
        reported = error;
      }
      expect(reported).toBeInstanceOf(KeyFileError);
      expect((reported as KeyFileError).message).toMatch(message);
      expect(inspect(reported)).not.toContain(SECRET.slice(4, 20));
    });
  }

  it('the files in the wrong order say nothing of the secret', () => {
    expect(() => parseKeyFiles(P256_PRIVATE, P256_PUBLIC)).toThrow('The public key is not one DNSKEY record.');
  });

  it('a signing key does not show its secret in the log', () => {
    const { key } = parseKeyFiles(P256_PUBLIC, P256_PRIVATE);
    const hex = Buffer.from(SECRET, 'base64').toString('hex');
    for (const text of [inspect(key, { depth: 9, showHidden: true }), JSON.stringify(key)]) {
      expect(text).not.toContain(SECRET.slice(0, 12));
      expect(text).not.toContain(hex.slice(0, 12));
    }
  });
});

describe('damaged key files', () => {
  const FILES = [
    { publicText: P256_PUBLIC, privateText: P256_PRIVATE },
    { publicText: ED25519_PUBLIC, privateText: ED25519_PRIVATE },
  ] as const;
  const SECRET_PARTS = [SECRET, 'ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI='].flatMap((secret) =>
    Array.from({ length: secret.length - 11 }, (_, at) => secret.slice(at, at + 12)),
  );

  /** The key, or the message of the error, which must not have a part of a private key. */
  function read(publicText: string, privateText: string): KeyPair | string {
    try {
      return parseKeyFiles(publicText, privateText);
    } catch (error) {
      if (!(error instanceof KeyFileError)) throw error;
      // A sentence.
      expect(error.message).toMatch(/^[A-Z]/);
      expect(error.message).toMatch(/\.$/);
      expect(error.message).not.toMatch(/undefined|NaN|\[object/);
      const shown = inspect(error);
      expect(SECRET_PARTS.filter((part) => shown.includes(part))).toEqual([]);
      return error.message;
    }
  }

  const text = fc.string({ unit: 'binary', maxLength: 30 });
  /** Ways to damage one line of a text. */
  const damage: fc.Arbitrary<(line: string, others: readonly string[]) => string> = fc.oneof(
    fc.constant(() => ''),
    fc.nat().map((at) => (line: string) => line.slice(0, at % (line.length + 1))),
    fc.nat().map((at) => (line: string) => line.slice(at % (line.length + 1))),
    fc.tuple(fc.nat(), text).map(([at, inserted]) => (line: string) => {
      const offset = at % (line.length + 1);
      return `${line.slice(0, offset)}${inserted}${line.slice(offset)}`;
    }),
    fc.tuple(fc.nat(), fc.string({ minLength: 1, maxLength: 1 })).map(([at, character]) => (line: string) => {
      const offset = at % (line.length + 1);
      return `${line.slice(0, offset)}${character}${line.slice(offset + 1)}`;
    }),
    fc.nat().map((at) => (line: string, others: readonly string[]) => `${line}\n${others[at % others.length]}`),
    fc.nat().map((at) => (_: string, others: readonly string[]) => others[at % others.length]!),
    text.map((replaced) => () => replaced),
  );

  it('give the same key or an error that says what is wrong, whatever line is damaged', () => {
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(fc.constantFrom(...FILES), fc.boolean(), fc.nat(), damage, (files, isPublic, at, change) => {
        const original = parseKeyFiles(files.publicText, files.privateText);
        const lines = (isPublic ? files.publicText : files.privateText).split('\n');
        const index = at % lines.length;
        const damaged = lines.with(index, change(lines[index]!, lines)).join('\n');
        const result = isPublic ? read(damaged, files.privateText) : read(files.publicText, damaged);
        outcomes.add(typeof result === 'string' ? result : 'read');
        if (typeof result !== 'string') {
          expect(result.key.dnskey.publicKey).toEqual(original.key.dnskey.publicKey);
          expect(result.key.privateKey.equals(original.key.privateKey)).toBe(true);
        }
      }),
      { numRuns: 1500 },
    );
    // Not the same one all the time.
    expect(outcomes.size).toBeGreaterThan(10);
  });

  it('of any octets give an error', () => {
    const octets = fc.uint8Array({ maxLength: 2000, size: 'max' }).map((list) => Buffer.from(list).toString('latin1'));
    const words = fc.constantFrom(
      ...['a.', ' ', '\n', 'IN', 'DNSKEY', '257', '3', '13', '15', '(', ')', ';', '"', '\\', ':', '=', 'AQ=='],
    );
    const near = fc.array(words, { maxLength: 40, size: 'max' }).map((list) => list.join(' '));
    fc.assert(
      fc.property(fc.oneof(octets, near), fc.oneof(octets, near), (publicText, privateText) => {
        expect(typeof read(publicText, privateText)).toBe('string');
        expect(typeof read(P256_PUBLIC, privateText)).toBe('string');
        expect(typeof read(publicText, P256_PRIVATE)).toBe('string');
      }),
      { numRuns: 500 },
    );
  });
});
