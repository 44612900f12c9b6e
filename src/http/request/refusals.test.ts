// Each refusal of a request is counted once for its source, by whichever protocol and at whichever place it is thrown.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { testQueue } from '../../../test/support/address-updates.ts';
import { MemoryPublisher, MemoryZone } from '../../../test/support/memory-publisher.ts';
import { Authenticator } from '../../core/access/authenticate.ts';
import { GuessBudget } from '../../core/access/guess-budget.ts';
import { MinuteLimiter } from '../../core/access/rate-limits.ts';
import { type HostToken, tokenSha256 } from '../../core/access/token.ts';
import { UpdateAddresses } from '../../core/updates/update-addresses.ts';
import { UpdateHost } from '../../core/updates/update-host.ts';
import { UpdateRecord } from '../../core/updates/update-record.ts';
import { UpdateTexts } from '../../core/updates/update-texts.ts';
import { CheckZones } from '../../core/zones/check-zones.ts';
import { type Zone, ZoneTable } from '../../core/zones/zone.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { buildApp } from '../app/app.ts';

const apex = DomainName.parse('dyn.example.com');
const home = apex.prepend('home');
const SECRET = 'a-token-of-this-test';
const TOKEN: HostToken = {
  id: 't1',
  name: 'router1',
  sha256: tokenSha256(SECRET),
  hosts: [home, apex.prepend('nas')],
  types: [RRType.A, RRType.AAAA, RRType.TXT],
  addresses: 'any',
  createdMs: 0,
};

class CountingLimiter extends MinuteLimiter {
  counted = 0;

  override count(key: string): void {
    this.counted += 1;
    super.count(key);
  }
}

let app: ReturnType<typeof buildApp>;
let refusals: CountingLimiter;
let outcomes: string[];

beforeEach(() => {
  refusals = new CountingLimiter(1_000, () => 0);
  outcomes = [];
  const zone: Zone = {
    apex,
    publisher: new MemoryPublisher(new MemoryZone(apex)),
    ttl: { max: 3600 },
    apexAllowed: false,
    wildcardAllowed: false,
    reserved: new Set(),
    addresses: { allow: [], deny: [] },
    emptyValue: 'keep',
  };
  const queue = testQueue({ timeoutMs: 5_000, maxWaiting: 100 });
  const onOutcome = (_protocol: string, outcome: string) => void outcomes.push(outcome);
  const record = new UpdateRecord({ refusals, now: Date.now, onOutcome });
  const services = {
    version: '0',
    zones: new ZoneTable([zone]),
    authenticator: new Authenticator({ tokens: [TOKEN], guesses: new GuessBudget(() => 0), now: Date.now }),
    record,
    updates: new UpdateHost(new UpdateAddresses(queue), record),
    texts: new UpdateTexts({ queue, record, removeAfterSeconds: () => 60 }),
    acmeDns: undefined,
    protocolsOff: new Set<string>(),
    recordChanges: { ended: async () => undefined, clock: () => performance.now(), timeoutMs: 1000 },
    checks: new CheckZones(() => 5_000, queue.clock),
    unspecifiedFamily: 'keep' as const,
    checkIsOpen: true,
    monitoring: { metrics: () => Promise.reject(new Error('none')), notReady: async () => [], isApart: false },
  };
  const nothing = () => undefined;
  app = buildApp({
    services: () => services,
    trust: () => ({ trustedProxies: [], clientAddressHeader: 'x-forwarded-for' }),
    observer: { requestAnswered: nothing, batchPublished: nothing, dnsUpdateAnswered: nothing, warn: nothing },
  });
});
afterEach(() => app.close());

const FOREIGN = 'other.dyn.example.com';
const LOOPBACK = '127.0.0.1';
const MY = 'home.dyn.example.com';
const NAS = 'nas.dyn.example.com';

it.each<[string, string, number]>([
  ['original, a name out of scope', `/update-by-path/${SECRET}/${FOREIGN}/192.0.2.1`, 1],
  ['original, an address', `/update-by-path/${SECRET}/${MY}/${LOOPBACK}`, 1],
  ['original, a text that is not an address', `/update-by-path/${SECRET}/${MY}/x`, 1],
  ['original, a zone', `/update-by-query?secret=${SECRET}&zone_name=example.net&record_name=home`, 1],
  ['dyndns2, a name out of scope', `/nic/update?token=${SECRET}&hostname=${FOREIGN}&myip=192.0.2.1`, 1],
  ['dyndns2, an address', `/nic/update?token=${SECRET}&hostname=${MY}&myip=${LOOPBACK}`, 1],
  ['dyndns2, two names', `/nic/update?token=${SECRET}&hostname=${FOREIGN},${MY}&myip=${LOOPBACK}`, 2],
  ['dyndns2, one name of two', `/nic/update?token=${SECRET}&hostname=${FOREIGN},${MY}&myip=192.0.2.1`, 1],
  ['dyndns2, a host of its own parameter', `/nic/update?token=${SECRET}&myipv6:${FOREIGN}=2001:db8::1`, 1],
  ['dyndns1, a name out of scope', `/nic/dyndns?token=${SECRET}&host=${FOREIGN}&myip=192.0.2.1`, 1],
  ['dyndns1, an address', `/nic/dyndns?token=${SECRET}&host=${MY}&myip=${LOOPBACK}`, 1],
  ['FreeDNS, an address', `/u/${SECRET}?host=${MY}&address=${LOOPBACK}`, 1],
  ['FreeDNS, two names', `/u/${SECRET}?host=${FOREIGN},${MY}&address=${LOOPBACK}`, 2],
  ['No-IP, two names', `/ducupdate.php?token=${SECRET}&h[]=${FOREIGN}&h[]=${MY}&myip=${LOOPBACK}`, 2],
  ['DuckDNS, a name out of scope', `/update?domains=${FOREIGN}&token=${SECRET}&ip=192.0.2.1`, 1],
  ['DuckDNS, two names with an address', `/update?domains=${MY},${NAS}&token=${SECRET}&ip=${LOOPBACK}`, 1],
  ['DuckDNS, an empty text', `/update?domains=${MY},${NAS}&token=${SECRET}&txt=`, 1],
  ['dynv6, an address', `/api/update?token=${SECRET}&hostname=${MY}&ipv4=${LOOPBACK}`, 1],
  ['freemyip, an address', `/update?domain=${MY}&token=${SECRET}&myip=${LOOPBACK}`, 1],
  ['a success', `/nic/update?token=${SECRET}&hostname=${MY}&myip=192.0.2.1`, 0],
  ['a wrong credential', `/nic/update?token=x&hostname=${MY}&myip=192.0.2.1`, 0],
])('%s', async (_, url, expected) => {
  const { statusCode, body } = await app.inject({ method: 'GET', url });
  expect(statusCode, body).not.toBe(404);
  expect(refusals.counted, `${statusCode} ${body}`).toBe(expected);
});

it('httpreq', async () => {
  const headers = { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' };
  const present = (fqdn: string, value: string) =>
    app.inject({ method: 'POST', url: '/present', headers, payload: JSON.stringify({ fqdn, value }) });
  await present(`_acme-challenge.${FOREIGN}.`, 'x');
  expect(refusals.counted).toBe(1);
  await present(`_acme-challenge.${MY}.`, 'a\u0007b');
  expect(refusals.counted).toBe(2);
  expect((await present(`_acme-challenge.${MY}.`, 'x')).statusCode).toBe(200);
  expect([refusals.counted, outcomes]).toEqual([2, ['request-malformed', 'changed']]);
});
