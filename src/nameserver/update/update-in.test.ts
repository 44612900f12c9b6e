/**
 * UPDATE messages on an embedded zone: the zone section (RFC 2136 §3.1), permissions, the prescans, static RRsets, cuts,
 * and a failing journal.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { editedZone, LIMITS, soaOf } from '../../../test/support/edited-zone.ts';
import { applyUpdate, type UpdateKey } from '../../core/updates/dns-update.ts';
import { DomainName } from '../../dns/name.ts';
import { type Rdata, type ResourceRecord, RRClass, RRType } from '../../dns/rdata.ts';
import { addressRdata } from '../../dns/rrset.ts';
import { makeTsigKey } from '../../dns/tsig-key.ts';
import { formatRcode, type Message, makeMessage, Opcode } from '../../dns/wire/message.ts';
import { Committer } from '../journal/committer.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { EmbeddedUpdates } from './updatable-zone.ts';
import { answerUpdate } from './update-in.ts';

const apex = DomainName.parse('example.com');
const at = (label: string) => (label === '@' ? apex : DomainName.parse(label, apex));
const key = (name: string) => makeTsigKey(DomainName.parse(name), 'hmac-sha256', Buffer.alloc(32, 1));
const SOA = { qname: apex, qtype: RRType.SOA, qclass: RRClass.IN };
const EMPTY: Rdata = { kind: 'empty' };

let zone: EmbeddedZone;
let append: () => Promise<void>;
let deadlineMs: number;

beforeEach(() => {
  const rrset = (label: string, type: number, rdata: Rdata) => ({
    ownerName: at(label),
    type,
    ttl: 60,
    rdatas: [rdata],
  });
  const adds = [
    rrset('@', RRType.A, addressRdata(RRType.A, '192.0.2.80')),
    rrset('www', RRType.A, addressRdata(RRType.A, '192.0.2.80')),
    rrset('home', RRType.A, addressRdata(RRType.A, '192.0.2.1')),
    rrset('sub', RRType.NS, { kind: 'NS', target: at('ns.sub') }),
    rrset('sub', RRType.NS, { kind: 'NS', target: DomainName.parse('ns.example.net') }),
    rrset('moved', RRType.DNAME, { kind: 'DNAME', target: at('home') }),
  ];
  const statics = new Map([
    [apex.key, new Set<number>([RRType.SOA, RRType.NS, RRType.A])],
    [at('www').key, new Set<number>([RRType.A])],
  ]);
  zone = editedZone('example.com', { edits: adds.map((rrset) => ({ kind: 'add-to-rrset', rrset })), statics });
  append = async () => undefined;
  deadlineMs = performance.now() + 5000;
});

const KEYS = new Map<string, UpdateKey>(
  ['k1', 'k2'].map((name) => {
    const keyName = DomainName.parse(name);
    return [keyName.key, { keyName, mayUpdate: name === 'k1' }];
  }),
);

/** The RCODE and the reason for the log, if any. */
async function ask(message: Partial<Message>, keyName: string | undefined = 'k1'): Promise<string> {
  const committer = new Committer({ log: { append: () => append() } });
  const target = new EmbeddedUpdates(zone, committer, LIMITS);
  const rules = { apex, addresses: { allow: [], deny: [] }, ttl: {} };
  const { rcode, why } = await answerUpdate(makeMessage({ opcode: Opcode.UPDATE, questions: [SOA], ...message }), {
    key: keyName === '' ? undefined : key(keyName),
    findZone: (name) => (name.equals(apex) ? { zone: rules, target, keys: KEYS } : undefined),
    applyUpdate,
    deadlineMs,
  });
  return why === undefined ? formatRcode(rcode) : `${formatRcode(rcode)}: ${why}`;
}

const record = (label: string, type: number, rrClass: number, rdata: Rdata, ttl = 0): ResourceRecord => {
  return { ownerName: at(label), type, class: rrClass, ttl, rdata };
};
const add = (label: string, rdata: Rdata): ResourceRecord => {
  return record(label, RRType[rdata.kind as 'A'], RRClass.IN, rdata, 60);
};
const addA = (label: string, last = 9) => add(label, addressRdata(RRType.A, `192.0.2.${last}`));
const remove = (label: string, type: number) => record(label, type, RRClass.ANY, EMPTY);
const removeMember = (label: string, rdata: Rdata) => record(label, RRType[rdata.kind as 'A'], RRClass.NONE, rdata);
const outside = { ...addA('home'), ownerName: DomainName.parse('notexample.com') };

const serial = () => zone.published.serial;

describe('RFC 2136 §3.1: the zone section', () => {
  it.each<[string, Message['questions'], RegExp]>([
    ['§3.1.1: no zone', [], /^FORMERR/],
    ['§3.1.1: two zones', [SOA, SOA], /^FORMERR/],
    ['§3.1.1: another type than SOA', [{ ...SOA, qtype: RRType.A }], /^FORMERR/],
    ['§3.1.2: a zone that is not ours', [{ ...SOA, qname: DomainName.parse('example.net') }], /^NOTAUTH/],
    ['§3.1.2: a name below the apex', [{ ...SOA, qname: at('home') }], /^NOTAUTH/],
    ['§3.1.2: a name above the apex', [{ ...SOA, qname: DomainName.parse('com') }], /^NOTAUTH/],
    ['§3.1.2: another class', [{ ...SOA, qclass: RRClass.CH }], /^NOTAUTH/],
    ['§3.1.2: class ANY', [{ ...SOA, qclass: RRClass.ANY }], /^NOTAUTH/],
  ])('%s', async (_, questions, expected) => {
    expect(await ask({ questions, authority: [addA('home')] })).toMatch(expected);
    expect(serial()).toBe(1);
  });

  it('the apex is compared case-insensitively', async () => {
    const questions = [{ ...SOA, qname: DomainName.parse('EXAMPLE.com') }];
    expect(await ask({ questions, authority: [addA('home')] })).toBe('NOERROR');
  });
});

describe('RFC 3007 §3: permissions', () => {
  it('an unsigned update is refused, whatever the prerequisites', async () => {
    const answers = [record('home', RRType.ANY, RRClass.NONE, EMPTY)];
    expect(await ask({ answers, authority: [addA('home')] }, '')).toMatch(/^REFUSED: the update .* is not signed/);
  });

  it.each([['k2'], ['k3']])('a key without permission is refused: %s', async (name) => {
    // The prerequisite would fail with YXDOMAIN, which must not be disclosed.
    const answers = [record('home', RRType.ANY, RRClass.NONE, EMPTY)];
    expect(await ask({ answers, authority: [addA('home')] }, name)).toMatch(/^REFUSED: the key/);
    expect(await ask({ authority: [outside] }, name)).toMatch(/^REFUSED: the key/);
  });
});

describe('the prescans', () => {
  it('RFC 2136 §3.2.5: a prerequisite outside the zone', async () => {
    expect(await ask({ answers: [{ ...outside, ttl: 0 }], authority: [addA('home')] })).toMatch(/^NOTZONE/);
  });

  it('RFC 2136 §3.4.1.3: an update outside the zone, and none of the others is applied', async () => {
    expect(await ask({ authority: [addA('home'), outside] })).toMatch(/^NOTZONE/);
    expect(serial()).toBe(1);
  });

  it('RFC 2136 §3.4.1.3: a malformed update, and none of the others is applied', async () => {
    expect(await ask({ authority: [addA('home'), { ...remove('home', RRType.A), ttl: 1 }] })).toMatch(/^FORMERR/);
    expect(serial()).toBe(1);
  });
});

it.each<[string, ResourceRecord]>([
  ['NXDOMAIN', record('nothing', RRType.ANY, RRClass.ANY, EMPTY)],
  ['YXDOMAIN', record('home', RRType.ANY, RRClass.NONE, EMPTY)],
  ['NXRRSET', record('home', RRType.AAAA, RRClass.ANY, EMPTY)],
  ['YXRRSET', record('home', RRType.A, RRClass.NONE, EMPTY)],
])('RFC 2136 §3.2: %s, and nothing is done', async (rcode, prerequisite) => {
  expect(await ask({ answers: [prerequisite], authority: [addA('home')] })).toBe(rcode);
  expect(serial()).toBe(1);
});

it('RFC 2136 §3.2: a message without updates only checks prerequisites', async () => {
  expect(await ask({ answers: [record('home', RRType.A, RRClass.ANY, EMPTY)] })).toBe('NOERROR');
  expect(serial()).toBe(1);
});

describe('RRsets that the configuration sets', () => {
  it.each<[string, ResourceRecord]>([
    ['adding to one', addA('www')],
    ['deleting one', remove('www', RRType.A)],
    ['deleting one of its members', removeMember('www', addressRdata(RRType.A, '192.0.2.80'))],
    ['deleting its name', remove('www', RRType.ANY)],
    ["deleting the apex's name, where there is other static data", remove('@', RRType.ANY)],
    ['an NS for the apex', add('@', { kind: 'NS', target: at('ns2') })],
    ['a later SOA', add('@', soaOf(apex, 2))],
  ])('refuse the whole message: %s', async (_, update) => {
    expect(await ask({ authority: [addA('home'), update] })).toMatch(/^REFUSED: .* set by the configuration/);
    expect(serial()).toBe(1);
  });

  it('the refusal for the SOA says how to raise the serial', async () => {
    expect(await ask({ authority: [add('@', soaOf(apex, 2))] })).toMatch(/dyndns zone serial/);
  });

  it.each<[string, ResourceRecord]>([
    ["§3.4.2.3: the apex's SOA", remove('@', RRType.SOA)],
    ["§3.4.2.3: the apex's NS", remove('@', RRType.NS)],
    ["§3.4.2.4: the apex's NS as a member", removeMember('@', { kind: 'NS', target: at('ns1') })],
    ["§3.4.2.4: the apex's SOA as a member", removeMember('@', soaOf(apex, 1))],
  ])('RFC 2136 %s: its removal is passed over, the rest is done', async (_, update) => {
    expect(await ask({ authority: [update, addA('home')] })).toBe('NOERROR');
    expect(serial()).toBe(2);
    expect(zone.published.apexNode.rrsets.map(({ type }) => type).sort()).toEqual([RRType.A, RRType.NS, RRType.SOA]);
  });

  it('let other types of the same name be changed', async () => {
    expect(await ask({ authority: [add('www', addressRdata(RRType.AAAA, '2001:db8::1'))] })).toBe('NOERROR');
    expect(serial()).toBe(2);
  });
});

describe('below a delegation or a DNAME', () => {
  it.each<[string, ResourceRecord]>([
    ['an address', addA('host.sub')],
    ["another type at a nameserver's name", add('ns.sub', { kind: 'MX', preference: 1, exchange: at('home') })],
    ['an address below a DNAME', addA('host.moved')],
  ])('refused: %s', async (_, update) => {
    expect(await ask({ authority: [addA('home'), update] })).toMatch(/^REFUSED: .* is below the (delegation|DNAME) at/);
    expect(serial()).toBe(1);
  });

  it.each<[string, ResourceRecord[]]>([
    ['the addresses of its nameservers', [addA('ns.sub')]],
    ['another nameserver at the cut', [add('sub', { kind: 'NS', target: at('home') })]],
    ['deletions', [remove('host.sub', RRType.A)]],
    ['a delegation with its glue, in any order', [addA('ns.new'), add('new', { kind: 'NS', target: at('ns.new') })]],
    ['what goes again with the same message', [addA('host.sub'), remove('host.sub', RRType.A)]],
    ['what comes with the removal of the cut', [remove('moved', RRType.DNAME), addA('host.moved')]],
  ])('taken: %s', async (_, authority) => {
    expect(await ask({ authority })).toBe('NOERROR');
  });
});

describe('RFC 2136 §3.5: the journal', () => {
  it('that cannot be written gives SERVFAIL, and nothing is changed', async () => {
    append = () => Promise.reject(Object.assign(new Error('no room'), { reason: 'full' }));
    expect(await ask({ authority: [addA('home')] })).toMatch(/^SERVFAIL: .*the disk is full.*Nothing was changed\./);
    expect(serial()).toBe(1);
    append = async () => undefined;
    expect(await ask({ authority: [addA('home')] })).toBe('NOERROR');
    expect(serial()).toBe(2);
  });

  it('that takes too long is waited for: SERVFAIL is never the answer to a change that is made', async () => {
    let land = () => {};
    append = () => new Promise((resolve) => (land = resolve));
    deadlineMs = performance.now() + 30;
    let answered = false;
    const answer = ask({ authority: [addA('home')] }).finally(() => {
      answered = true;
    });
    while (performance.now() < deadlineMs + 100) await new Promise((resolve) => setImmediate(resolve));
    expect([answered, serial()]).toEqual([false, 1]);
    land();
    expect(await answer).toBe('NOERROR');
    expect(serial()).toBe(2);
  });

  it('that fails after the time limit gives SERVFAIL, and nothing is changed', async () => {
    let fail = (_: Error) => {};
    append = () => new Promise((_, reject) => (fail = reject));
    deadlineMs = performance.now() + 30;
    const answer = ask({ authority: [addA('home')] });
    while (performance.now() < deadlineMs + 50) await new Promise((resolve) => setImmediate(resolve));
    fail(Object.assign(new Error('no room'), { reason: 'full' }));
    expect(await answer).toMatch(/^SERVFAIL: .*Nothing was changed\./);
    expect(serial()).toBe(1);
  });

  it('has no time for a message after its time limit: SERVFAIL, and nothing is changed', async () => {
    deadlineMs = performance.now();
    expect(await ask({ authority: [addA('home')] })).toMatch(/^SERVFAIL: .*Nothing was changed\./);
    expect(serial()).toBe(1);
  });

  it('RFC 2136 §3.4.2.7: the answer is sent after the change is on disk', async () => {
    let land = () => {};
    append = () => new Promise((resolve) => (land = resolve));
    let answered = false;
    const answer = ask({ authority: [addA('home')] }).then((text) => {
      answered = true;
      return text;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    land();
    expect(await answer).toBe('NOERROR');
  });
});
