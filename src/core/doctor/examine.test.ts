/**
 * The rules of `dyndns doctor` on a DNS in memory: replies that no real server sends, and limits on what foreign data
 * can cause. test/cli/doctor.test.ts uses real servers.
 */
import { describe, expect, it } from 'vitest';
import { parseIpAddress, parseIpPrefix } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { type Rdata, type ResourceRecord, RRClass, RRType } from '../../dns/rdata.ts';
import { AppError } from '../errors.ts';
import { findAddresses, whyLocal } from './addresses.ts';
import { checkDelegation } from './delegation.ts';
import { checkHosts } from './hosts.ts';
import { checkOutside, checkTrust } from './http.ts';
import { checkNameservers } from './nameservers.ts';
import type { DoctorSubject, DoctorTools, Finding, HttpFacts, Lookup, LookupReply, LookupResult } from './ports.ts';
import { judgeClocks, type ZoneAtPrimary } from './primary.ts';

const name = (text: string) => DomainName.parse(text);
const ZONE = name('dyn.example.com');

function record(ownerName: string, type: number, rdata: Rdata): ResourceRecord {
  return { ownerName: name(ownerName), type, class: RRClass.IN, ttl: 60, rdata };
}

const ns = (ownerName: string, target: string) => record(ownerName, RRType.NS, { kind: 'NS', target: name(target) });
const a = (ownerName: string, address: string) => record(ownerName, RRType.A, { kind: 'A', address });
const cname = (ownerName: string, target: string) =>
  record(ownerName, RRType.CNAME, { kind: 'CNAME', target: name(target) });
const soa = (serial: number, ownerName = 'dyn.example.com') =>
  record(ownerName, RRType.SOA, {
    kind: 'SOA',
    mname: name('ns1.example.com'),
    rname: name('hostmaster.example.com'),
    serial,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum: 1,
  });

function reply(fields: Partial<LookupReply>): LookupReply {
  const empty = { answers: [], authority: [], additional: [] };
  return {
    kind: 'reply',
    rcode: 'NOERROR',
    authoritative: true,
    recursionAvailable: false,
    edns: true,
    ...empty,
    ...fields,
  };
}

const none = (failure: 'no-reply' | 'no-route' | 'out-of-time'): LookupResult => ({
  kind: 'none',
  failure,
  text: failure,
});

/** A scripted Lookup that counts queries. */
function lookupOf(
  resolve: (qname: string, qtype: number) => LookupResult,
  query: (address: string, transport: string, qtype: number) => LookupResult = () => none('no-reply'),
): Lookup & { queries: number } {
  const lookup = {
    queries: 0,
    resolve: async (qname: DomainName, qtype: number) => {
      lookup.queries += 1;
      return resolve(qname.toString(), qtype);
    },
    query: async (address: { text: string }, transport: string, _qname: DomainName, qtype: number) => {
      lookup.queries += 1;
      return query(address.text, transport, qtype);
    },
  };
  return lookup;
}

const texts = (findings: readonly Finding[], status: string) =>
  findings.filter((finding) => finding.status === status).map(({ text }) => text);

function zoneWith(serial: number, nameservers: readonly string[] = []): ZoneAtPrimary {
  return { serial, nameservers: nameservers.map(name), addresses: new Map() };
}

describe('hosts with private addresses', () => {
  const addressesOf = new Map([
    ['lan.dyn.example.com.', ['192.0.2.1', '10.0.0.1']],
    ['nat.dyn.example.com.', ['100.64.0.9']],
    ['ula.dyn.example.com.', ['fd00::1']],
    ['public.dyn.example.com.', ['192.0.2.1', '2001:db8::1']],
  ]);
  const check = async (labels: readonly string[], more: Partial<DoctorSubject> = {}, fail = '') => {
    let reads = 0;
    const publisher = {
      read: async (host: DomainName) => {
        reads += 1;
        if (`${host}` === fail) throw new AppError('primary-unreachable', 'no reply');
        const all = addressesOf.get(`${host}`) ?? (`${host}`.startsWith('many') ? ['10.1.1.1'] : []);
        const of = (isIpv6: boolean) => ({ addresses: all.filter((text) => text.includes(':') === isIpv6), ttl: 60 });
        return { kind: 'addresses', published: { A: of(false), AAAA: of(true) } };
      },
    };
    const tools = { publisher, progress: () => undefined, clock: () => 0, deadlineMs: 1 } as unknown as DoctorTools;
    const hosts = labels.map((label) => ZONE.prepend(label));
    const findings = await checkHosts({ zone: ZONE, hosts, ...more } as DoctorSubject, tools);
    return { reads, text: findings.map(({ status, text }) => `${status} ${text}`).join('\n') };
  };

  it('are one warning that names them', async () => {
    expect((await check(['public', 'none'])).text).toBe('');
    expect((await check(['lan', 'public', 'nat', 'none', 'ula'])).text).toBe(
      'warning The internet cannot reach private addresses, and these hosts have one: lan.dyn.example.com. 10.0.0.1, ' +
        'nat.dyn.example.com. 100.64.0.9, ula.dyn.example.com. fd00::1.',
    );
  });

  it('are limited in number, and end with the first failure', async () => {
    const many = Array.from({ length: 2000 }, (_, index) => `many${index}`);
    const { reads, text } = await check(many);
    expect(reads).toBe(500);
    expect(text).toMatch(/ many4\.dyn\.example\.com\. 10\.1\.1\.1, and 495 more\.$/);
    expect((await check(many, {}, 'many0.dyn.example.com.')).reads).toBeLessThan(40);
  });

  it('are expected in a zone of a private network', async () => {
    const zone = name('home.arpa');
    expect(await check([], { zone, hosts: [zone.prepend('many')] })).toEqual({ reads: 0, text: '' });
  });
});

describe('replies of other servers', () => {
  it('with a CNAME loop end after a few steps, without an address', async () => {
    const loop = [cname('a.example.net', 'b.example.net'), cname('b.example.net', 'a.example.net')];
    const lookup = lookupOf(() => reply({ answers: [...loop, a('c.example.net', '192.0.2.1')] }));
    expect(await findAddresses(lookup, name('a.example.net'))).toMatchObject({ addresses: [], failure: undefined });
    expect(lookup.queries).toBe(2);
  });

  it('with a CNAME chain lead to its addresses', async () => {
    const chain = [cname('a.example.net', 'b.example.net'), cname('b.example.net', 'c.example.net')];
    const lookup = lookupOf((_, qtype) =>
      reply({ answers: qtype === RRType.A ? [...chain, a('c.example.net', '192.0.2.1')] : chain }),
    );
    const found = await findAddresses(lookup, name('a.example.net'));
    expect(found).toEqual({ addresses: [parseIpAddress('192.0.2.1')], alias: true, failure: undefined });
  });

  it('with a thousand nameservers and addresses cause a few queries', async () => {
    const many = Array.from({ length: 1000 }, (_, index) => index);
    const lookup = lookupOf(
      (qname, qtype) =>
        qname === 'example.com.' && qtype === RRType.NS
          ? reply({ answers: many.map((index) => ns('example.com', `p${index}.example.net`)) })
          : reply({ answers: many.map((index) => a(qname, `192.0.2.${index % 256}`)) }),
      () =>
        reply({ authoritative: false, authority: many.map((index) => ns('dyn.example.com', `n${index}.example.net`)) }),
    );
    const { listed } = await checkDelegation(ZONE, undefined, lookup);
    expect(listed).toHaveLength(20);
    const { servers } = await checkNameservers(ZONE, listed!, undefined, lookup, async () => undefined);
    expect(servers).toHaveLength(40);
    // 1 for the parent, 3 for each of 4 parent servers; 2 and 2 times 2 for each of 20 nameservers.
    expect(lookup.queries).toBeLessThanOrEqual(1 + 12 + 20 * 6);
  });

  it('cannot add glue for names outside the zone', async () => {
    const lookup = lookupOf(
      (qname) => reply({ answers: [ns('example.com', 'p.example.net'), a(qname, '192.0.2.1')] }),
      () =>
        reply({
          authoritative: false,
          authority: [ns('dyn.example.com', 'ns.example.net')],
          additional: [a('ns.example.net', '203.0.113.66')],
        }),
    );
    const { listed } = await checkDelegation(ZONE, undefined, lookup);
    expect(listed).toEqual([{ name: name('ns.example.net'), glue: [] }]);
  });

  it('that differ between the nameservers of the parent are a warning', async () => {
    const lookup = lookupOf(
      (qname, qtype) =>
        qtype === RRType.NS
          ? reply({ answers: [ns('example.com', 'p1.example.net'), ns('example.com', 'p2.example.net')] })
          : reply({ answers: [a(qname, qname.startsWith('p1') ? '192.0.2.1' : '192.0.2.2')] }),
      (address) =>
        reply({
          authoritative: false,
          authority: [ns('dyn.example.com', address === '192.0.2.1' ? 'a.test' : 'b.test')],
        }),
    );
    const { findings } = await checkDelegation(ZONE, undefined, lookup);
    expect(texts(findings, 'warning')[0]).toContain('disagree');
  });

  it('from the zone itself, at a server that serves both zones, do not show the delegation', async () => {
    const lookup = lookupOf(
      (qname) => reply({ answers: [ns('example.com', 'p.example.net'), a(qname, '192.0.2.1')] }),
      () => reply({ answers: [ns('dyn.example.com', 'ns.example.net')] }),
    );
    const { findings, listed } = await checkDelegation(ZONE, zoneWith(1, ['ns.example.net']), lookup);
    expect(texts(findings, 'not checked')[0]).toContain('cannot be checked');
    expect(listed).toHaveLength(1);
  });
});

describe('a nameserver', () => {
  const listed = [{ name: name('ns1.dyn.example.com'), glue: [parseIpAddress('2001:db8::1')!] }];
  const check = async (answer: (transport: string) => LookupResult, serial = 5, now = serial) => {
    const lookup = lookupOf(
      () => none('no-reply'),
      (_, transport) => answer(transport),
    );
    return (await checkNameservers(ZONE, listed, zoneWith(serial), lookup, async () => now)).findings;
  };

  it('with an IPv6 address is not checked on a machine without IPv6', async () => {
    const findings = await check(() => none('no-route'));
    expect(findings).toMatchObject([{ status: 'not checked', text: expect.stringContaining('no IPv6 connectivity') }]);
  });

  it('that was not queried for lack of time is not reported as silent', async () => {
    expect(await check(() => none('out-of-time'))).toMatchObject([{ status: 'not checked' }]);
    const half = await check((transport) => (transport === 'tcp' ? none('out-of-time') : reply({ answers: [soa(5)] })));
    expect(texts(half, 'problem')).toEqual([]);
  });

  it('that answers without AA is lame', async () => {
    expect(texts(await check(() => reply({ authoritative: false, answers: [soa(5)] })), 'problem')[0]).toContain('AA');
  });

  it('that answers with the SOA of another zone is lame', async () => {
    const other = soa(5, 'example.com');
    expect(texts(await check(() => reply({ answers: [other] })), 'problem')[0]).toContain('without the SOA record');
  });

  it('without EDNS is a warning', async () => {
    expect(texts(await check(() => reply({ edns: false, answers: [soa(5)] })), 'warning')[0]).toContain('EDNS');
  });

  it('RFC 1982: is behind across the wrap of the serial', async () => {
    const findings = await check(() => reply({ answers: [soa(0xffff_fffe)] }), 3);
    expect(texts(findings, 'warning')[0]).toContain("5 behind the primary's 3");
  });

  it('that is ahead only because the zone has just changed is ok', async () => {
    expect(texts(await check(() => reply({ answers: [soa(6)] }), 5, 6), 'ok')).toHaveLength(1);
    expect(texts(await check(() => reply({ answers: [soa(6)] }), 5, 5), 'problem')).toHaveLength(1);
  });
});

it.each(['dyn.home.arpa', 'HOME.ARPA', 'x.internal'])('%s has no parent, and nothing is queried', async (zone) => {
  const lookup = lookupOf(() => none('no-reply'));
  const { findings } = await checkDelegation(name(zone), undefined, lookup);
  expect(findings).toMatchObject([
    { status: 'not checked', text: expect.stringContaining('the internet cannot find it') },
  ]);
  expect(lookup.queries).toBe(0);
});

it.each([
  [0, 'ok', 'agree'],
  [60, 'ok', 'differ by 60 s'],
  [-61, 'warning', '61 s behind'],
  [300, 'warning', '300 s ahead of'],
  [301, 'problem', '301 s ahead of'],
])('RFC 8945 §10: clocks %i s apart are %s', (aheadSeconds, status, text) => {
  expect(judgeClocks({ kind: 'compared', aheadSeconds })).toMatchObject({
    status,
    text: expect.stringContaining(text),
  });
});

describe('proxies', () => {
  const facts = (prefixes: readonly string[], more: Partial<HttpFacts> = {}): HttpFacts => ({
    listen: [{ kind: 'tcp', host: '192.0.2.1', port: 443, tls: true }],
    trustedProxies: prefixes.map((prefix) => parseIpPrefix(prefix)!),
    lenient: false,
    ...more,
  });

  it.each([
    ['0.0.0.0/0', 'problem'],
    ['::/0', 'problem'],
    ['128.0.0.0/1', 'warning'],
    ['2000::/3', 'warning'],
    ['0.0.0.0/1', 'warning'],
    ['10.0.0.0/8', 'ok'],
    ['fd00::/8', 'ok'],
    ['192.0.2.0/24', 'ok'],
  ])('%s trusted: %s', (prefix, status) => {
    expect(checkTrust(facts([prefix]))).toMatchObject([{ status }]);
  });

  it('a unix socket with lenient is a warning', () => {
    const listen = [{ kind: 'unix', path: '/run/x.sock' } as const];
    expect(checkTrust(facts([], { listen, lenient: true }))).toMatchObject([{ status: 'warning' }]);
    expect(checkTrust(facts([], { listen }))).toEqual([]);
  });
});

describe('an embedded nameserver', () => {
  const outside = (...hosts: readonly string[]) => {
    const listen = hosts.map((text) => ({ host: text.split(' ')[0]!, port: Number(text.split(' ')[1]) }));
    const subject = { zone: ZONE, primary: { kind: 'embedded', listen } } as unknown as DoctorSubject;
    return checkOutside(subject, [])[0];
  };

  it.each([
    ['0.0.0.0 53', 'ok', 'port 53'],
    ['192.0.2.1 53', 'ok', 'port 53'],
    ['127.0.0.1 5354', 'warning', 'resolvers query port 53 only'],
    ['127.0.0.1 53', 'warning', 'only this machine'],
    ['192.168.1.5 53', 'warning', 'is private'],
  ])('on %s: %s', (host, status, text) => {
    expect(outside(host)).toMatchObject({ status, text: expect.stringContaining(text) });
  });
});

it.each([
  ['10.1.2.3', 'is private'],
  ['100.64.0.1', "is behind a carrier's NAT"],
  ['fd12::1', 'is private'],
  ['8.8.8.8', undefined],
  ['2001:db8::1', undefined],
])('the reason why the internet cannot reach %s: %s', (text, reason) => {
  expect(whyLocal(parseIpAddress(text)!)).toBe(reason);
});
