/** Requests of the differential test of EDNS: each option well-formed and malformed, on every path, and OPT records at fault. */
import { RRType } from '../../src/dns/rdata.ts';
import { Opcode } from '../../src/dns/wire/message.ts';
import {
  RAW_ADDRESS,
  type RawMessageFields,
  type RawOption,
  rawMessage,
  rawName,
  rawOpt,
  rawQuestion,
  rawSoa,
} from '../support/raw-message.ts';
import { ZONE } from './zone.ts';

export interface EdnsCase {
  readonly name: string;
  readonly octets: Buffer;
}

const NSID: RawOption = [3, ''];
const COOKIE: RawOption = [10, '0123456789abcdef'];
const EXPIRE: RawOption = [9, ''];
const KEEPALIVE: RawOption = [11, ''];
const NAME = `ns1.${ZONE}`;
const QUESTION = rawQuestion(NAME, RRType.A);
/** A compression pointer to the root label of QNAME. */
const ROOT_POINTER = `c0${(12 + rawName(NAME).length / 2 - 1).toString(16)}`;

/** A query with options, or another message. */
function options(name: string, list: readonly RawOption[], fields: RawMessageFields = {}): EdnsCase {
  return { name, octets: rawMessage({ questions: [QUESTION], additional: [rawOpt(list)], ...fields }) };
}

function other(name: string, fields: RawMessageFields): EdnsCase {
  return options(name, [], fields);
}

const soaQuery = { questions: [rawQuestion(ZONE, RRType.SOA)] };
const all = { additional: [rawOpt([NSID, COOKIE, KEEPALIVE])] };

const SUBNETS: readonly [name: string, octets: string][] = [
  ['IPv4 /24', '00011800c00002'],
  ['IPv4 /32', '00012000c0000201'],
  ['IPv4 /0', '00010000'],
  ['IPv4 /20', '00011400c00000'],
  ['IPv6 /56', '0002380020010db8000000'],
  ['IPv6 /128', '0002800020010db8000000000000000000000001'],
  ['family 0', '00000000'],
  ['nothing', ''],
  ['1 octet', '00'],
  ['3 octets', '000118'],
  ['family 0 with an address', '00001800c00002'],
  ['family 0 with a prefix', '00001800'],
  ['family 3', '00031800c00002'],
  ['IPv4 /33', '00012100c000020100'],
  ['IPv6 /129', '0002810020010db800000000000000000000000100'],
  ['a scope', '00011818c00002'],
  ['an octet too few', '00011800c000'],
  ['an octet too many', '00011800c0000201'],
  ['bits after an IPv4 prefix', '00011400c000ff'],
  ['bits after an IPv6 prefix', '0002390020010db8000000ff'],
  ['an octet after /0', '0001000000'],
];

export const EDNS_CASES: readonly EdnsCase[] = [
  other('no EDNS', { additional: [] }),
  other('no options', {}),
  // Without a question (RFC 7873 §5.4).
  other('no question', { questions: [], additional: [] }),
  other('no question, OPT', { questions: [] }),
  options('no question, cookie', [COOKIE], { questions: [] }),
  options('no question, cookie and NSID', [NSID, COOKIE], { questions: [] }),
  options('no question, wrong server cookie', [[10, `${COOKIE[1]}${'00'.repeat(16)}`]], { questions: [] }),
  options('no question, malformed cookie', [[10, 'ff']], { questions: [] }),
  options('no question, NSID', [NSID], { questions: [] }),
  options('no question, keepalive', [KEEPALIVE], { questions: [] }),
  options('no question, cookie, an answer', [COOKIE], { questions: [], answers: [RAW_ADDRESS] }),
  options('no question, cookie, UPDATE', [COOKIE], { questions: [], opcode: Opcode.UPDATE }),
  // Each option.
  ...[0, 1, 7, 8, 9, 15, 16, 24, 40, 41, 48].map((length) =>
    options(`cookie of ${length} octets`, [[10, 'ab'.repeat(length)]]),
  ),
  options('two cookies', [COOKIE, [10, 'ff'.repeat(8)]]),
  options('two cookies, the second malformed', [COOKIE, [10, 'ff']]),
  options('NSID', [NSID]),
  options('NSID with content', [[3, 'aa']]),
  options('NSID twice', [NSID, NSID]),
  ...[0, 1, 3, 4, 5].map((length) => options(`EXPIRE of ${length} octets`, [[9, '00'.repeat(length)]], soaQuery)),
  options('EXPIRE, no SOA query', [EXPIRE]),
  options('EXPIRE, SOA below the apex', [EXPIRE], { questions: [rawQuestion(NAME, RRType.SOA)] }),
  options('EXPIRE, REFUSED', [EXPIRE], { questions: [rawQuestion('example.net', RRType.SOA)] }),
  ...[0, 1, 2, 4].map((length) => options(`keepalive of ${length} octets`, [[11, '00'.repeat(length)]])),
  options('padding', [[12, '00'.repeat(64)]]),
  options('padding, not zeros', [[12, 'ff'.repeat(64)]]),
  options('padding, empty', [[12, '']]),
  options('chain', [[13, '00']]),
  options('chain, malformed', [[13, '05']]),
  ...[0, 1, 2, 3, 4].map((length) => options(`key tag of ${length} octets`, [[14, '4f'.repeat(length)]])),
  ...[0, 1, 2, 5].map((length) => options(`extended error of ${length} octets`, [[15, '00'.repeat(length)]])),
  ...[0, 1, 2, 3].map((length) => options(`client tag of ${length} octets`, [[16, '00'.repeat(length)]])),
  ...[0, 1, 2, 3].map((length) => options(`server tag of ${length} octets`, [[17, '00'.repeat(length)]])),
  options('DAU', [[5, '08']]),
  options('unknown option', [[65001, '010203']]),
  ...SUBNETS.map(([name, octets]) => options(`client subnet: ${name}`, [[8, octets]])),
  options('client subnet twice', [
    [8, '00011800c00002'],
    [8, '00011800c00002'],
  ]),
  options('client subnet twice, the second malformed', [
    [8, '00011800c00002'],
    [8, '00'],
  ]),
  // Every path.
  other('NXDOMAIN', { ...all, questions: [rawQuestion(`missing.${ZONE}`, RRType.A)] }),
  other('REFUSED', { ...all, questions: [rawQuestion('www.example.net', RRType.A)] }),
  other('FORMERR', { ...all, questions: [rawQuestion(NAME, RRType.OPT)] }),
  other('NOTIMP', { ...all, questions: [rawQuestion(NAME, 254)] }),
  other('two questions', { ...all, questions: [QUESTION, QUESTION] }),
  other('opcode STATUS', { ...all, opcode: Opcode.STATUS }),
  other('opcode 7', { ...all, opcode: 7 }),
  other('UPDATE', { ...all, ...soaQuery, opcode: Opcode.UPDATE }),
  other('UPDATE of another zone', { ...all, questions: [rawQuestion('example.net', 6)], opcode: Opcode.UPDATE }),
  other('UPDATE, FORMERR', { ...all, questions: [QUESTION], opcode: Opcode.UPDATE }),
  other('AXFR', { additional: [rawOpt([NSID, COOKIE, EXPIRE])], questions: [rawQuestion(ZONE, RRType.AXFR)] }),
  other('IXFR', {
    additional: [rawOpt([NSID, COOKIE, EXPIRE])],
    questions: [rawQuestion(ZONE, RRType.IXFR)],
    authority: [rawSoa(ZONE)],
  }),
  other('a query with an answer record', { ...all, answers: [RAW_ADDRESS] }),
  other('a query with an authority record', { ...all, authority: [RAW_ADDRESS] }),
  other('a record after OPT', { additional: [...all.additional, RAW_ADDRESS] }),
  other('a record before OPT', { additional: [RAW_ADDRESS, ...all.additional] }),
  other('version 1', { additional: [rawOpt([NSID, COOKIE], { version: 1 })] }),
  other('version 1, malformed cookie', { additional: [rawOpt([[10, 'ff']], { version: 1 })] }),
  other('version 1, no question', { questions: [], additional: [rawOpt([COOKIE], { version: 1 })] }),
  other('version 1, UPDATE', { ...soaQuery, opcode: Opcode.UPDATE, additional: [rawOpt([NSID], { version: 1 })] }),
  options('malformed subnet beside NSID and cookie', [NSID, COOKIE, [8, '00']]),
  options('malformed subnet, name of another server', [[8, '00']], { questions: [rawQuestion('example.net', 1)] }),
  options('malformed subnet, UPDATE', [[8, '00']], { ...soaQuery, opcode: Opcode.UPDATE }),
  options('malformed subnet, opcode 7', [[8, '00']], { opcode: 7 }),
  options('malformed cookie, opcode 7', [[10, '00']], { opcode: 7 }),
  options('malformed subnet, AXFR', [[8, '00']], { questions: [rawQuestion(ZONE, RRType.AXFR)] }),
  // The OPT record itself.
  other('an option that ends beyond OPT', { additional: [rawOpt([], { tail: '000300ff' })] }),
  other('an option without a length', { additional: [rawOpt([COOKIE], { tail: '0003' })] }),
  other('two OPT', { additional: [rawOpt(), rawOpt()] }),
  other('OPT not at the root', { additional: [rawOpt([], { owner: '016100' })] }),
  other('OPT at QNAME, compressed', { additional: [rawOpt([], { owner: 'c00c' })] }),
  other('OPT at the root, compressed', { additional: [rawOpt([NSID, COOKIE], { owner: ROOT_POINTER })] }),
  other('OPT as an answer', { answers: [rawOpt()], additional: [] }),
  other('OPT as authority', { authority: [rawOpt()], additional: [] }),
  other('OPT as authority and additional', { authority: [rawOpt()] }),
  other('OPT in UPDATE twice', { ...soaQuery, opcode: Opcode.UPDATE, additional: [rawOpt(), rawOpt()] }),
  other('octets after the message', { ...all, tail: '00' }),
];
