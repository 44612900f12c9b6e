/**
 * Intentional differences between our server and BIND or Knot in RCODEs and EDNS options, with reason and standard.
 * docs/standards.md has the same list. A row that no longer explains any difference fails the test.
 */
export interface EdnsReply {
  readonly rcode: string;
  /** Code and content of each option; `none` without OPT. */
  readonly options: string;
  readonly signed: boolean;
}

export interface EdnsDifference {
  /** Of the request. */
  readonly name: string;
  readonly peer: 'bind' | 'knot';
  readonly transport: 'udp' | 'tcp';
  /** The request is signed. */
  readonly signed: boolean;
  readonly ours: EdnsReply;
  readonly theirs: EdnsReply;
}

export interface EdnsAccepted {
  readonly name: string;
  readonly peers: readonly ('bind' | 'knot')[];
  readonly reason: string;
  readonly standard: string;
  readonly fields: readonly (keyof EdnsReply)[];
  readonly covers: (difference: EdnsDifference) => boolean;
}

const codes = ({ options }: EdnsReply): readonly string[] => options.split(' ').map((option) => option.split('=')[0]!);
const has = (reply: EdnsReply, code: string): boolean => codes(reply).includes(code);
/** Whether the options are the same without some codes. */
const sameWithout = ({ ours, theirs }: EdnsDifference, ...left: string[]): boolean => {
  const others = (reply: EdnsReply) =>
    codes(reply)
      .filter((code) => code !== '' && !left.includes(code))
      .join();
  return others(ours) === others(theirs);
};

const BOTH = ['bind', 'knot'] as const;

export const EDNS_ACCEPTED: readonly EdnsAccepted[] = [
  {
    name: 'every reply to a signed request that was understood is signed',
    peers: BOTH,
    reason: 'RFC 8945 §5.3: the client can then believe the error. BIND and Knot send many errors unsigned.',
    standard: 'RFC 8945',
    fields: ['signed'],
    covers: ({ signed, ours, theirs }) => signed && ours.signed && !theirs.signed,
  },
  {
    name: 'no reply has a client subnet',
    peers: ['bind'],
    reason:
      'RFC 7871 §7.2.1: no answer depends on it, so the option is checked and not used. BIND returns it with scope 0.',
    standard: 'RFC 7871',
    fields: ['options'],
    covers: (difference) => has(difference.theirs, '8') && sameWithout(difference, '8'),
  },
  {
    name: 'no reply has an extended error',
    peers: BOTH,
    reason: 'The codes of RFC 8914 are optional, and the log has the reason.',
    standard: 'RFC 8914',
    fields: ['options'],
    covers: (difference) => has(difference.theirs, '15') && sameWithout(difference, '15', '10', '11'),
  },
  {
    name: 'AXFR and IXFR have EXPIRE',
    peers: ['bind'],
    reason: 'RFC 7314 §3 names SOA, AXFR and IXFR. BIND sends it with SOA alone.',
    standard: 'RFC 7314',
    fields: ['options'],
    covers: (difference) => has(difference.ours, '9') && sameWithout(difference, '9') && isTransfer(difference),
  },
  {
    name: 'BADVERS has NSID and a cookie',
    peers: ['bind'],
    reason: 'One rule for all replies: the client sees which server it was, and that the reply is to its request.',
    standard: 'RFC 7873',
    fields: ['options'],
    covers: ({ ours, theirs }) => ours.rcode === 'BADVERS' && theirs.options === '',
  },
  {
    name: 'an unknown version is BADVERS, also with a malformed option',
    peers: ['bind'],
    reason: 'RFC 6891 §6.1.3: the options of another version may have another form. BIND reads them first: FORMERR.',
    standard: 'RFC 6891',
    fields: ['rcode'],
    covers: ({ ours, theirs }) => ours.rcode === 'BADVERS' && theirs.rcode === 'FORMERR',
  },
  {
    name: 'FORMERR has the options that are not malformed',
    peers: ['bind'],
    reason: 'RFC 6891 §7: a reply to a request with OPT has OPT. BIND omits options, in some cases OPT.',
    standard: 'RFC 6891',
    fields: ['options'],
    covers: ({ ours, theirs }) => ours.rcode === 'FORMERR' && theirs.rcode === 'FORMERR' && theirs.options.length < 5,
  },
  {
    name: 'without a question a wrong server cookie is BADCOOKIE',
    peers: ['bind'],
    reason: 'RFC 7873 §5.4. BIND answers NOERROR. Both send a new cookie.',
    standard: 'RFC 7873',
    fields: ['rcode'],
    covers: ({ ours, theirs }) => ours.rcode === 'BADCOOKIE' && theirs.rcode === 'NOERROR',
  },
  {
    name: 'without a question, but with records, a cookie query is FORMERR',
    peers: ['bind'],
    reason: 'RFC 7873 §5.4 allows an empty question section alone. BIND answers SERVFAIL.',
    standard: 'RFC 7873',
    fields: ['rcode'],
    covers: ({ ours, theirs }) => ours.rcode === 'FORMERR' && theirs.rcode === 'SERVFAIL',
  },
  {
    name: 'a second COOKIE is ignored, also if it is malformed',
    peers: ['bind'],
    reason: 'RFC 7873 §5.2: the first one is used and the others are ignored. BIND checks the form of all.',
    standard: 'RFC 7873',
    fields: ['rcode', 'options'],
    covers: ({ name }) => name === 'two cookies, the second malformed',
  },
  {
    name: 'an opcode that is not implemented is NOTIMP, also with a malformed option',
    peers: ['bind'],
    reason: 'The client learns first that a retry is useless. BIND reads the options first: FORMERR.',
    standard: 'RFC 1035',
    fields: ['rcode'],
    covers: ({ ours, theirs }) => ours.rcode === 'NOTIMP' && theirs.rcode === 'FORMERR',
  },
  {
    name: 'octets after the last record are FORMERR',
    peers: ['bind'],
    reason: 'The message is not what its header says. BIND ignores the rest, except where it is signed.',
    standard: 'RFC 1035',
    fields: ['rcode', 'options'],
    covers: ({ name }) => name === 'octets after the message',
  },
  {
    name: 'AXFR over UDP is FORMERR',
    peers: BOTH,
    reason: 'As above: RFC 5936 §4.2 requires TCP. BIND checks the permission first: REFUSED, Knot answers NOTIMP.',
    standard: 'RFC 5936',
    fields: ['rcode'],
    covers: ({ name, transport, ours }) => name === 'AXFR' && transport === 'udp' && ours.rcode === 'FORMERR',
  },
  {
    name: 'cookies and keepalive are answered',
    peers: ['knot'],
    reason: 'Knot answers cookies with a module alone, and keepalive never.',
    standard: 'RFC 7873',
    fields: ['options'],
    covers: (difference) => hasMore(difference) && sameWithout(difference, '10', '11', '15'),
  },
  {
    name: 'a query for a cookie alone is answered',
    peers: ['knot'],
    reason: 'RFC 7873 §5.4. Knot answers FORMERR.',
    standard: 'RFC 7873',
    fields: ['rcode'],
    covers: ({ name, ours, theirs }) =>
      /^no question, .*cookie/.test(name) &&
      ['NOERROR', 'BADCOOKIE'].includes(ours.rcode) &&
      theirs.rcode === 'FORMERR',
  },
  {
    name: 'EXPIRE is only in replies that have the SOA as their answer',
    peers: ['knot'],
    reason: 'RFC 7314 §3 names SOA, AXFR and IXFR. Knot sends it with every reply of the zone.',
    standard: 'RFC 7314',
    fields: ['options'],
    covers: (difference) => has(difference.theirs, '9') && sameWithout(difference, '9', '10'),
  },
  {
    name: 'a malformed option is FORMERR',
    peers: ['knot'],
    reason: 'RFC 7873 §5.2.2, RFC 7871 §6; the others as at BIND. Knot does not read options that it does not answer.',
    standard: 'RFC 7871',
    fields: ['rcode', 'options'],
    covers: ({ name, ours, theirs }) => ours.rcode === 'FORMERR' && theirs.rcode !== 'FORMERR' && isAboutForm(name),
  },
  {
    name: 'OPT elsewhere than at the root is FORMERR',
    peers: ['knot'],
    reason: 'RFC 6891 §6.1.2: its name must be the root. Knot does not check it.',
    standard: 'RFC 6891',
    fields: ['rcode', 'options', 'signed'],
    covers: ({ name }) => /^OPT (not at the root|at QNAME)/.test(name),
  },
  {
    name: 'meta types are refused as queries',
    peers: ['knot'],
    reason: 'As at BIND: FORMERR and NOTIMP. Knot looks them up as data.',
    standard: 'RFC 6895',
    fields: ['rcode'],
    covers: ({ name, theirs }) => ['FORMERR', 'NOTIMP'].includes(name) && theirs.rcode === 'NOERROR',
  },
  {
    name: 'two questions are answered with FORMERR',
    peers: ['knot'],
    reason: 'As at BIND. Knot does not reply, and closes the connection.',
    standard: 'RFC 9619',
    fields: ['rcode', 'options', 'signed'],
    covers: ({ name, theirs }) => name === 'two questions' && ['no reply', 'closed'].includes(theirs.rcode),
  },
  {
    name: 'an UPDATE or transfer without permission is REFUSED',
    peers: ['knot'],
    reason: 'As at BIND (RFC 2136 §3.3, RFC 5936 §2.2.1). Knot answers NOTAUTH.',
    standard: 'RFC 2136',
    fields: ['rcode'],
    covers: ({ ours, theirs }) => ours.rcode === 'REFUSED' && theirs.rcode === 'NOTAUTH',
  },
  {
    name: 'the reply to a signed UPDATE has OPT',
    peers: ['knot'],
    reason: 'RFC 6891 §7: a reply to a request with OPT has OPT. Knot omits it.',
    standard: 'RFC 6891',
    fields: ['options'],
    covers: ({ name, ours, theirs }) => name.includes('UPDATE') && ours.options !== 'none' && theirs.options === 'none',
  },
];

function isTransfer({ name }: EdnsDifference): boolean {
  return name === 'AXFR' || name === 'IXFR';
}

function hasMore({ ours, theirs }: EdnsDifference): boolean {
  return codes(ours).some((code) => (code === '10' || code === '11') && !has(theirs, code));
}

function isAboutForm(name: string): boolean {
  return /octets|^client subnet|malformed/.test(name);
}
