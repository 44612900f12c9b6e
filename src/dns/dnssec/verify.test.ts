/** Verification of signatures: examples of RFCs, our own signatures, and each rule that fails. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SIGNED_EXAMPLES, type SignedExample } from '../../../test/vectors/dnssec.ts';
import { DomainName } from '../name.ts';
import { parseRdata } from '../presentation/rdata-text.ts';
import { type DnskeyFields, parseRRType, type Rdata, RRType } from '../rdata.ts';
import { decodeRdata, encodedRdata } from '../wire/rdata-codec.ts';
import { WireReader } from '../wire/reader.ts';
import { type SignableRRset, signableRRset } from './canonical.ts';
import { keyTag } from './delegation.ts';
import { signedData } from './signed-data.ts';
import { SIGNATURE_OCTETS, SigningKey } from './signing-key.ts';
import { type Signature, ZoneKeys } from './verify.ts';

const name = (text: string): DomainName => DomainName.parse(text);

function asSignature(rdata: Rdata): Signature {
  if (rdata.kind !== 'RRSIG') throw new Error('not an RRSIG');
  return rdata;
}

function asKey(rdata: Rdata): DnskeyFields {
  if (rdata.kind !== 'DNSKEY') throw new Error('not a DNSKEY');
  return rdata;
}

function readExample(example: SignedExample) {
  const type = parseRRType(example.type)!;
  const zone = name(example.zone);
  return {
    zone,
    dnskey: asKey(parseRdata(RRType.DNSKEY, example.dnskey)),
    signature: asSignature(parseRdata(RRType.RRSIG, example.rrsig)),
    rrset: signableRRset({
      ownerName: name(example.ownerName),
      type,
      ttl: 3600,
      rdatas: [parseRdata(type, example.rdata)],
    }),
  };
}

describe('signed examples', () => {
  for (const example of SIGNED_EXAMPLES) {
    const { zone, dnskey, signature, rrset } = readExample(example);
    const keys = new ZoneKeys(zone, [dnskey]);
    const now = signature.inception + 1;

    it(`${example.source}: is valid`, () => {
      expect(keys.verify(rrset, signature, now)).toBe('valid');
    });

    it(`${example.source}: is valid with another TTL and in other letters, as the original TTL is signed`, () => {
      const ownerKey = name(example.ownerName.toUpperCase()).key;
      expect(keys.verify({ ...rrset, ownerKey, ttl: 5 }, signature, now)).toBe('valid');
    });

    it(`${example.source}: is wrong with another original TTL, RDATA or signature`, () => {
      const changed = Uint8Array.from(signature.signature);
      changed[7]! ^= 1;
      const wrong = [
        keys.verify(rrset, { ...signature, originalTtl: 3601 }, now),
        keys.verify({ ...rrset, rdatas: [...rrset.rdatas, rrset.rdatas[0]!.replace(/.$/s, 'x')] }, signature, now),
        keys.verify(rrset, { ...signature, signature: changed }, now),
        keys.verify(rrset, { ...signature, signature: signature.signature.subarray(1) }, now),
        keys.verify(rrset, { ...signature, signature: new Uint8Array() }, now),
      ];
      expect(wrong).toEqual(wrong.map(() => 'wrong-signature'));
    });
  }
});

const ZONE = name('Example.com.');
const P256 = new SigningKey(ZONE, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
const ED25519 = new SigningKey(ZONE, generateKeyPairSync('ed25519').privateKey, 256);
const PERIOD = { inception: 1_000_000, expiration: 2_000_000 };
const NOW = 1_500_000;
const KEYS = new ZoneKeys(ZONE, [P256.dnskey, ED25519.dnskey]);

function signed(key: SigningKey, rrset: SignableRRset): Signature {
  return asSignature(decodeRdata(new WireReader(Buffer.from(key.sign(rrset, PERIOD), 'latin1')), RRType.RRSIG));
}

function addresses(ownerName: string, ...lasts: number[]): SignableRRset {
  const rdatas = lasts.map((last) => `\xc0\x00\x02${String.fromCharCode(last)}`);
  return { ownerKey: name(ownerName).key, type: RRType.A, ttl: 300, rdatas };
}

describe.each([
  { title: 'ECDSAP256SHA256 (RFC 6605)', key: P256, algorithm: 13, keyOctets: 64, flags: 257 },
  { title: 'ED25519 (RFC 8080)', key: ED25519, algorithm: 15, keyOctets: 32, flags: 256 },
])('our signatures with $title', ({ key, algorithm, keyOctets, flags }) => {
  const rrset = addresses('a.example.com.', 2, 1);

  it('have the fields of RFC 4034 §3.1, the signer in lower case', () => {
    const { signature, signer, ...fields } = signed(key, rrset);
    expect(fields).toEqual({
      kind: 'RRSIG',
      typeCovered: RRType.A,
      algorithm,
      labels: 3,
      originalTtl: 300,
      ...PERIOD,
      keyTag: key.keyTag,
    });
    expect(signer.wireText).toBe(ZONE.key);
    expect(signature.length).toBe(SIGNATURE_OCTETS);
  });

  it('belong to the DNSKEY of the key', () => {
    const { publicKey, ...rest } = key.dnskey;
    expect(rest).toEqual({ flags, protocol: 3, algorithm });
    expect(publicKey.length).toBe(keyOctets);
    expect(key.keyTag).toBe(keyTag(key.dnskey));
  });

  it('are valid in any order of the records, and with a record twice (RFC 4034 §6.3)', () => {
    expect(KEYS.verify(rrset, signed(key, rrset), NOW)).toBe('valid');
    expect(KEYS.verify(addresses('A.EXAMPLE.COM.', 1, 2, 1), signed(key, rrset), NOW)).toBe('valid');
  });

  it('are valid at a wildcard, and expanded below it (RFC 4035 §5.3.4)', () => {
    const signature = signed(key, addresses('*.w.example.com.', 1));
    expect(signature.labels).toBe(3);
    expect(KEYS.verify(addresses('*.w.example.com.', 1), signature, NOW)).toBe('valid');
    expect(KEYS.verify(addresses('x.y.w.example.com.', 1), signature, NOW)).toBe('expanded');
    expect(KEYS.verify(addresses('w.example.com.', 1), signature, NOW)).toBe('wrong-signature');
    expect(KEYS.verify(addresses('x.v.example.com.', 1), signature, NOW)).toBe('wrong-signature');
  });

  it('a name with an asterisk that is not its first label is not a wildcard', () => {
    const inner = addresses('a.*.example.com.', 1);
    expect(KEYS.verify(inner, signed(key, inner), NOW)).toBe('valid');
    expect(KEYS.verify(addresses('a.b.example.com.', 1), signed(key, inner), NOW)).toBe('wrong-signature');
  });
});

describe('rules of a signature (RFC 4035 §5.3.1)', () => {
  const rrset = addresses('a.example.com.', 1);
  const signature = signed(P256, rrset);
  const verify = (change: Partial<Signature>, other: Partial<SignableRRset> = {}, now = NOW) =>
    KEYS.verify({ ...rrset, ...other }, { ...signature, ...change }, now);

  it('it covers the type of the RRset', () => {
    expect(verify({}, { type: RRType.AAAA })).toBe('other-type');
  });

  it('the owner name is in the zone, label by label', () => {
    expect(verify({}, { ownerKey: name('a.example.net.').key })).toBe('outside-zone');
    expect(verify({}, { ownerKey: name('notexample.com.').key })).toBe('outside-zone');
  });

  it("the signer's name is the zone", () => {
    expect(verify({ signer: name('com.') })).toBe('other-signer');
    expect(verify({ signer: name('a.example.com.') })).toBe('other-signer');
  });

  it('it has at most the labels of the owner name', () => {
    expect(verify({ labels: 4 })).toBe('too-many-labels');
    expect(verify({ labels: 255 })).toBe('too-many-labels');
  });

  it('the time is within its period', () => {
    expect(verify({}, {}, PERIOD.inception - 1)).toBe('not-yet-valid');
    expect(verify({}, {}, PERIOD.expiration + 1)).toBe('expired');
    expect(verify({ expiration: PERIOD.inception - 1 })).toBe('invalid-period');
  });

  it('its algorithm is one that is verified here: never one with SHA-1', () => {
    for (const algorithm of [1, 3, 5, 6, 7, 12, 253, 0]) expect(verify({ algorithm })).toBe('unsupported-algorithm');
  });

  it('a DNSKEY has its algorithm and its key tag', () => {
    expect(verify({ keyTag: signature.keyTag ^ 1 })).toBe('no-key');
    expect(verify({ algorithm: 14 })).toBe('no-key');
    expect(new ZoneKeys(ZONE, []).verify(rrset, signature, NOW)).toBe('no-key');
  });

  const withKey = (change: Partial<DnskeyFields>, signedRRset = rrset) => {
    const dnskey = { ...P256.dnskey, ...change };
    return new ZoneKeys(ZONE, [dnskey]).verify(
      signedRRset,
      { ...signed(P256, signedRRset), keyTag: keyTag(dnskey) },
      NOW,
    );
  };

  it('the DNSKEY is a zone key with protocol 3', () => {
    expect(withKey({ flags: 1 })).toBe('unusable-key');
    expect(withKey({ protocol: 2 })).toBe('unusable-key');
  });

  it('a DNSKEY whose octets are not a key of its algorithm is not used', () => {
    const offCurve = Uint8Array.from(P256.dnskey.publicKey);
    offCurve[40]! ^= 1;
    for (const publicKey of [offCurve, new Uint8Array(), new Uint8Array(64), P256.dnskey.publicKey.subarray(1)]) {
      expect(withKey({ publicKey })).toBe('unusable-key');
    }
  });

  it('RFC 5011 §2.1: a revoked key is used for its own RRset alone', () => {
    expect(withKey({ flags: 0x0181 })).toBe('unusable-key');
    const dnskey = { ...P256.dnskey, flags: 0x0181 };
    const rdatas = [encodedRdata({ kind: 'DNSKEY', ...dnskey }).toString('latin1')];
    const key = new SigningKey(ZONE, P256.privateKey, 0x0181);
    const keyRRset = { ownerKey: ZONE.key, type: RRType.DNSKEY, ttl: 300, rdatas };
    expect(new ZoneKeys(ZONE, [dnskey]).verify(keyRRset, signed(key, keyRRset), NOW)).toBe('valid');
  });
});

describe('keys of one key tag', () => {
  const rrset = addresses('a.example.com.', 1);
  /** Ed25519 keys with two octets in each other's place, which leaves the tag as it is; not where the two are equal. */
  const others = Array.from({ length: 30 }, (_, i) => {
    const publicKey = Uint8Array.from(ED25519.dnskey.publicKey);
    publicKey[i]! = ED25519.dnskey.publicKey[(i + 2) % 32]!;
    publicKey[(i + 2) % 32]! = ED25519.dnskey.publicKey[i]!;
    return { ...ED25519.dnskey, publicKey };
  }).filter(({ publicKey }) => Buffer.compare(publicKey, ED25519.dnskey.publicKey) !== 0);

  it('are tried one after another, at most four', () => {
    const signature = signed(ED25519, rrset);
    expect(others.map(keyTag)).toEqual(others.map(() => ED25519.keyTag));
    expect(new ZoneKeys(ZONE, [...others.slice(0, 3), ED25519.dnskey]).verify(rrset, signature, NOW)).toBe('valid');
    expect(new ZoneKeys(ZONE, [...others.slice(0, 4), ED25519.dnskey]).verify(rrset, signature, NOW)).toBe(
      'wrong-signature',
    );
  });
});

describe('RSA keys (RFC 3110 §2)', () => {
  const rrset = addresses('a.example.com.', 1);
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const modulus = Buffer.from(publicKey.export({ format: 'jwk' }).n!, 'base64url');

  /** Signs with RSA/SHA-256 and the key tag of a DNSKEY of these octets. */
  const outcome = (...parts: (readonly number[] | Uint8Array)[]) => {
    const dnskey = {
      flags: 256,
      protocol: 3,
      algorithm: 8,
      publicKey: Uint8Array.from(parts.flatMap((part) => [...part])),
    };
    const fields = { ...signed(P256, rrset), algorithm: 8, keyTag: keyTag(dnskey) };
    const signature = sign('sha256', signedData(fields, rrset), privateKey);
    return new ZoneKeys(ZONE, [dnskey]).verify(rrset, { ...fields, signature }, NOW);
  };

  it('have the length of the exponent in one octet or in three', () => {
    expect(outcome([3, 1, 0, 1], modulus)).toBe('valid');
    expect(outcome([0, 0, 3, 1, 0, 1], modulus)).toBe('valid');
    expect(outcome([3, 1, 0, 3], modulus)).toBe('wrong-signature');
  });

  it('are not used if they are cut, too small, or so large that they cost too much', () => {
    const unusable = [
      outcome(),
      outcome([3]),
      outcome([0, 1]),
      outcome([255, 1]),
      outcome([3, 1, 0, 1], modulus.subarray(0, 63)),
      outcome([3, 1, 0, 1], new Uint8Array(513).fill(255)),
      outcome([5, 8, 0, 0, 0, 1], modulus),
      outcome([0, 1, 0], new Uint8Array(256).fill(255), modulus),
    ];
    expect(unusable).toEqual(unusable.map(() => 'unusable-key'));
  });
});

describe('a signing key', () => {
  it('is one of P-256 or Ed25519', () => {
    const pairs = [
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      generateKeyPairSync('rsa', { modulusLength: 1024 }),
      generateKeyPairSync('x25519'),
    ];
    for (const { privateKey } of pairs) expect(() => new SigningKey(ZONE, privateKey)).toThrow(TypeError);
  });
});
