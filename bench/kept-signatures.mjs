// @ts-check
/**
 * Signatures of data that did not change between two copies of a zone: signatures of ECDSA are random, so one that was made again differs,
 * and a secondary would have both. The SOA and the chain are left out: they may change and change back.
 */
import { formatRRType, RRType } from '#dist/dns/rdata.js';

/** @typedef {import('./dns-client.mjs').ZoneCopy} ZoneCopy */

const CHANGING_TYPES = new Set(['SOA', 'NSEC', 'NSEC3']);

/** Data and signatures of each RRset, by owner and type. @param {ZoneCopy} copy */
function rrsetsOf(copy) {
  /** @type {Map<string, {data: string[], signatures: string[]}>} */
  const rrsets = new Map();
  for (const record of copy.records) {
    const [, owner, type, rdata = ''] = /^(.*?) (\d+) \d+ (.*)$/s.exec(record) ?? [];
    const isSignature = Number(type) === RRType.RRSIG;
    const covered = isSignature ? rdata.slice(0, rdata.indexOf(' ')) : formatRRType(Number(type));
    if (CHANGING_TYPES.has(covered)) continue;
    const rrset = rrsets.get(`${owner} ${covered}`) ?? { data: [], signatures: [] };
    rrsets.set(`${owner} ${covered}`, rrset);
    (isSignature ? rrset.signatures : rrset.data).push(record);
  }
  return rrsets;
}

const sameTexts = (/** @type {string[]} */ a, /** @type {string[]} */ b) => a.sort().join('\n') === b.sort().join('\n');

/**
 * How many RRsets have the same data in both copies, and those of them with other signatures.
 * @param {ZoneCopy} before @param {ZoneCopy} after
 */
export function compareSignatures(before, after) {
  const rrsets = rrsetsOf(before);
  let unchanged = 0;
  const others = [];
  for (const [id, { data, signatures }] of rrsetsOf(after)) {
    const earlier = rrsets.get(id);
    if (earlier === undefined || !sameTexts(earlier.data, data)) continue;
    unchanged += 1;
    if (!sameTexts(earlier.signatures, signatures)) others.push(id);
  }
  return { unchanged, others };
}
