// @ts-check
/**
 * Signed messages and key files for fuzz-codec.mjs, and what must hold after they were damaged: a signature that is valid is of data that
 * we signed, and key files give the same key or a KeyFileError.
 */
import { createPrivateKey } from 'node:crypto';
import { canonicalRdatas, signableRRset } from '#dist/dns/dnssec/canonical.js';
import { dsOfKey, keyTag, matchDs } from '#dist/dns/dnssec/delegation.js';
import { findNsec3Hash, MAX_NSEC3_ITERATIONS, nsec3Hash, nsec3OwnerName } from '#dist/dns/dnssec/denial.js';
import { formatKeyFiles, KeyFileError, parseKeyFiles } from '#dist/dns/dnssec/key-file.js';
import { SigningKey } from '#dist/dns/dnssec/signing-key.js';
import { ZoneKeys } from '#dist/dns/dnssec/verify.js';
import { DomainName } from '#dist/dns/name.js';
import { parseRdata } from '#dist/dns/presentation/rdata-text.js';
import { parseRRType, RRType } from '#dist/dns/rdata.js';
import { encodeMessage, makeMessage } from '#dist/dns/wire/message.js';
import { decodeRdata, encodedRdata } from '#dist/dns/wire/rdata-codec.js';
import { WireReader } from '#dist/dns/wire/reader.js';

/** @typedef {import('#dist/dns/rdata.js').ResourceRecord} ResourceRecord */
/** @typedef {import('#dist/dns/dnssec/canonical.js').SignableRRset} SignableRRset */

const apex = DomainName.parse('Example.com');
const NOW = 1_800_000_000;
const PERIOD = { inception: NOW - 3600, expiration: NOW + 3600 };
/** PKCS #8 of P-256 and Ed25519 up to the private key, which is the same in each run. */
const KEYS = [
  '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420',
  '302e020100300506032b657004220420',
].map((prefix) => {
  const key = Buffer.concat([Buffer.from(prefix, 'hex'), Buffer.alloc(32, 7)]);
  return new SigningKey(apex, createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
});
const PUBLISHED = new ZoneKeys(
  apex,
  KEYS.map(({ dnskey }) => dnskey),
);

/** Owner name, type, and the RDATA of its records. @type {readonly [ownerName: string, type: string, ...rdatas: string[]][]} */
const RRSETS = [
  ['www', 'A', '192.0.2.1', '192.0.2.2'],
  ['*.Wild', 'TXT', '"one"', '"two" "three"'],
  ['a.b.c.d.e', 'MX', '10 Mail', '20 Mail.Example.net.'],
  ['_sip._tcp', 'SRV', '1 2 3 Sip'],
  ['www', 'NSEC', '*.Wild A AAAA RRSIG NSEC TYPE1234 TYPE65000'],
  ['0p9mhaveqvm6t7vbl5lop2u3t2rp3tom', 'NSEC3', '1 0 12 AABB 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG'],
  ['sub', 'DS', `1 13 2 ${'AB'.repeat(32)}`],
  ['svc', 'HTTPS', '1 Svc.Example.com. alpn=h2 port=8443'],
];

/** What a signature covers, as a text. @param {SignableRRset} rrset */
const signedText = ({ ownerKey, type, rdatas }) => JSON.stringify([ownerKey, type, canonicalRdatas(type, rdatas)]);

/** @type {Set<string>} */
const signedTexts = new Set();

/** A message for each RRset: its records, their signatures, and the DNSKEY records with theirs. @returns {Buffer[]} */
export function signedPackets() {
  const dnskeys = KEYS.map(({ dnskey }) => /** @type {const} */ ({ kind: 'DNSKEY', ...dnskey }));
  const keyRecords = signedRecords(apex, RRType.DNSKEY, dnskeys);
  return RRSETS.map(([owner, mnemonic, ...texts]) => {
    const type = parseRRType(mnemonic) ?? 0;
    const rdatas = texts.map((text) => parseRdata(type, text, apex));
    return encodeMessage(
      makeMessage({ answers: signedRecords(DomainName.parse(owner, apex), type, rdatas), authority: keyRecords }),
    );
  });
}

/** @param {DomainName} ownerName @param {number} type @param {readonly import('#dist/dns/rdata.js').Rdata[]} rdatas @returns {ResourceRecord[]} */
function signedRecords(ownerName, type, rdatas) {
  const rrset = signableRRset({ ownerName, type, ttl: 60, rdatas });
  signedTexts.add(signedText(rrset));
  const signatures = KEYS.map((key) =>
    decodeRdata(new WireReader(Buffer.from(key.sign(rrset, PERIOD), 'latin1')), RRType.RRSIG),
  );
  const record = (/** @type {number} */ each) => (/** @type {import('#dist/dns/rdata.js').Rdata} */ rdata) => {
    return { ownerName, type: each, class: 1, ttl: 60, rdata };
  };
  return [...rdatas.map(record(type)), ...signatures.map(record(RRType.RRSIG))];
}

/**
 * Verifies the signatures of a message, with our keys and with those in it; hashes and digests of its other records.
 * @param {import('#dist/dns/wire/message.js').DecodedMessage} message
 * @returns {{ valid: number, invalid: number }} signatures, by our keys
 */
export function verifyMessage({ answers, authority, additional }) {
  const records = [...answers, ...authority, ...additional];
  const counts = { valid: 0, invalid: 0 };
  if (!records.some(({ type }) => type === RRType.RRSIG || type === RRType.NSEC3)) return counts;
  const dnskeys = records.flatMap(({ rdata }) => (rdata.kind === 'DNSKEY' ? [rdata] : []));
  const received = new ZoneKeys(apex, dnskeys);
  for (const dnskey of dnskeys) {
    if (matchDs(apex, dnskey, dsOfKey(apex, dnskey)) !== 'match') throw new Error('a key matches its own DS');
  }
  for (const { ownerName, rdata } of records) {
    if (rdata.kind === 'NSEC3') checkHash(ownerName, rdata);
    if (rdata.kind !== 'RRSIG') continue;
    const covered = records.filter((each) => each.type === rdata.typeCovered && each.ownerName.equals(ownerName));
    const rdatas = covered.map((each) => encodedRdata(each.rdata).toString('latin1'));
    const rrset = { ownerKey: ownerName.key, type: rdata.typeCovered, ttl: 60, rdatas };
    received.verify(rrset, rdata, NOW);
    // A damaged key has another tag, and would not be read.
    const [first] = dnskeys;
    if (first !== undefined && counts.valid + counts.invalid === 0) {
      received.verify(rrset, { ...rdata, algorithm: first.algorithm, keyTag: keyTag(first) }, NOW);
    }
    const outcome = PUBLISHED.verify(rrset, rdata, NOW);
    if (outcome === 'valid' && !signedTexts.has(signedText(rrset))) throw new Error('we did not sign these records');
    if (outcome === 'valid' || outcome === 'expanded') counts.valid += 1;
    else counts.invalid += 1;
  }
  return counts;
}

/** @param {DomainName} ownerName @param {import('#dist/dns/rdata.js').Rdata & { kind: 'NSEC3' }} rdata */
function checkHash(ownerName, rdata) {
  const hash = findNsec3Hash(ownerName, apex);
  if (hash !== undefined && !nsec3OwnerName(hash, apex).equals(ownerName)) throw new Error('another hash');
  if (rdata.iterations <= MAX_NSEC3_ITERATIONS) nsec3Hash(ownerName.key, rdata);
}

const FILES = KEYS.map((key) => ({ key, ...formatKeyFiles({ key, times: { Created: NOW, Activate: NOW } }) }));

/**
 * Reads a pair of key files with one or more damages in either.
 * @param {(limit: number) => number} below
 * @returns {'read' | 'refused'}
 */
export function readDamagedKeyFiles(below) {
  const { key, publicText, privateText } = FILES[below(FILES.length)] ?? {
    key: KEYS[0],
    publicText: '',
    privateText: '',
  };
  const isPublic = below(2) === 0;
  let text = isPublic ? publicText : privateText;
  for (let times = below(4) === 0 ? 1 + below(5) : 1; times > 0; times--) text = damagedText(text, below);
  try {
    const read = isPublic ? parseKeyFiles(text, privateText) : parseKeyFiles(publicText, text);
    if (!key || !read.key.privateKey.equals(key.privateKey)) throw new Error(`another key: ${JSON.stringify(text)}`);
    return 'read';
  } catch (error) {
    if (error instanceof KeyFileError) return 'refused';
    throw error;
  }
}

/** @param {string} text @param {(limit: number) => number} below */
function damagedText(text, below) {
  const from = below(text.length + 1);
  const to = from + below(below(3) === 0 ? 100 : 4);
  const inserted = [
    () => '',
    () => String.fromCharCode(below(256)),
    () =>
      ['\n', ' ', '(', ')', ';', '"', '\\', ':', '\0', '\u{1f511}', '\ud800', 'DNSKEY', 'IN', 'v1.3'][below(14)] ?? '',
    () => text.slice(below(text.length + 1)).slice(0, below(60)),
  ][below(4)];
  return text.slice(0, from) + (inserted?.() ?? '') + text.slice(to);
}
