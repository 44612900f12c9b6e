// @ts-check
/**
 * UPDATE messages (RFC 2136) of all types and octets, for the campaign that compares our server with BIND. They come in episodes: a few
 * messages about one subtree of their own, so that what one server refuses has no consequences outside of it. Messages are built as
 * octets, uncompressed, because the product's codec builds no invalid RDATA.
 */
import { DomainName } from '#dist/dns/name.js';
import { formatRRType } from '#dist/dns/rdata.js';
import { readName } from './raw-transfer.mjs';
import { makeRdatas, SAMPLE_TYPES } from './update-rdata.mjs';

/** @typedef {{owner: Buffer, type: number, class: number, ttl: number, rdata: Buffer}} RawRecord */
/**
 * @typedef {object} Update
 * @property {Buffer} octets without a signature
 * @property {readonly RawRecord[]} prerequisites @property {readonly RawRecord[]} edits as the octets have them, as far as they can be read
 * @property {boolean} isDamaged octets of the message were changed after it was built
 * @property {string} odd the unusual zone section, or ''
 */

export const ZONE = 'fuzz.example.com';
/** The only static name besides the apex. */
export const STATIC = `static.${ZONE}`;
export const apex = DomainName.parse(ZONE);
const staticName = DomainName.parse(STATIC);
const IN = 1;
const NONE = 254;
const ANY = 255;
const TTLS = [0, 1, 60, 60, 60, 300, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
/** Types whose place in the zone has consequences, and the most frequent ones. */
const WEIGHTY = [1, 1, 2, 2, 5, 5, 6, 16, 28, 39, 39, 43];
/** Labels in front of the name of an episode. */
const BELOW = ['', '', '', 'a.', 'A.', 'b.a.', '*.', 'x.*.', 'sub.', 'ns.sub.', 'dn.', 'h.dn.', '_sip._tcp.', 'h_h.'];
/** SIG, KEY, NXT, RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM, CDS, CDNSKEY. */
const OF_SIGNERS = new Set([24, 25, 30, 46, 47, 48, 50, 51, 59, 60]);
const LONG = `${'l'.repeat(63)}.`;
const BINARY = '\\000\\255\\.\\032.';

const MAX_OCTETS = 65_535 - 300;

const u16 = (/** @type {number} */ value) => Buffer.of(value >> 8, value & 255);

/** @param {RawRecord} record */
function recordOctets({ owner, type, class: rrClass, ttl, rdata }) {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(rrClass, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(rdata.length, 8);
  return Buffer.concat([owner, fixed, rdata]);
}

/** @param {DomainName} qname @param {number} qtype @param {number} qclass @param {readonly RawRecord[]} prerequisites @param {readonly RawRecord[]} edits */
function messageOctets(qname, qtype, qclass, prerequisites, edits) {
  const counts = [1, prerequisites.length, edits.length, 0].map(u16);
  const header = Buffer.concat([u16(0), u16(5 << 11), ...counts]);
  const zone = Buffer.concat([qname.octets, u16(qtype), u16(qclass)]);
  return Buffer.concat([header, zone, ...prerequisites.map(recordOctets), ...edits.map(recordOctets)]);
}

/** @param {readonly RawRecord[]} edits @returns {Update} */
export function plainUpdate(edits) {
  return {
    octets: messageOctets(apex, 6, IN, [], edits),
    prerequisites: [],
    edits,
    isDamaged: false,
    odd: '',
  };
}

/** Deletes all RRsets at each name (RFC 2136 §2.5.3). @param {readonly DomainName[]} names */
export function deletionOf(names) {
  const empty = Buffer.alloc(0);
  return plainUpdate(
    names.map((name) => ({ owner: Buffer.from(name.octets), type: ANY, class: ANY, ttl: 0, rdata: empty })),
  );
}

/** One line for each record. @param {Update} update */
export function describe({ prerequisites, edits, isDamaged, odd, octets }) {
  const text = (/** @type {RawRecord} */ { owner, type, class: rrClass, ttl, rdata }) => {
    const classes = new Map([[IN, 'IN'], [NONE, 'NONE'], [ANY, 'ANY']]); // biome-ignore format: a table
    const shown =
      rdata.length > 80 ? `${rdata.toString('hex', 0, 80)}… (${rdata.length} octets)` : rdata.toString('hex');
    return `${DomainName.ofWire(owner)} ${ttl} ${classes.get(rrClass) ?? rrClass} ${formatRRType(type)} [${shown}]`;
  };
  const lines = [
    ...(odd === '' ? [] : [`zone section ${odd}`]),
    ...prerequisites.map((record) => `if ${text(record)}`),
    ...edits.map((record) => `do ${text(record)}`),
  ];
  return isDamaged ? `damaged message ${octets.toString('hex', 0, 400)}` : lines.join('\n    ');
}

/** @param {import('./update-rdata.mjs').Numbers} numbers */
export function makeUpdates(numbers) {
  const { below } = numbers;
  const { rdataOf, sample, otherCase, oneOf } = makeRdatas(numbers);
  let episodes = 0;

  function anyType() {
    const kind = below(100);
    if (kind < 25) return oneOf(WEIGHTY);
    if (kind < 75) return oneOf(SAMPLE_TYPES);
    if (kind < 82) return 128 + below(128);
    if (kind < 90) return below(300);
    return below(65_536);
  }

  /** @param {DomainName} own the name of the episode */
  function ownerIn(own) {
    const kind = below(200);
    if (kind < 8) return apex;
    if (kind === 8) return DomainName.parse(oneOf([STATIC, `below.${STATIC}`]));
    if (kind === 9) return DomainName.parse(oneOf(['example.com', 'xfuzz.example.com', 'example.net', '.']));
    if (kind === 10) return DomainName.parse(`${LONG.repeat(3)}${own}`);
    if (kind === 11) return DomainName.parse(`${BINARY}${own}`);
    return DomainName.parse(`${oneOf(BELOW)}${own}`);
  }

  /** The name in the letters of this message. @param {DomainName} name */
  const ownerOctets = (name) => (below(4) ? Buffer.from(name.octets) : otherLetters(Buffer.from(name.octets)));

  /** Changes letters in labels only: a length octet may be one, too. @param {Buffer} octets */
  function otherLetters(octets) {
    for (let at = 0; (octets[at] ?? 0) > 0; at += (octets[at] ?? 0) + 1) {
      const end = at + 1 + (octets[at] ?? 0);
      otherCase(octets.subarray(at + 1, end)).copy(octets, at + 1);
    }
    return octets;
  }

  /** @param {DomainName} own @returns {RawRecord[]} */
  function edit(own) {
    const type = anyType();
    const place = ownerIn(own);
    // With keys at its apex a zone of BIND is one that BIND signs.
    const owner = ownerOctets(place.equals(apex) && OF_SIGNERS.has(type) ? own : place);
    const rdata = Buffer.alloc(0);
    const kind = below(100);
    if (kind < 7) return [{ owner, type, class: ANY, ttl: 0, rdata }];
    if (kind < 11) return [{ owner, type: ANY, class: ANY, ttl: 0, rdata }];
    if (kind < 20) return [{ owner, type, class: NONE, ttl: 0, rdata: rdataOf(type) }];
    if (kind < 26) {
      const odd = oneOf([ANY, NONE, 3, 0, 4, 253, below(65_536)]);
      return [{ owner, type, class: odd, ttl: oneOf(TTLS), rdata: below(2) ? rdata : rdataOf(type) }];
    }
    const record = { owner, type, class: IN, ttl: oneOf(TTLS), rdata: rdataOf(type) };
    if (below(10)) return [record];
    // The same record again in other letters, or a second one of the RRset.
    return [record, { ...record, rdata: below(2) ? otherCase(record.rdata) : rdataOf(type), ttl: oneOf(TTLS) }];
  }

  /** @param {DomainName} own @returns {RawRecord} */
  function prerequisite(own) {
    const owner = ownerOctets(ownerIn(own));
    const type = oneOf([anyType(), ANY, 1, 16]);
    const empty = Buffer.alloc(0);
    const kind = below(20);
    if (kind < 7) return { owner, type, class: ANY, ttl: 0, rdata: empty };
    if (kind < 14) return { owner, type, class: NONE, ttl: 0, rdata: empty };
    // The serials of both servers differ.
    const plain = type === 6 ? 1 : type;
    if (kind < 18) return { owner, type: plain, class: IN, ttl: 0, rdata: rdataOf(plain) };
    return { owner, type: plain, class: oneOf([ANY, NONE, IN, 3]), ttl: oneOf(TTLS), rdata: rdataOf(plain) };
  }

  /** @template T @param {number} limit @param {() => T} make */
  const times = (limit, make) => Array.from({ length: below(limit + 1) }, make);

  /** @param {DomainName} own @returns {Update} */
  function update(own) {
    const prerequisites = below(4) ? [] : times(2, () => prerequisite(own));
    // Most have one edit, so that a difference has one cause.
    const edits = below(10) < 7 ? edit(own) : [edit(own), ...times(4, () => edit(own))].flat();
    const isOdd = below(60) === 0;
    const qname = isOdd ? oneOf([apex, own, DomainName.parse('example.com'), DomainName.root]) : apex;
    const qtype = isOdd ? oneOf([6, 1, 255, below(65_536)]) : 6;
    const qclass = isOdd ? oneOf([1, 3, 254, 255]) : IN;
    const octets = messageOctets(qname, qtype, qclass, prerequisites, edits);
    // With its signature it would not fit into a message.
    if (octets.length > MAX_OCTETS) return update(own);
    const isDamaged = below(40) === 0;
    if (isDamaged) {
      // Not the header: a reply is matched by it.
      const at = 12 + below(octets.length - 12);
      octets[at] = oneOf([0, 1, 0x3f, 0x40, 0xc0, 0xff, below(256)]);
    }
    const odd = isOdd ? `${qname} ${qclass} ${formatRRType(qtype)}` : '';
    return { octets, ...(isDamaged ? readSections(octets) : { prerequisites, edits }), isDamaged, odd };
  }

  /** What later messages of the episode find. @param {DomainName} own @returns {Update} */
  function benign(own) {
    const at = (/** @type {string} */ label) => Buffer.from(DomainName.parse(`${label}${own}`).octets);
    const record = (/** @type {string} */ label, /** @type {number} */ type, /** @type {Buffer} */ rdata) => {
      return { owner: at(label), type, class: IN, ttl: 60, rdata };
    };
    const address = Buffer.of(192, 0, 2, 1 + below(250));
    const target = Buffer.from(DomainName.parse(`Target.${own}`).octets);
    const cut = [record('sub.', 2, at('ns.sub.')), record('ns.sub.', 1, address)];
    /** @type {RawRecord[]} */
    const edits = oneOf([
      [record('', 1, address), record('', 16, Buffer.from('\x03one'))],
      [record('', 1, address), record('', 1, Buffer.of(192, 0, 2, 255)), record('a.', 28, sample(28))],
      [record('', 5, target)],
      [...cut, record('', 1, address)],
      [record('dn.', 39, target)],
      [record('*.', 1, address), record('a.', 15, Buffer.concat([Buffer.of(0, 10), target]))],
    ]);
    return plainUpdate(edits);
  }

  /** The messages of the next episode. @returns {Update[]} */
  function next() {
    episodes += 1;
    const own = DomainName.parse(`e${episodes}.${ZONE}`);
    return [...(below(5) < 2 ? [benign(own)] : []), ...Array.from({ length: 1 + below(4) }, () => update(own))];
  }
  return { next };
}

/**
 * The records of a message; none where it cannot be read. Names in RDATA stay as they are, maybe compressed.
 * @param {Buffer} octets @returns {{prerequisites: RawRecord[], edits: RawRecord[]}}
 */
function readSections(octets) {
  /** @type {RawRecord[][]} */
  const sections = [[], []];
  try {
    let at = readName(octets, 12).end + 4;
    for (const [section, records] of sections.entries()) {
      for (let left = octets.readUInt16BE(6 + 2 * section); left > 0; left--) {
        const { name, end } = readName(octets, at);
        DomainName.ofWire(name);
        const [type, rrClass] = [octets.readUInt16BE(end), octets.readUInt16BE(end + 2)];
        at = end + 10 + octets.readUInt16BE(end + 8);
        const rdata = octets.subarray(end + 10, at);
        records.push({ owner: name, type, class: rrClass, ttl: octets.readUInt32BE(end + 4), rdata });
      }
    }
  } catch {
    // Both servers refuse it at the same place.
  }
  const [prerequisites = [], edits = []] = sections;
  return { prerequisites, edits };
}

/** Names that the updates may have changed, each once; of the static names only the apex. @param {readonly Update[]} updates */
export function namesOf(updates) {
  const owners = updates.flatMap(({ edits }) => edits.map(({ owner }) => DomainName.ofWire(owner)));
  const names = owners.filter((name) => name.isAtOrBelow(apex) && !name.equals(staticName));
  return [...new Map(names.map((name) => [name.key, name])).values()];
}
