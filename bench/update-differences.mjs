// @ts-check
/**
 * The differences between our answers to UPDATEs and those of BIND that are known and intended, each with its reason, and how any other
 * is named: by both RCODEs, both reasons from the logs, and the record if there is one.
 */
import { DomainName } from '#dist/dns/name.js';
import { formatRRType } from '#dist/dns/rdata.js';
import { COMPRESSIBLE, readName } from './raw-transfer.mjs';

/**
 * @typedef {object} Difference
 * @property {import('./update-corpus.mjs').Update} update
 * @property {string} ours our RCODE @property {string} theirs BIND's RCODE
 * @property {string} ourReason from our log @property {string} theirReason from BIND's
 */
/** @typedef {import('./raw-transfer.mjs').TransferredRecord} TransferredRecord */
/** @typedef {{title: string, reason: string, is: (difference: Difference) => boolean}} Listed */

const isError = (/** @type {string} */ rcode) => rcode !== 'NOERROR' && !/^(closed|silent)$/.test(rcode);

const isHostName = (/** @type {readonly Uint8Array[]} */ labels) =>
  labels.every((label) => /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i.test(Buffer.from(label).toString('latin1')));

/** Whether BIND's check-names is about this record; its log has no line for that. @param {import('./update-corpus.mjs').RawRecord} record */
function isOddHost({ owner, type, class: rrClass, rdata }) {
  if (rrClass !== 1) return false;
  const labels = DomainName.ofWire(owner).labels();
  const [first] = labels;
  if (first !== undefined && Buffer.from(first).toString() === '*') labels.shift();
  if ([1, 28, 15].includes(type) && !isHostName(labels)) return true;
  const layout = COMPRESSIBLE.get(type);
  if (layout === undefined) return false;
  try {
    const target = DomainName.ofWire(readName(rdata, layout.before).name);
    // The root is no mailbox.
    return !isHostName(target.labels()) || (type === 7 && target.isRoot);
  } catch {
    return false;
  }
}

/** @type {readonly Listed[]} */
export const LISTED = [
  {
    title: 'occluded data',
    reason: 'We refuse what a delegation or a DNAME would hide; BIND accepts it.',
    is: ({ ours, ourReason }) => ours === 'REFUSED' && /below the (delegation|DNAME)|would hide/.test(ourReason),
  },
  {
    title: 'static records',
    reason: 'RRsets that the configuration sets, and SOA and NS of the apex, change by configuration alone.',
    is: ({ ours, ourReason }) => ours === 'REFUSED' && /set by the configuration/.test(ourReason),
  },
  {
    title: 'names that are not host names',
    reason:
      "BIND's check-names (RFC 952, RFC 1123 §2.1) and check-mx are about more than RFC 2136 demands; we serve such names.",
    is: ({ ours, theirs, theirReason, update }) =>
      ours === 'NOERROR' &&
      theirs === 'REFUSED' &&
      (/check-names|bad name|check-mx|is an address/i.test(theirReason) || update.edits.some(isOddHost)),
  },
  {
    title: 'the TTL is too large',
    reason: 'RFC 2181 §8: a TTL above 2147483647 is refused here; BIND stores 0.',
    is: ({ ours, ourReason }) =>
      ours === 'REFUSED' && /^the TTL \d+ .*is too large|The TTL \d+ is not between/.test(ourReason),
  },
  {
    title: 'addresses that no host has',
    reason: 'The rules for addresses refuse the unspecified one even where the zone allows every prefix.',
    is: ({ ours, ourReason }) => ours === 'REFUSED' && /is an? .* address .*is not published/.test(ourReason),
  },
  {
    title: 'meta types without a name',
    reason:
      'RFC 6895 §3.1 reserves 128 to 255 for meta types; we refuse them all (RFC 2136 §3.4.1.2), BIND those that it knows.',
    is: ({ ours, update }) =>
      ours === 'FORMERR' &&
      [...update.prerequisites, ...update.edits].some(
        ({ type }) => type >= 128 && type < 256 && /^TYPE/.test(formatRRType(type)),
      ),
  },
  {
    title: 'records of DNSSEC',
    reason: "We do not sign, so NSEC, NSEC3, NXT and RRSIG are data like others; BIND's signer alone writes them.",
    is: ({ ours, theirs, theirReason, update }) =>
      ours === 'NOERROR' &&
      ((theirs === 'REFUSED' && /(NSEC|NSEC3|NXT|RRSIG|SIG) updates are/.test(theirReason)) ||
        (theirs === 'SERVFAIL' && update.edits.some(({ type }) => type === 50))),
  },
  {
    title: 'two faults in one message',
    reason:
      'We check the format of all records before the first prerequisite; BIND stops at the first fault of any kind. Both refuse.',
    is: ({ ours, theirs, update }) =>
      isError(ours) &&
      isError(theirs) &&
      (update.prerequisites.length + update.edits.length > 1 || update.odd !== '' || update.isDamaged),
  },
];

/**
 * `is` is called with the name of the other server, the record, and all records of our zone.
 * @type {readonly {title: string, reason: string, is: (peer: string, record: TransferredRecord, ours: readonly TransferredRecord[]) => boolean}[]}
 */
export const LISTED_CONTENT = [
  {
    title: 'MD and MF',
    reason: 'Obsolete (RFC 1035 §3.3.4, §3.3.5). BIND ignores their addition, which RFC 2136 does not provide for.',
    is: (peer, { type }) => peer === 'BIND' && (type === 3 || type === 4),
  },
  {
    title: 'DS without a delegation',
    reason: 'BIND deletes a DS RRset where no NS RRset is. RFC 2136 has no such rule, and such data does no harm.',
    is: (peer, { owner, type }, ours) =>
      peer === 'BIND' && type === 43 && !ours.some((other) => other.type === 2 && other.owner === owner),
  },
];

/** Without what differs from message to message: names, numbers, quoted texts. @param {string} reason */
const shapeOf = (reason) => reason.replaceAll(/'[^']*'|"[^"]*"/g, "'…'").replaceAll(/\d+/g, 'N');

/** Equal for differences of one cause, as far as that can be seen. @param {Difference} difference */
export function classOf({ update, ours, theirs, ourReason, theirReason }) {
  const [record, ...others] = [...update.prerequisites, ...update.edits];
  let what = `${others.length + 1} records`;
  if (update.isDamaged) what = 'a damaged message';
  else if (record !== undefined && others.length === 0) {
    const role = update.prerequisites.length > 0 ? 'prerequisite' : 'edit';
    what = `${role}, class ${record.class}, ${typeGroup(record.type)}`;
  }
  return `ours ${ours} (${shapeOf(ourReason)}), BIND ${theirs} (${shapeOf(theirReason)}): ${what}`;
}

/** @param {number} type */
function typeGroup(type) {
  const text = formatRRType(type);
  if (!text.startsWith('TYPE')) return text;
  if (type === 0) return 'TYPE0';
  return type >= 128 && type < 256 ? 'a meta type without a name' : 'a type without a name';
}
