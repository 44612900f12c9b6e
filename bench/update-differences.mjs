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
 * @property {readonly import('./update-corpus.mjs').Update[]} earlier messages of its episode
 * @property {string} ours our RCODE @property {string} theirs BIND's RCODE
 * @property {string} ourReason from our log @property {string} theirReason from BIND's
 */
/** @typedef {import('./raw-transfer.mjs').TransferredRecord} TransferredRecord */
/** @typedef {{title: string, reason: string, is: (difference: Difference) => boolean}} Listed */

const MAX_TTL = 2_147_483_647;
/** SIG, NXT, RRSIG, NSEC, NSEC3. */
const SIGNER_TYPES = new Set([24, 30, 46, 47, 50]);
/** NULL, LOC, APL, SSHFP, TLSA, SMIMEA, SVCB, HTTPS, SPF, URI. */
const STRICTER_TYPES = new Set([10, 29, 42, 44, 52, 53, 64, 65, 99, 256]);
/** SVCB, HTTPS: the target, after the priority, is never compressed. */
const SERVICE_BINDING = { types: [64, 65], before: 2, names: 1 };
/** A, WKS, MX, AAAA, A6, and the mailboxes MB and MG: BIND checks their owner names. */
const HOST_TYPES = new Set([1, 7, 8, 11, 15, 28, 38]);
const DSYNC = 66;
const A6 = 38;
/** The types of LISTED_CONTENT. */
const DIFFERENT_CONTENTS = new Set([3, 4, 5, 25, 43, 51]);
const RESINFO = 261;
/** HIP, TALINK, DSYNC, AMTRELAY. */
const COMPARED_BY_OCTETS = new Set([55, 58, DSYNC, 260]);

const keyOf = (/** @type {Buffer} */ owner) => DomainName.ofWire(owner).key;

const isError = (/** @type {string} */ rcode) => rcode !== 'NOERROR' && !/^(closed|silent)$/.test(rcode);

const isHostName = (/** @type {readonly Uint8Array[]} */ labels) =>
  labels.every((label) => /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i.test(Buffer.from(label).toString('latin1')));

/** RFC 2874 §3.1: a name only after a prefix. @param {Buffer} rdata */
function layoutOfA6(rdata) {
  const prefix = rdata[0] ?? 0;
  return prefix === 0 ? undefined : { before: 1 + Math.ceil((128 - prefix) / 8), names: 1 };
}

/** Whether BIND's check-names is about this record; its log has no line for that. @param {import('./update-corpus.mjs').RawRecord} record */
function isOddHost({ owner, type, class: rrClass, rdata }) {
  if (rrClass !== 1) return false;
  const labels = DomainName.ofWire(owner).labels();
  const [first] = labels;
  if (first !== undefined && Buffer.from(first).toString() === '*') labels.shift();
  if (HOST_TYPES.has(type) && !isHostName(labels)) return true;
  if (type === DSYNC) return true;
  const layout = SERVICE_BINDING.types.includes(type)
    ? SERVICE_BINDING
    : type === A6
      ? layoutOfA6(rdata)
      : COMPRESSIBLE.get(type);
  if (layout === undefined) return false;
  try {
    for (let left = layout.names, at = layout.before; left > 0; left--) {
      const { name, end } = readName(rdata, at);
      const target = DomainName.ofWire(name);
      // The root is no mailbox: MB, MG, MR.
      if (!isHostName(target.labels()) || (type >= 7 && type <= 9 && target.isRoot)) return true;
      at = end;
    }
    return false;
  } catch {
    return false;
  }
}

/** @type {readonly Listed[]} */
export const LISTED = [
  {
    title: 'occluded data',
    reason: 'We refuse what a delegation or a DNAME would hide; BIND accepts it.',
    is: ({ ours, ourReason }) =>
      ours === 'REFUSED' && /below the (delegation|DNAME)|would hide|would be hidden/.test(ourReason),
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
    is: ({ ours, update }) => ours === 'REFUSED' && update.edits.some((edit) => edit.class === 1 && edit.ttl > MAX_TTL),
  },
  {
    title: 'addresses that no host has',
    reason: 'The rules for addresses refuse the unspecified one even where the zone allows every prefix.',
    is: ({ ours, ourReason, update }) =>
      ours === 'REFUSED' &&
      (/address .*is not published/.test(ourReason) ||
        update.edits.some(
          (edit) =>
            edit.class === 1 && (edit.type === 1 || edit.type === 28) && edit.rdata.every((octet) => octet === 0),
        )),
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
    title: 'meta types in a prerequisite',
    reason:
      'No RRset has a meta type (RFC 6895 §3.1), so that asking for one is a mistake of the client: FORMERR here; BIND answers as for ' +
      'any type that is not there.',
    is: ({ ours, ourReason }) => ours === 'FORMERR' && /^prerequisite at .*: meta type/.test(ourReason),
  },
  {
    title: 'records of a signer',
    reason:
      'SIG, NXT, RRSIG, NSEC and NSEC3 are not added by UPDATE here, whatever else is at the name; BIND refuses them, ' +
      'ignores them beside a CNAME, or answers SERVFAIL to NSEC3, also in a prerequisite.',
    is: ({ ours, theirs, update }) =>
      (ours === 'REFUSED' && update.edits.some((edit) => edit.class === 1 && SIGNER_TYPES.has(edit.type))) ||
      ((ours === 'NOERROR' || theirs === 'SERVFAIL') &&
        /REFUSED|SERVFAIL/.test(theirs) &&
        [...update.prerequisites, ...update.edits].some(({ type }) => SIGNER_TYPES.has(type))),
  },
  {
    title: 'a second RESINFO',
    reason: 'A name has one RESINFO (RFC 9606 §5): the newer one takes its place here; BIND answers SERVFAIL.',
    is: ({ ours, theirs, update }) =>
      ours === 'NOERROR' &&
      theirs === 'SERVFAIL' &&
      update.edits.some((edit) => edit.class === 1 && edit.type === RESINFO),
  },
  {
    title: 'malformed RDATA with another RCODE',
    reason:
      'BIND answers SERVFAIL or NOTIMP to some of it, such as an IPSECKEY with an unknown type of gateway. Both refuse.',
    is: ({ ours, theirs, ourReason }) => ours === 'FORMERR' && isError(theirs) && /malformed RDATA/.test(ourReason),
  },
  {
    title: 'removal of malformed RDATA',
    reason: 'A zone may have it from before it was refused, so that it can be removed here; BIND answers FORMERR.',
    is: ({ ours, theirs, update }) =>
      ours === 'NOERROR' && /FORMERR|SERVFAIL/.test(theirs) && update.edits.some((edit) => edit.class === 254),
  },
  {
    title: 'RDATA that another secondary refuses',
    reason:
      'An empty NULL and a LOC of another version (Knot), SPF, APL and SVCB of too many parts (NSD), digests of a wrong length in ' +
      'TLSA and SMIMEA, an SSHFP without a fingerprint, a URI without a target (RFC 7553 §4.5): BIND takes them.',
    is: ({ ours, theirs, ourReason, update }) =>
      ours === 'FORMERR' &&
      theirs === 'NOERROR' &&
      /malformed RDATA/.test(ourReason) &&
      update.edits.some((edit) => edit.class === 1 && STRICTER_TYPES.has(edit.type)),
  },
  {
    title: 'a prerequisite about a name whose contents differ, as listed',
    reason: 'MD, MF, KEY, DS, NSEC3PARAM and CNAME: see the differences in contents.',
    is: ({ ours, theirs, update, earlier }) =>
      [ours, theirs].some((rcode) => /^(YX|NX)/.test(rcode)) &&
      update.prerequisites.some(({ owner }) =>
        earlier.some(({ edits }) =>
          edits.some((edit) => DIFFERENT_CONTENTS.has(edit.type) && keyOf(edit.owner) === keyOf(owner)),
        ),
      ),
  },
  {
    title: 'two faults in one message',
    reason:
      'We check the format of all records before the first prerequisite, and names before RDATA; BIND stops at the first fault of any ' +
      'kind. Both refuse.',
    is: ({ ours, theirs, update }) =>
      isError(ours) &&
      isError(theirs) &&
      // Of one record: outside of the zone, with a TTL or a type that is not allowed, and with RDATA that is malformed.
      ((/FORMERR|NOTZONE/.test(ours) && /FORMERR|NOTZONE|SERVFAIL/.test(theirs)) ||
        update.prerequisites.length + update.edits.length > 1 ||
        update.odd !== '' ||
        update.isDamaged ||
        update.edits.some((edit) => ![1, 254, 255].includes(edit.class))),
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
    title: 'names that differ in case alone',
    reason:
      'Records that another secondary takes for one are one here: SVCB and HTTPS, for Knot and NSD. BIND has two. In HIP, AMTRELAY, DSYNC ' +
      'and TALINK every server stores two, but an UPDATE of the second is ignored by BIND.',
    is: (peer, { owner, type, rdata }, ours) => {
      const equal = ours.filter((other) => other.owner === owner && other.type === type && other.rdata === rdata);
      return peer === 'BIND' && (COMPARED_BY_OCTETS.has(type) ? equal.length > 1 : equal.length === 1);
    },
  },
  {
    title: 'the state of signing',
    reason: 'BIND notes it in records of TYPE65534 once a DNSKEY was added.',
    is: (peer, { type }) => peer === 'BIND' && type === 65_534,
  },
  {
    title: 'NSEC3PARAM',
    reason:
      'BIND takes it for an order to its signer: one with flags, or below the apex, is not stored. RFC 2136 has no such rule.',
    is: (peer, { type }) => peer === 'BIND' && type === 51,
  },
  {
    title: 'KEY beside a CNAME',
    reason:
      'RFC 4035 §2.5 allows it and BIND adds it; Knot refuses a zone that has it, so that it is ignored here, as all data beside a ' +
      'CNAME (RFC 2136 §3.4.2.2).',
    is: (peer, { owner, type }, ours) =>
      peer === 'BIND' &&
      ((type === 25 && ours.some((other) => other.type === 5 && other.owner === owner)) ||
        (type === 5 && ours.some((other) => other.type === 25 && other.owner === owner))),
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
