/** Verification of signatures: examples of RFCs, our own signatures, and each rule that fails. */
import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryName, arbitraryRecord } from '../../../test/support/arbitrary-message.ts';
import { SIGNED_EXAMPLES, type SignedExample } from '../../../test/vectors/dnssec.ts';
import { DomainName } from '../name.ts';
import { parseRdata } from '../presentation/rdata-text.ts';
import { type DnskeyFields, parseRRType, type Rdata, RRType } from '../rdata.ts';
import { decodeRdata, encodedRdata } from '../wire/rdata-codec.ts';
import { WireError, WireReader } from '../wire/reader.ts';
import { importPublicKey, isSignatureOf } from './algorithms.ts';
import { canonicalRdatas, type SignableRRset, signableRRset } from './canonical.ts';
import { dsOfKey, keyTag, matchDs } from './delegation.ts';
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

/** One other bit. */
function damaged(octets: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(octets);
  copy[(at >> 3) % copy.length]! ^= 1 << (at & 7);
  return copy;
}

describe('any RRset', () => {
  const rrset: fc.Arbitrary<SignableRRset> = fc
    .record({
      ownerName: arbitraryName.filter(({ octets }) => octets.length + ZONE.octets.length <= 255),
      records: fc.array(arbitraryRecord, { minLength: 1, maxLength: 4 }),
      ttl: fc.nat({ max: 0xffff_ffff }),
    })
    .map(({ ownerName, records, ttl }) => ({
      ownerKey: DomainName.ofLabels([...ownerName.labels(), ...ZONE.labels()]).key,
      type: records[0]!.type,
      ttl,
      // Those of other types are malformed here, and are signed nonetheless.
      rdatas: records.map(({ rdata }) => encodedRdata(rdata).toString('latin1')),
    }));
  const key = fc.constantFrom(P256, ED25519);

  it('that we sign is valid', () => {
    fc.assert(
      fc.property(key, rrset, (signer, each) => {
        expect(KEYS.verify(each, signed(signer, each), NOW)).toBe('valid');
      }),
    );
  });

  it('is not signed by a signature with one other bit in any octet, nor are data with one', () => {
    for (const signer of [P256, ED25519]) {
      const each = addresses('*.a.example.com.', 1, 2);
      const { signature, ...fields } = signed(signer, each);
      const data = Buffer.from(signedData(fields, each));
      const { algorithm, publicKey } = signer.dnskey;
      const isSigned = (text: Uint8Array, octets: Uint8Array): boolean =>
        isSignatureOf(algorithm, importPublicKey(algorithm, publicKey)!, text, octets);
      expect(isSigned(data, signature)).toBe(true);
      for (let at = 0; at < data.length; at++)
        expect(isSigned(damaged(data, at * 8 + (at % 8)), signature)).toBe(false);
      for (let at = 0; at < signature.length * 8; at++) expect(isSigned(data, damaged(signature, at))).toBe(false);
    }
  });

  /** Changes of what is signed. */
  const changes: Readonly<Record<string, (each: SignableRRset, at: number) => SignableRRset>> = {
    type: (each, at) => ({ ...each, type: each.type ^ (1 << (at & 15)) }),
    'owner name': (each, at) => {
      const labels = DomainName.ofWire(Buffer.from(each.ownerKey, 'latin1')).labels();
      const i = at % labels.length;
      return { ...each, ownerKey: DomainName.ofLabels(labels.with(i, damaged(labels[i]!, at >> 4))).key };
    },
    record: (each, at) => {
      const i = at % each.rdatas.length;
      const octets = Buffer.from(each.rdatas[i]!, 'latin1');
      const rdata = octets.length === 0 ? '\x01' : damaged(octets, at >> 2).toString('latin1');
      return { ...each, rdatas: each.rdatas.with(i, rdata) };
    },
    'number of records': (each, at) => ({ ...each, rdatas: at & 1 ? each.rdatas.slice(1) : [...each.rdatas, 'new'] }),
  };
  const canonicalText = ({ ownerKey, type, rdatas }: SignableRRset): string =>
    JSON.stringify([ownerKey, type, canonicalRdatas(type, rdatas)]);
  it.each(Object.entries(changes))('with another %s is valid only if its canonical form is the same', (_, change) => {
    let invalid = 0;
    fc.assert(
      fc.property(key, rrset, fc.nat(), (signer, before, at) => {
        // Other names below a wildcard are signed.
        fc.pre(!before.ownerKey.startsWith('\x01*'));
        const signature = signed(signer, before);
        const after = change(before, at);
        const outcome = KEYS.verify(after, signature, NOW);
        if (canonicalText(after) === canonicalText(before)) expect(outcome).toBe('valid');
        else {
          invalid += 1;
          expect(outcome).not.toMatch(/^(?:valid|expanded)$/);
        }
      }),
      { numRuns: 200 },
    );
    expect(invalid).toBeGreaterThan(100);
  });

  it("with one other bit in the fields of the signature is valid only if it is the case of the signer's name", () => {
    let invalid = 0;
    fc.assert(
      fc.property(key, rrset, fc.nat(), (signer, each, at) => {
        const octets = Buffer.from(signer.sign(each, PERIOD), 'latin1');
        const fields = damaged(octets.subarray(0, -SIGNATURE_OCTETS), at);
        const changed = decodeOrRefuse(Buffer.concat([fields, octets.subarray(-SIGNATURE_OCTETS)]), RRType.RRSIG);
        if (changed?.kind !== 'RRSIG') return;
        const outcome = KEYS.verify(each, changed, NOW);
        // The case of letters in the signer's name.
        if (changed.signer.key === ZONE.key && fields.subarray(0, 18).equals(octets.subarray(0, 18))) {
          expect(outcome).toBe('valid');
        } else {
          invalid += 1;
          expect(outcome).not.toMatch(/^(?:valid|expanded)$/);
        }
      }),
      { numRuns: 500 },
    );
    expect(invalid).toBeGreaterThan(200);
  });
});

/** Undefined for octets that are not RDATA of the type. */
function decodeOrRefuse(octets: Uint8Array, type: number): Rdata | undefined {
  try {
    return decodeRdata(new WireReader(octets), type);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

describe('any octets', () => {
  const octets = fc.uint8Array({ maxLength: 700, size: 'max' });
  const u8 = fc.nat({ max: 255 });
  const u16 = fc.nat({ max: 65_535 });
  /** Lengths and beginnings that pass the first checks of the algorithms. */
  const publicKey = fc.oneof(
    octets,
    ...[32, 57, 64, 96].map((length) => fc.uint8Array({ minLength: length, maxLength: length })),
    fc
      .tuple(
        fc.constantFrom([1, 3], [3, 1, 0, 1], [1, 0], [1, 1], [1, 2], [0, 0, 3, 1, 0, 1], [5, 7, 255, 255, 255, 1]),
        octets,
      )
      .map(([head, modulus]) => Uint8Array.from([...head, ...modulus])),
  );
  const algorithm = fc.oneof(fc.constantFrom(8, 10, 13, 14, 15, 16), u8);
  const dnskey: fc.Arbitrary<DnskeyFields> = fc.record({
    flags: fc.oneof(fc.constantFrom(256, 257, 385), u16),
    protocol: fc.oneof(fc.constant(3), u8),
    algorithm,
    publicKey,
  });
  const OUTCOMES = [
    ...['other-type', 'outside-zone', 'other-signer', 'too-many-labels', 'expired', 'not-yet-valid', 'invalid-period'],
    ...['unsupported-algorithm', 'no-key', 'unusable-key', 'wrong-signature'],
  ];

  it('as keys and signatures give an outcome, never valid, and key tags, DS records and matches', () => {
    const outcomes = new Set<string>();
    const rrset = addresses('a.example.com.', 1);
    fc.assert(
      fc.property(
        fc.array(dnskey, { minLength: 1, maxLength: 4 }),
        octets,
        fc.boolean(),
        (dnskeys, signature, isNear) => {
          const [first] = dnskeys as [DnskeyFields];
          const fields = { ...signed(P256, rrset), algorithm: first.algorithm, keyTag: keyTag(first) };
          const long = Uint8Array.from(
            { length: first.publicKey.length },
            (_, i) => signature[i % (signature.length || 1)] ?? 0,
          );
          const outcome = new ZoneKeys(ZONE, dnskeys).verify(
            rrset,
            { ...fields, signature: isNear ? long : signature },
            NOW,
          );
          outcomes.add(outcome);
          expect(OUTCOMES).toContain(outcome);
          for (const each of dnskeys) {
            expect(matchDs(ZONE, each, dsOfKey(ZONE, each))).toBe('match');
            expect(matchDs(ZONE, each, { ...dsOfKey(ZONE, each), digest: signature })).toBe('different');
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(outcomes).toEqual(new Set(['unsupported-algorithm', 'unusable-key', 'wrong-signature']));
  });

  it('as RDATA are refused with a WireError, or give records that can be used', () => {
    const types = [
      RRType.DNSKEY,
      RRType.CDNSKEY,
      RRType.DS,
      RRType.CDS,
      RRType.RRSIG,
      RRType.NSEC,
      RRType.NSEC3,
      RRType.NSEC3PARAM,
    ];
    const decoded = new Set<number>();
    const near = fc
      .tuple(arbitraryRecord, fc.nat(), fc.constantFrom('same', 'damaged', 'cut'))
      .filter(([{ type, rdata }]) => types.some((each) => each === type) && rdata.kind !== 'empty')
      .map(([{ type, rdata }, at, damage]) => {
        const list = encodedRdata(rdata);
        if (damage === 'same') return { type, list };
        return { type, list: damage === 'cut' ? list.subarray(0, at % list.length) : damaged(list, at) };
      });
    const random = fc.record({ type: fc.constantFrom(...types), list: fc.uint8Array({ maxLength: 60, size: 'max' }) });
    fc.assert(
      fc.property(fc.oneof(random, near), ({ type, list }) => {
        const rdata = decodeOrRefuse(list, type);
        if (rdata === undefined) return;
        decoded.add(type);
        expect(encodedRdata(rdata).equals(list)).toBe(true);
        const rrset = { ownerKey: ZONE.key, type, ttl: 1, rdatas: [encodedRdata(rdata).toString('latin1')] };
        expect(KEYS.verify(rrset, signed(ED25519, rrset), NOW)).toBe('valid');
        if (rdata.kind === 'RRSIG') expect(OUTCOMES).toContain(KEYS.verify(rrset, rdata, NOW));
        if (rdata.kind === 'DNSKEY') new ZoneKeys(ZONE, [rdata]);
        if (rdata.kind === 'DS') expect(matchDs(ZONE, P256.dnskey, rdata)).toBe('different');
      }),
      { numRuns: 2000 },
    );
    expect([...decoded].sort()).toEqual([...types].sort());
  });
});
