// @ts-check
/**
 * Key files and DNSSEC records for fuzz-growth.mjs: what costs a verifier most (KeyTrap, CVE-2023-50387: many keys of one tag with many
 * signatures), long type bitmaps, names of many labels. Left out: many signatures of one large RRset. Each of them is a hash of the
 * whole RRset, so `ZoneKeys.verify` leaves their number to its caller.
 */
import { generateKeyPairSync } from 'node:crypto';
import { canonicalRdatas, signableRRset } from '#dist/dns/dnssec/canonical.js';
import { keyTag } from '#dist/dns/dnssec/delegation.js';
import { findNsec3Hash, nsec3Covers, nsec3Hash, nsec3OwnerName, nsecCovers } from '#dist/dns/dnssec/denial.js';
import { formatKeyFiles, parseKeyFiles } from '#dist/dns/dnssec/key-file.js';
import { SigningKey } from '#dist/dns/dnssec/signing-key.js';
import { ZoneKeys } from '#dist/dns/dnssec/verify.js';
import { DomainName } from '#dist/dns/name.js';
import { RRType } from '#dist/dns/rdata.js';
import { decodeMessage, encodeMessage, makeMessage } from '#dist/dns/wire/message.js';
import { decodeRdata, encodedRdata } from '#dist/dns/wire/rdata-codec.js';
import { WireReader } from '#dist/dns/wire/reader.js';
import { WireOverflow } from '#dist/dns/wire/writer.js';

/** @typedef {import('#dist/dns/rdata.js').ResourceRecord} ResourceRecord */

const apex = DomainName.parse('example.com');
const NOW = 1_800_000_000;
const PERIOD = { inception: NOW - 3600, expiration: NOW + 3600 };
const key = new SigningKey(apex, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
const files = formatKeyFiles({ key, times: { Created: NOW } });

/** @type {readonly import('./growth-parsers.mjs').TextParser[]} */
export const KEY_FILE_PARSERS = [
  {
    name: 'public key file',
    prefixes: ['', ';', '(', 'example.com. IN DNSKEY 257 3 13 ', 'example.com. IN DNSKEY \\# '],
    read: (text) => parseKeyFiles(text, files.privateText),
  },
  {
    name: 'private key file',
    prefixes: ['', 'Private-key-format: v1.3\n', 'Private-key-format: v1.3\nAlgorithm: 13\nPrivateKey: '],
    read: (text) => parseKeyFiles(files.publicText, text),
  },
];

/** @param {Partial<ResourceRecord> & Pick<ResourceRecord, 'rdata'>} fields @returns {ResourceRecord} of the apex */
const record = (fields) => {
  const type = RRType[/** @type {keyof typeof RRType} */ (fields.rdata.kind)];
  return { ownerName: apex, type, class: 1, ttl: 60, ...fields };
};

const address = /** @type {const} */ ({ kind: 'A', address: '192.0.2.1' });

/** @param {readonly ResourceRecord[]} rrset records of one name and type */
function signatureOf(rrset) {
  const [first] = rrset;
  if (first === undefined) throw new Error('an RRset has a record');
  const signable = signableRRset({ ...first, rdatas: rrset.map(({ rdata }) => rdata) });
  const rdata = decodeRdata(new WireReader(Buffer.from(key.sign(signable, PERIOD), 'latin1')), RRType.RRSIG);
  if (rdata.kind !== 'RRSIG') throw new Error('an RRSIG is decoded as one');
  return rdata;
}

/** A message of at most so many octets. @param {number} octets @param {(index: number) => readonly ResourceRecord[]} make */
function messageOf(octets, make) {
  /** @type {(readonly ResourceRecord[])[]} */
  const made = [];
  const tryCount = (/** @type {number} */ count) => {
    while (made.length < count) made.push(make(made.length));
    try {
      const message = encodeMessage(makeMessage({ answers: made.slice(0, count).flat() }));
      return message.length <= octets ? message : undefined;
    } catch (error) {
      if (error instanceof WireOverflow) return undefined;
      throw error;
    }
  };
  let message = encodeMessage(makeMessage({}));
  for (let step = 1024, count = 0; step >= 1; ) {
    const longer = tryCount(count + step);
    if (longer === undefined) step /= 2;
    else {
      message = longer;
      count += step;
    }
  }
  return message;
}

/** Verifies each signature of a message with the keys in it, or with our own. @param {Buffer} octets */
function verifyAll(octets) {
  const { answers } = decodeMessage(octets);
  /** @type {Map<string, import('#dist/dns/dnssec/canonical.js').SignableRRset & { rdatas: string[] }>} */
  const rrsets = new Map();
  const dnskeys = [];
  for (const { ownerName, type, ttl, rdata } of answers) {
    const id = `${type} ${ownerName.key}`;
    const text = encodedRdata(rdata).toString('latin1');
    const rrset = rrsets.get(id);
    if (rrset === undefined) rrsets.set(id, { ownerKey: ownerName.key, type, ttl, rdatas: [text] });
    else rrset.rdatas.push(text);
    if (rdata.kind === 'DNSKEY') dnskeys.push(rdata);
  }
  const keys = new ZoneKeys(apex, dnskeys.length > 0 ? dnskeys : [key.dnskey]);
  return answers.flatMap(({ ownerName, rdata }) => {
    const rrset = rdata.kind === 'RRSIG' && rrsets.get(`${rdata.typeCovered} ${ownerName.key}`);
    return rrset ? [keys.verify(rrset, rdata, NOW)] : [];
  });
}

/**
 * Keys of one tag, four for each signature, which none of them made.
 * @param {(index: number) => import('#dist/dns/rdata.js').DnskeyFields} makeKey
 */
const manyKeys = (makeKey) => (/** @type {number} */ octets) => {
  const tag = keyTag(makeKey(0));
  const signed = signatureOf([record({ rdata: address })]);
  return messageOf(octets, (index) => {
    if (index === 0) return [record({ rdata: address })];
    const dnskey = makeKey(index);
    if (keyTag(dnskey) !== tag) throw new Error('the keys have one tag');
    // Not larger than a modulus, which would be refused at once.
    const signature = Buffer.alloc(dnskey.algorithm === 8 ? 512 : 64, index | 1).fill(0, 0, 1);
    const { algorithm } = dnskey;
    const rrsig = record({ rdata: { ...signed, algorithm, keyTag: tag, signature } });
    return [record({ rdata: { kind: 'DNSKEY', ...dnskey } }), ...(index % 4 === 0 ? [rrsig] : [])];
  });
};

/** RSA with almost 4096 bits and the largest exponent that is accepted; octets in other places leave the tag as it is. @param {number} index */
function rsaKey(index) {
  const modulus = Buffer.from(Array.from({ length: 512 }, (_, i) => (i * 37) | 1));
  const at = 2 + ((index * 2) % 500);
  [modulus[at], modulus[508]] = [modulus[508] ?? 0, modulus[at] ?? 0];
  const publicKey = Buffer.concat([Buffer.from([5, 7, 255, 255, 255, 255]), modulus]);
  return { flags: 256, protocol: 3, algorithm: 8, publicKey };
}

const manyTypes = Array.from({ length: 0x8000 }, (_, type) => type);
/** A different label beside the apex, so that no name is compressed. @param {number} index */
const manyLabels = (index) => DomainName.parse(`${'a.'.repeat(115)}h${index}`, apex);
const plain = { iterations: 0, salt: Buffer.alloc(0) };

/** @type {readonly import('./growth-parsers.mjs').MessageCase[]} */
export const SIGNED_MESSAGES = [
  { name: 'P-256 keys of one tag with signatures', make: manyKeys(() => key.dnskey), read: verifyAll },
  { name: 'RSA keys of one tag with signatures', make: manyKeys(rsaKey), read: verifyAll },
  {
    name: 'signed RRsets of many names',
    make: (octets) =>
      messageOf(octets, (index) => {
        const rrset = [record({ ownerName: apex.prepend(`h${index}`), rdata: address })];
        return [...rrset, record({ ownerName: apex.prepend(`h${index}`), rdata: signatureOf(rrset) })];
      }),
    read: verifyAll,
  },
  {
    name: 'a large RRset with eight signatures',
    make: (octets) => {
      const ns = (/** @type {number} */ index) =>
        record({ rdata: { kind: 'NS', target: DomainName.parse(`N${(index * 7919) % 65_537}`, apex) } });
      const signed = signatureOf([ns(0)]);
      return messageOf(octets, (index) => [index < 8 ? record({ rdata: signed }) : ns(index)]);
    },
    read: verifyAll,
  },
  {
    name: 'type bitmaps',
    make: (octets) => messageOf(octets, () => [record({ rdata: { kind: 'NSEC', next: apex, types: manyTypes } })]),
    read: (message) =>
      decodeMessage(message).answers.map(({ type, rdata }) =>
        canonicalRdatas(type, [encodedRdata(rdata).toString('latin1')]),
      ),
  },
  {
    name: 'NSEC and NSEC3 records',
    make: (octets) =>
      messageOf(octets, (index) => {
        const ownerName = apex.prepend(`h${index}`);
        const hash = nsec3Hash(ownerName.key, plain);
        const nextHashed = Buffer.from(hash, 'latin1');
        return [
          record({ ownerName, rdata: { kind: 'NSEC', next: ownerName, types: [1] } }),
          record({
            ownerName: nsec3OwnerName(hash, apex),
            rdata: { kind: 'NSEC3', hashAlgorithm: 1, flags: 0, ...plain, nextHashed, types: [1] },
          }),
        ];
      }),
    read: (message) => {
      const hash = nsec3Hash(apex.key, plain);
      return decodeMessage(message).answers.map(({ ownerName, rdata }) => {
        if (rdata.kind === 'NSEC') return nsecCovers(apex.key, ownerName.key, rdata.next.key);
        const owner = findNsec3Hash(ownerName, apex);
        return (
          rdata.kind === 'NSEC3' && owner && nsec3Covers(hash, owner, Buffer.from(rdata.nextHashed).toString('latin1'))
        );
      });
    },
  },
  {
    name: 'names of many labels, and signatures of wildcards above them',
    make: (octets) => {
      const signed = signatureOf([record({ rdata: address })]);
      return messageOf(octets, (index) => {
        const ownerName = manyLabels(index);
        return [record({ ownerName, rdata: address }), record({ ownerName, rdata: { ...signed, labels: 2 } })];
      });
    },
    read: (message) => {
      verifyAll(message);
      for (const { ownerName, type } of decodeMessage(message).answers) {
        if (type !== RRType.A) continue;
        for (let name = /** @type {DomainName | undefined} */ (ownerName); name; name = name.parent()) {
          nsec3Hash(name.key, plain);
        }
      }
    },
  },
];
