/** Requests for transfers: which are served, and the RCODEs of the refused ones. */
import { describe, expect, it } from 'vitest';
import { parseIpPrefix } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { type ResourceRecord, RRClass, RRType } from '../../dns/rdata.ts';
import { type Message, makeMessage, Rcode } from '../../dns/wire/message.ts';
import { judgeTransfer, mayTransfer, type TransferAccess } from './transfer-access.ts';

const name = (text: string) => DomainName.parse(text);
const apex = name('example.com');

const access: TransferAccess = {
  secondaries: [{ address: '192.0.2.53' }, { address: '2001:db8::53', keyName: name('ns2') }],
  keyNames: [name('backup.example.net')],
};

describe('who may transfer', () => {
  it.each<[string, string, string | undefined, boolean]>([
    ['a listed address without a key', '192.0.2.53', undefined, true],
    ['a listed address, signed by a key of something else', '192.0.2.53', 'other', true],
    ['an address that is not listed', '192.0.2.54', undefined, false],
    ['an address that begins like a listed one', '192.0.2.5', undefined, false],
    ['an address that is not listed, signed by a key of something else', '192.0.2.54', 'other', false],
    ['a secondary with a key, unsigned', '2001:db8::53', undefined, false],
    ['a secondary with a key, signed by another one', '2001:db8::53', 'other', false],
    ['a secondary with a key, signed by it', '2001:db8::53', 'NS2', true],
    ['the key of a secondary from elsewhere', '192.0.2.54', 'ns2', false],
    ['a key that may transfer, from anywhere', '203.0.113.9', 'Backup.example.net', true],
  ])('%s: %s, key %s: %s', (_title, address, keyName, expected) => {
    expect(mayTransfer(access, address, keyName === undefined ? undefined : name(keyName))).toBe(expected);
  });

  const prefix = (text: string) => ({ prefix: parseIpPrefix(text)! });
  const networks: TransferAccess = {
    secondaries: [],
    prefixes: [
      prefix('198.51.100.0/24'),
      prefix('2001:db8:5::/48'),
      { ...prefix('203.0.113.0/25'), keyName: name('k5') },
    ],
    keyNames: [],
  };
  it.each<[string, string, string | undefined, boolean]>([
    ['an address of a prefix', '198.51.100.255', undefined, true],
    ['an address of a prefix, signed by any key', '198.51.100.0', 'other', true],
    ['an address beside a prefix', '198.51.101.0', undefined, false],
    ['an IPv6 address of a prefix', '2001:db8:5:ffff::1', undefined, true],
    ['an IPv6 address beside a prefix', '2001:db8:6::1', undefined, false],
    ['an address of a prefix with a key, unsigned', '203.0.113.1', undefined, false],
    ['an address of a prefix with a key, signed by it', '203.0.113.127', 'K5', true],
    ['an address beside a prefix with a key, signed by it', '203.0.113.128', 'k5', false],
  ])('%s: %s, key %s: %s', (_title, address, keyName, expected) => {
    expect(mayTransfer(networks, address, keyName === undefined ? undefined : name(keyName))).toBe(expected);
  });

  it('no one, if nothing is listed', () => {
    const noAccess = { secondaries: [], keyNames: [] };
    expect(mayTransfer(noAccess, '192.0.2.53', undefined)).toBe(false);
    expect(mayTransfer(noAccess, '192.0.2.53', name('ns2'))).toBe(false);
  });
});

describe('a request', () => {
  const soa = (ownerName: DomainName): ResourceRecord => {
    const numbers = { serial: 7, refresh: 0, retry: 0, expire: 0, minimum: 0 };
    const rdata = { kind: 'SOA' as const, mname: DomainName.root, rname: DomainName.root, ...numbers };
    return { ownerName, type: RRType.SOA, class: RRClass.IN, ttl: 0, rdata };
  };
  const question = (qtype: number) => ({ qname: apex, qtype, qclass: RRClass.IN });
  const axfr = makeMessage({ questions: [question(RRType.AXFR)] });
  const ixfr = makeMessage({ questions: [question(RRType.IXFR)], authority: [soa(name('EXAMPLE.com'))] });
  const judge = (message: Message, overrides: Partial<Parameters<typeof judgeTransfer>[0]> = {}) =>
    judgeTransfer({ message, overUdp: false, access, address: '192.0.2.53', keyName: undefined, ...overrides });
  const refusal = (rcode: number) => ({ kind: 'refuse', rcode });

  it('for all of the zone is served over TCP', () => {
    expect(judge(axfr)).toEqual({ kind: 'serve', query: { kind: 'axfr' } });
  });

  it('RFC 5936 §4.2: AXFR over UDP is FORMERR', () => {
    expect(judge(axfr, { overUdp: true })).toEqual(refusal(Rcode.FORMERR));
  });

  it('RFC 1995 §3: IXFR takes the serial from the SOA in the authority section, over TCP and UDP', () => {
    const served = { kind: 'serve', query: { kind: 'ixfr', serial: 7 } };
    expect(judge(ixfr)).toEqual(served);
    expect(judge(ixfr, { overUdp: true })).toEqual(served);
  });

  it.each<[string, Partial<Message>]>([
    ['without a question', { questions: [] }],
    ['with two questions', { questions: [question(RRType.AXFR), question(RRType.AXFR)] }],
    ['for another type', { questions: [question(RRType.SOA)] }],
    ['for AXFR with an answer', { questions: [question(RRType.AXFR)], answers: [soa(apex)] }],
    ['for AXFR with a serial', { questions: [question(RRType.AXFR)], authority: [soa(apex)] }],
    ['for IXFR without a serial', { questions: [question(RRType.IXFR)] }],
    ['for IXFR with two serials', { questions: [question(RRType.IXFR)], authority: [soa(apex), soa(apex)] }],
    ['for IXFR with the SOA of another zone', { questions: [question(RRType.IXFR)], authority: [soa(name('org'))] }],
    [
      'for IXFR with something else',
      {
        questions: [question(RRType.IXFR)],
        authority: [{ ...soa(apex), type: RRType.A, rdata: { kind: 'A', address: '192.0.2.1' } }],
      },
    ],
  ])('%s is FORMERR', (_title, fields) => {
    expect(judge(makeMessage(fields))).toEqual(refusal(Rcode.FORMERR));
  });

  it('RFC 5936 §2.2.1: for a zone that is not ours is NOTAUTH for every client', () => {
    expect(judge(axfr, { access: undefined })).toEqual(refusal(Rcode.NOTAUTH));
    expect(judge(axfr, { access: undefined, keyName: name('backup.example.net') })).toEqual(refusal(Rcode.NOTAUTH));
  });

  it('without permission is REFUSED', () => {
    expect(judge(axfr, { address: '198.51.100.1' })).toEqual(refusal(Rcode.REFUSED));
    expect(judge(ixfr, { address: '198.51.100.1', overUdp: true })).toEqual(refusal(Rcode.REFUSED));
  });
});
