// @ts-check
/**
 * The parsers that read a client's text or octets, for fuzz-growth.mjs: each takes one input, whatever it is. To add one, add a row:
 * its name, prefixes after which it reads the rest of the text (near misses begin there), and the call.
 */

import { findOperation } from '#dist/core/admin/operation-routes.js';
import { parseIpAddress, parseIpPrefix } from '#dist/dns/address.js';
import { parseCookie } from '#dist/dns/cookie.js';
import { parseHostName } from '#dist/dns/host-name.js';
import { DomainName } from '#dist/dns/name.js';
import { readRecordText } from '#dist/dns/presentation/record-text.js';
import { RRType } from '#dist/dns/rdata.js';
import { ClientTransaction, checkRequest } from '#dist/dns/tsig.js';
import { makeTsigKey } from '#dist/dns/tsig-key.js';
import { parseUpdate } from '#dist/dns/update.js';
import { ednsRecord, findEdns } from '#dist/dns/wire/edns.js';
import { decodeMessage, encodeMessage, makeMessage, Opcode } from '#dist/dns/wire/message.js';
import { WireOverflow } from '#dist/dns/wire/writer.js';
import { parseZoneFile } from '#dist/dns/zone-file/zone-file.js';
import { clientAddress } from '#dist/http/app/client-address.js';
import { readHeaderValue } from '#dist/http/app/header-parameters.js';
import { multipartBoundary, parseMultipart } from '#dist/http/app/multipart.js';
import { mergeParameters, parseParameters, repeatedTexts } from '#dist/http/app/parameters.js';
import { parseProxyHeader } from '#dist/http/app/proxy-protocol.js';
import { queryOf, routedTarget, routeMatcher } from '#dist/http/app/request-target.js';
import { readAddress, readAddressWithLength, readPrefix } from '#dist/http/request/address-texts.js';
import { findCandidates, findUserName } from '#dist/http/request/credentials.js';
import { readJsonObject } from '#dist/http/request/json-body.js';
import { splitHosts } from '#dist/http/request/requested-host.js';
import { parseStrictJson } from '#dist/http/request/strict-json.js';
import { readParameters } from '#dist/http/request/update-parameters.js';
import { ZoneDraft } from '#dist/nameserver/zone/draft.js';
import { applyEdits, checkPrerequisites } from '#dist/nameserver/zone/edit.js';
import { ZoneNodes } from '#dist/nameserver/zone/zone-nodes.js';
import { rdataText, ZoneVersion } from '#dist/nameserver/zone/zone-version.js';
import { KEY_FILE_PARSERS, SIGNED_MESSAGES } from './growth-dnssec.mjs';
import { makeRoutes } from './growth-routes.mjs';

/**
 * @typedef {object} TextParser
 * @property {string} name
 * @property {readonly string[]} [prefixes] in front of the text; default: nothing
 * @property {true} [isRoute] a whole route: the main families of texts only
 * @property {(text: string) => unknown} read may throw
 */

const apex = DomainName.parse('example.com');
const PROXY = /** @type {const} */ ({ family: 4, text: '10.0.0.1' });

const trust = /** @type {const} */ ({
  trustedProxies: [parseIpPrefix('10.0.0.0/8')].filter((prefix) => prefix !== undefined),
});

const isRoute = routeMatcher(['/nic/update', '/u/:secret', '/update-by-path/:secret/:fqdn']);

/** @type {readonly TextParser[]} */
export const TEXT_PARSERS = [
  {
    name: 'request target',
    prefixes: ['', '/', '/a?', 'http://', '/%5c', '/nic/update?a=%20http'],
    read: (text) => queryOf(routedTarget(text, 'checkip.example.com', isRoute)),
  },
  {
    name: 'parameters',
    prefixes: ['', 'a=', 'a=1&'],
    read: (text) => mergeParameters(parseParameters(text), parseParameters(text)),
  },
  {
    name: 'lists of parameters',
    prefixes: ['', 'h[]=', 'myip=1&MyIP='],
    read: (text) => {
      const parameters = mergeParameters(parseParameters(text), parseParameters(text));
      return readParameters({ parameters, repeated: repeatedTexts(parameters) });
    },
  },
  {
    name: 'header parameters',
    prefixes: ['', 'form-data; name="', 'multipart/form-data; boundary=', 'multipart/form-data; boundary="'],
    read: (text) => [readHeaderValue(text), multipartBoundary(text)],
  },
  {
    name: 'multipart body',
    prefixes: [
      '',
      '--b\r\n',
      '--b\r\nContent-Disposition: form-data; name="',
      '--b\r\nContent-Disposition:form-data;',
      '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b',
    ],
    read: (text) => parseMultipart(Buffer.from(text), 'b'),
  },
  {
    name: 'strict JSON',
    prefixes: ['', '{', '{"a":"', '{"a":1,"', '{"rrsets":[{"', '{"\\u0061":1,"'],
    read: (text) => parseStrictJson(text),
  },
  ...[RRType.A, RRType.TXT, RRType.MX, RRType.CAA, RRType.HTTPS].map((type) => ({
    name: `content of type ${type}`,
    prefixes: ['', '"', '10 ', '0 issue ', '1 . alpn=', '\\# 4 ', '('],
    read: (/** @type {string} */ text) => readRecordText(type, text),
  })),
  { name: 'JSON body', prefixes: ['', '{', '{"hostname":"', '{"a":'], read: (text) => readJsonObject(text) },
  {
    name: 'Authorization',
    prefixes: ['', 'Basic ', 'Basic', 'Bearer ', 'Token ', 'basic  '],
    read: (text) => [findCandidates({ authorization: text }, undefined), findUserName({ authorization: text })],
  },
  {
    name: 'Basic',
    read: (text) => {
      const authorization = `Basic ${Buffer.from(text).toString('base64')}`;
      return [findCandidates({ authorization }, undefined), findUserName({ authorization })];
    },
  },
  {
    name: 'X-Forwarded-For',
    prefixes: ['', '10.0.0.1, ', '['],
    read: (text) =>
      clientAddress(PROXY, { 'x-forwarded-for': text }, { ...trust, clientAddressHeader: 'x-forwarded-for' }),
  },
  {
    name: 'Forwarded',
    prefixes: ['', 'for=', 'for="', 'by=x;for=', 'for=10.0.0.1, '],
    read: (text) => clientAddress(PROXY, { forwarded: text }, { ...trust, clientAddressHeader: 'forwarded' }),
  },
  { name: 'host name', prefixes: ['', 'a.', '\u00fc'], read: (text) => parseHostName(text) },
  { name: 'domain name', prefixes: ['', 'a.'], read: (text) => DomainName.parse(text, apex) },
  { name: 'list of hosts', read: (text) => splitHosts(text) },
  { name: 'address', prefixes: ['', '1.2.3.', '2001:db8::'], read: (text) => parseIpAddress(text) },
  {
    name: 'address with a length',
    prefixes: ['', '1.2.3.4/', '::1/'],
    read: (text) => [readAddress(text), readAddressWithLength(text)],
  },
  {
    name: 'prefix',
    prefixes: ['', '2001:db8::/', '10.0.0.0/'],
    read: (text) => [parseIpPrefix(text), readPrefix(text)],
  },
  {
    name: 'operation of the control socket',
    prefixes: ['/v1/', '/v1/tokens/'],
    read: (text) => findOperation('POST', text)?.pathFields(),
  },
  {
    name: 'zone file',
    prefixes: [
      '',
      ...[
        'a TXT ',
        'a TXT "',
        'a SVCB 1 . alpn=',
        'a SVCB 1 . ',
        'a DNSKEY 256 3 13 ',
        'a TYPE1 \\# ',
        'a LOC ',
        'a NSEC b ',
      ],
      ...['a DS 1 1 1 ', 'a NSEC3 1 1 1 ab ', 'a 1h', '$TTL ', '$GENERATE 1-2 ', '$GENERATE 1-2 a A ${', '@ SOA a b '],
    ],
    read: (text) => parseZoneFile(text, { origin: apex, defaultTtl: 60 }),
  },
  {
    name: 'PROXY protocol',
    prefixes: ['', 'PROXY TCP4 ', 'PROXY UNKNOWN ', '\r\n\r\n\0\r\nQUIT\n!\x11'],
    read: (text) => parseProxyHeader(Buffer.from(text, 'latin1')),
  },
  ...KEY_FILE_PARSERS,
  ...makeRoutes(),
];

// --- DNS messages --------------------------------------------------------------

/**
 * @typedef {object} MessageCase
 * @property {string} name
 * @property {(octets: number) => Buffer} make a message of about so many octets
 * @property {(message: Buffer) => unknown} read may throw
 */

const key = makeTsigKey(DomainName.parse('key.example.com'), 'hmac-sha256', Buffer.alloc(32, 1));
const owner = DomainName.parse('home', apex);

const base = (() => {
  const soa = rdataText({
    kind: 'SOA',
    mname: apex,
    rname: apex,
    serial: 1,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum: 1,
  });
  const rrsets = [
    { type: RRType.SOA, ttl: 60, rdatas: [soa] },
    { type: RRType.NS, ttl: 60, rdatas: [rdataText({ kind: 'NS', target: apex })] },
  ];
  const node = { key: apex.key, wireText: apex.wireText, rrsets, children: 0 };
  return new ZoneVersion(apex, ZoneNodes.of([node]), 0);
})();

/**
 * An UPDATE of about so many octets.
 * @param {number} octets @param {(index: number) => import('#dist/dns/rdata.js').ResourceRecord} make
 * @param {'answers' | 'authority'} [section]
 */
function updateOf(octets, make, section = 'authority') {
  const questions = [{ qname: apex, qtype: RRType.SOA, qclass: 1 }];
  const ofCount = (/** @type {number} */ count) =>
    encodeMessage(
      makeMessage({
        opcode: Opcode.UPDATE,
        questions,
        [section]: Array.from({ length: count }, (_, index) => make(index)),
      }),
    );
  // Later names are too far from what they could point to, and need more octets than the first.
  const perRecord = ofCount(200).length / 200;
  for (let count = Math.floor(octets / perRecord); ; count = Math.floor(count * 0.9)) {
    try {
      const message = ofCount(count);
      if (message.length <= octets) return message;
    } catch (error) {
      if (!(error instanceof WireOverflow)) throw error;
    }
  }
}

/** @param {Buffer} message */
function applyUpdate(message) {
  const { prerequisites, edits } = parseUpdate(decodeMessage(message));
  const draft = new ZoneDraft(base);
  checkPrerequisites(draft, prerequisites);
  applyEdits(draft, edits);
  const first = draft.seal()?.version;
  // Once more on what is there now.
  const again = new ZoneDraft(first ?? base);
  checkPrerequisites(again, prerequisites);
  applyEdits(again, edits);
  return again.seal();
}

const NONE = 254;
const ANY = 255;
const record = (/** @type {object} */ fields) =>
  /** @type {import('#dist/dns/rdata.js').ResourceRecord} */ ({ ownerName: owner, class: 1, ttl: 60, ...fields });
const txt = (/** @type {number} */ index) => ({ kind: 'TXT', strings: [Buffer.from(String(index))] });
const ns = (/** @type {number} */ index) => ({ kind: 'NS', target: DomainName.parse(`n${index}`) });
const unknown = { kind: 'unknown', octets: Buffer.from('x') };
const empty = { kind: 'empty' };

/** Octets behind a header with these counts. @param {readonly number[]} counts @param {number} octets @param {Buffer} unit */
function raw(counts, octets, unit) {
  const header = Buffer.alloc(12);
  for (const [index, count] of counts.entries()) header.writeUInt16BE(Math.min(count, 0xffff), 4 + index * 2);
  return Buffer.concat([header, Buffer.alloc(octets - 12, unit)]);
}

/** A chain of labels and pointers to them. @param {number} octets */
function pointers(octets) {
  const message = raw(
    [0, Math.floor(octets / 12) - 1, 0, 0],
    octets,
    Buffer.from([0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0]),
  );
  for (let at = 24; at + 12 <= Math.min(octets, 0x3fff); at += 12) message.writeUInt16BE(0xc000 | (at - 12), at);
  return message;
}

/** @type {readonly MessageCase[]} */
export const MESSAGES = [
  ...[0, 1, 0x3f, 0x40, 0xc0, 0xff].map((octet) => ({
    name: `octets ${octet}`,
    make: (/** @type {number} */ octets) =>
      raw([1, octets / 40, octets / 40, octets / 40], octets, Buffer.from([octet])),
    read: decodeMessage,
  })),
  {
    name: 'questions for the root',
    make: (octets) => raw([octets / 5, 0, 0, 0], octets, Buffer.from([0, 0, 1, 0, 1])),
    read: decodeMessage,
  },
  { name: 'names that are chains of pointers', make: pointers, read: decodeMessage },
  {
    name: 'options of EDNS',
    make: (octets) =>
      encodeMessage(
        makeMessage({
          additional: [
            ednsRecord({
              options: Array.from({ length: Math.floor(octets / 13) }, () => ({ code: 10, octets: Buffer.alloc(8) })),
            }),
          ],
        }),
      ),
    read: (message) => findEdns(decodeMessage(message))?.options.map(({ octets }) => parseCookie(octets)),
  },
  {
    name: 'a message with TSIG',
    make: (octets) => {
      const answers = Array.from({ length: Math.floor(octets / 26) }, (_, index) =>
        record({ type: RRType.TXT, rdata: txt(index) }),
      );
      return new ClientTransaction(key).sign(encodeMessage(makeMessage({ answers })), 1);
    },
    read: (message) => checkRequest(message, decodeMessage(message), () => key, 1),
  },
  ...Object.entries({
    'UPDATE: texts of one name': (/** @type {number} */ index) => record({ type: RRType.TXT, rdata: txt(index) }),
    'UPDATE: nameservers of one name': (/** @type {number} */ index) => record({ type: RRType.NS, rdata: ns(index) }),
    'UPDATE: types of one name': (/** @type {number} */ index) => record({ type: 1000 + index, rdata: unknown }),
    'UPDATE: one text again and again, with other TTLs': (/** @type {number} */ index) =>
      record({ type: RRType.TXT, ttl: index, rdata: txt(1) }),
    'UPDATE: texts, each removed again': (/** @type {number} */ index) =>
      index % 2 === 0
        ? record({ type: RRType.TXT, rdata: txt(index) })
        : record({ type: RRType.TXT, class: NONE, ttl: 0, rdata: txt(index - 1) }),
    'UPDATE: texts and deletions of the name': (/** @type {number} */ index) =>
      index % 50 < 49
        ? record({ type: RRType.TXT, rdata: txt(index) })
        : record({ type: ANY, class: ANY, ttl: 0, rdata: empty }),
    'UPDATE: two RRsets in turn': (/** @type {number} */ index) =>
      index % 2 === 0 ? record({ type: RRType.TXT, rdata: txt(index) }) : record({ type: RRType.NS, rdata: ns(index) }),
    'UPDATE: many names': (/** @type {number} */ index) =>
      record({ ownerName: DomainName.parse(`h${index}`, apex), type: RRType.TXT, rdata: txt(index) }),
    'UPDATE: nested names': (/** @type {number} */ index) =>
      record({
        ownerName: DomainName.parse('a.'.repeat(index % 100).concat(`h${index}`), apex),
        type: RRType.TXT,
        rdata: txt(1),
      }),
  }).map(([name, make]) => ({
    name,
    make: (/** @type {number} */ octets) => updateOf(octets, make),
    read: applyUpdate,
  })),
  {
    name: 'UPDATE: prerequisites of one RRset',
    make: (octets) => updateOf(octets, (index) => record({ type: RRType.TXT, ttl: 0, rdata: txt(index) }), 'answers'),
    read: applyUpdate,
  },
  ...SIGNED_MESSAGES,
];
