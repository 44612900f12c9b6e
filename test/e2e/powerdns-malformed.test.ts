/**
 * Thousands of malformed requests to each route of the PowerDNS-compatible API, the same ones in each run. Every reply is a documented
 * one, none is a 500, and the zone does not change. Each request has a key that may change much, unless the key is the malformed part.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { POWERDNS_ERRORS } from '../../src/http/powerdns/errors.ts';
import { POWERDNS_ROUTES } from '../../src/http/powerdns/routes.ts';
import { type Random, seededRandom } from '../differential/random.ts';
import { dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { exchangeRaw, parseRaw } from '../support/http-client.ts';
import { sendBurst } from '../support/pipelined-requests.ts';
import { describeWith } from '../support/require-server.ts';

const ZONE = 'dyn.example.com';
const KEY = 'keyOfMalformedRequests';
const SEED = 20_261;
/** A fifth of the campaign is a test; `npm run fuzz -- requests` sends all of it. */
const PART = process.env['MALFORMED_REQUESTS'] === 'all' ? 1 : 5;
/** Valid HTTP with a malformed part; pipelined on one connection. */
const CARRIED = 4_900 / PART;
/** Octets that are not valid HTTP, each on its own connection. */
const BROKEN = 150 / PART;
/** Requests on one connection; the server closes one on which more than a hundred wait. */
const BURST = 60;

/** Replies of the API, and of the server in front of it. */
const STATUSES = new Set<number>([
  ...Object.values(POWERDNS_ERRORS).filter((status) => status !== 500),
  ...[200, 204, 404, 405, 408, 411, 413, 414, 415, 417, 431, 505],
]);

const noise = (random: Random, length: number) =>
  Array.from({ length }, () => String.fromCharCode(33 + random.below(94))).join('');
const octets = (random: Random, length: number) =>
  Array.from({ length }, () => String.fromCharCode(random.below(256))).join('');
const escaped = (text: string) =>
  text.replace(/[^a-z0-9._-]/gi, (sign) => `%${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** A placeholder of a path, as nobody should write it. */
function segment(random: Random, good: string): string {
  return random.pick([
    () => good,
    () => good,
    () => `${good}x`,
    () => escaped(noise(random, 1 + random.below(30))),
    () => escaped(octets(random, 1 + random.below(30))),
    () =>
      random.pick([
        '%',
        '%zz',
        '%c3%28',
        '%00',
        '%2f',
        '%2e%2e',
        '..',
        '=',
        '=2',
        '=zz',
        '=2F=2f',
        '=00.',
        '*',
        '@',
        '~',
      ]),
    () => 'a.'.repeat(1 + random.below(200)),
    () => 'a'.repeat(1 + random.below(300)),
    () => `${'='.repeat(1 + random.below(900))}2e`,
  ])();
}

function query(random: Random): string {
  const name = random.pick(['zone', 'dnssec', 'rrsets', 'rrset_name', 'rrset_type', '__proto__', 'constructor', 'x']);
  const value = random.pick([
    () => escaped(octets(random, random.below(40))),
    () => random.pick(['', '%', '%zz', '.', '..', '-1', 'true', 'null', '[]', `${ZONE}.`, 'ANY', 'TYPE99999', 'A']),
    () => 'x.'.repeat(random.below(900)),
  ])();
  return `${name}=${value}`;
}

/** A value of the wrong type or form. */
function wrongValue(random: Random): unknown {
  return random.pick<() => unknown>([
    () => null,
    () => random.below(1e9) - 5e8,
    () => 1e308,
    () => -0.5,
    () => random.chance(0.5),
    () => [],
    () => ({}),
    () => [[[{}]]],
    () => noise(random, random.below(40)),
    () => octets(random, random.below(40)),
    () => 'x'.repeat(random.below(5000)),
    () => ({ length: 5, toString: 'x', __proto__: 7 }),
    () => `"${'\\'.repeat(random.below(50))}`,
    () => `${'('.repeat(random.below(50))}`,
    () => '"a" "b" ; c',
    () => '\\# 4 c0000201',
    () => `\\# ${random.below(99_999)} ${'ab'.repeat(random.below(200))}`,
    () => `${'a.'.repeat(random.below(200))}`,
    () => '\ud800',
  ])();
}

/** A valid change of the key's own name, with one defect or more: the whole request is refused. */
function wrongBody(random: Random): string {
  const types = ['A', 'AAAA', 'TXT', 'CNAME', 'MX', 'SRV', 'CAA', 'PTR', 'TLSA', 'SSHFP', 'HTTPS', 'SVCB', 'NS', 'SOA'];
  const good = {
    name: `home.${ZONE}.`,
    type: 'A',
    ttl: 60,
    changetype: 'REPLACE',
    records: [{ content: '192.0.2.1', disabled: false }],
  };
  const field = random.pick(['name', 'type', 'ttl', 'changetype', 'records'] as const);
  /** Each is refused by itself, so that nothing is changed whatever is beside it. */
  const refused = random.pick<() => unknown>([
    () => ({ ...good, name: `other${random.below(99)}.${ZONE}.` }),
    () => ({
      ...good,
      type: random.pick(['NS', 'DS', 'SOA', 'DNAME', 'RRSIG', 'NSEC', 'OPT', 'ANY', 'ALIAS', 'TYPE0']),
    }),
    () => ({ ...good, ttl: random.pick([-1, 1.5, 2 ** 31, 2 ** 53, '', 'x', null, [], {}]) }),
    () => ({ ...good, changetype: random.pick(['', 'replace ', 'UPSERT', 1, null]) }),
    () => ({ ...good, records: [{ content: wrongValue(random), disabled: true }] }),
    () => ({
      ...good,
      type: random.pick(types.slice(1)),
      records: [{ content: `${noise(random, 9)} ${octets(random, 9)}(` }],
    }),
    () => ({
      ...good,
      name: random.pick(['home', '.', `www.${ZONE}.`, `${ZONE}.`, `*.${ZONE}.`, `reserved.${ZONE}.`]),
    }),
    () => ({ ...good, records: Array.from({ length: 2 }, () => good.records[0]) }),
    () => wrongValue(random) ?? 0,
    () => ({ ...good, [field]: random.pick<unknown>([{}, [[]], false, -1]) }),
  ])();
  const others = Array.from({ length: random.below(3) }, () => ({ ...good, [field]: wrongValue(random) }));
  const text = JSON.stringify({ rrsets: random.chance(0.5) ? [refused, ...others] : [...others, refused] });
  return random.pick<() => string>([
    () => text,
    () => text,
    () => text.slice(0, random.below(text.length)),
    () => `${text}${text}`,
    () => `[${text}]`,
    () => text.replace('"rrsets"', '"rrsets":[],"rrsets"'),
    () => text.replace('"rrsets"', '"__proto__"'),
    () => `{"rrsets":${'['.repeat(random.below(30_000))}`,
    () => `{"rrsets":[${'{},'.repeat(random.below(9000))}0]}`,
    () => octets(random, random.below(2000)),
    () => '',
  ])();
}

function carriedRequest(pattern: string, methods: readonly string[], random: Random): string {
  const path = pattern
    .replace(':server', () => (random.chance(0.8) ? 'localhost' : segment(random, 'localhost')))
    .replace(':zone', () => (random.chance(0.6) ? `${ZONE}.` : segment(random, ZONE)))
    .replace('*', () => escaped(noise(random, random.below(30))));
  const usual = methods.includes('PATCH') && random.chance(0.7) ? 'PATCH' : random.pick(methods);
  const method = random.chance(0.8) ? usual : random.pick(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
  const isBodyless = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
  const key = random.chance(0.9) ? KEY : noise(random, random.below(50));
  const headers = [`X-API-Key: ${key}`, `X-Forwarded-For: ${[1, 2, 3].map(() => random.below(256)).join('.')}.7`];
  if (random.chance(0.1))
    headers.push(`Content-Type: ${random.pick(['', 'x', ';', 'multipart/form-data', 'application/json; x'])}`);
  if (random.chance(0.05)) headers.push('Sec-Fetch-Site: cross-site');
  const body = isBodyless ? '' : wrongBody(random);
  if (!isBodyless) headers.push(`Content-Length: ${Buffer.byteLength(body, 'latin1')}`);
  const search = random.chance(0.5) ? `?${query(random)}&${query(random)}` : '';
  return `${method} ${path}${search} HTTP/1.1\r\nHost: ${random.pick(['x', ZONE, 'évil', ''])}\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
}

/** Octets that are not quite a request; it would be refused all the same. */
function brokenRequest(pattern: string, methods: readonly string[], random: Random): Buffer {
  const whole = carriedRequest(pattern, methods, random).replace(`X-API-Key: ${KEY}`, `X-API-Key: ${KEY}x`);
  const text = random.pick([
    () => whole.slice(0, 1 + random.below(whole.length)),
    () => whole.replaceAll('\r\n', '\n'),
    () => whole.replace('\r\n\r\n', `\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
    () =>
      whole.replace(
        /Content-Length: \d+/,
        `Content-Length: ${random.pick(['-1', 'x', '1, 2', '99999999999999999999'])}`,
      ),
    () => whole.replace(/Content-Length: \d+/, 'Transfer-Encoding: chunked'),
    () => whole.replace(/Content-Length: \d+/, `Content-Length: ${3 * 1024 * 1024}`),
    () => whole.replace('HTTP/1.1', `HTTP/${random.below(10)}.${random.below(10)}`),
  ])();
  return Buffer.from(text, 'latin1');
}

describeWith(
  [{ command: 'dig', debianPackage: 'bind9-dnsutils' }],
  'malformed requests to the PowerDNS-compatible API',
  () => {
    let server: EmbeddedServer;
    let total = 0;

    beforeAll(async () => {
      server = await startEmbedded({
        zone: ZONE,
        records: 'www A 192.0.2.80\nhome MX 10 www\n',
        zoneOptions: { reserved: ['reserved'] },
        config: {
          http: { listen: ['127.0.0.1:0'], trusted_proxies: ['127.0.0.1'] },
          limits: { refused_per_minute_per_source: 0 },
          store: 'sqlite:dyndns.db',
          admin: { enabled: true, powerdns_api: true },
          tokens: [
            {
              name: 'key',
              sha256: createHash('sha256').update(KEY).digest('hex'),
              hosts: ['home', 'www', 'reserved', '*.lab', '@'].map((label) =>
                label === '@' ? ZONE : `${label}.${ZONE}`,
              ),
              types: ['A', 'AAAA', 'TXT', 'CNAME', 'MX', 'SRV', 'CAA', 'PTR', 'TLSA', 'SSHFP', 'HTTPS', 'SVCB'],
            },
          ],
        },
      });
    }, 30_000);

    afterAll(async () => {
      await server?.stop();
      process.stdout.write(`malformed requests to the PowerDNS-compatible API: ${total}, seed ${SEED}\n`);
    });

    const serial = async () => (await dig(server, [ZONE, 'SOA', '+norecurse'])).short[0]?.split(' ')[2];
    const check = (request: string, { status, body }: { status: number; body: string }) => {
      if (STATUSES.has(status)) return;
      throw new Error(`${JSON.stringify(request.slice(0, 900))} -> ${status} ${JSON.stringify(body.slice(0, 300))}`);
    };

    // From the code: a new route is tested without a change here.
    const routes = [
      ...Object.entries(POWERDNS_ROUTES),
      ['/api/v1/servers/*', { GET: 1, PATCH: 1 }],
      ['/api', { GET: 1 }],
    ] as const;

    it.each(routes)(
      '%s',
      async (pattern, answers) => {
        const methods = Object.keys(answers);
        const random = seededRandom(SEED + pattern.length);
        const before = await serial();
        const carried = Array.from({ length: CARRIED }, () => carriedRequest(pattern, methods, random));
        const bursts: string[][] = [];
        for (let from = 0; from < carried.length; from += BURST) bursts.push(carried.slice(from, from + BURST));
        for (let from = 0; from < bursts.length; from += 10) {
          const some = bursts.slice(from, from + 10);
          const answered = await Promise.all(some.map((burst) => sendBurst(server.dyndns.port, burst)));
          answered.forEach((replies, which) => {
            total += replies.length;
            replies.forEach((reply, index) => {
              check(some[which]![index]!, reply);
            });
          });
        }
        for (let from = 0; from < BROKEN; from += 10) {
          const requests = Array.from({ length: Math.min(10, BROKEN - from) }, () =>
            brokenRequest(pattern, methods, random),
          );
          const replies = await Promise.all(requests.map((one) => exchangeRaw(server.dyndns.port, one, false, true)));
          replies.forEach((reply, index) => {
            check(requests[index]!.toString('latin1'), parseRaw(reply));
          });
          total += replies.length;
        }
        expect(await serial()).toBe(before);
        expect(server.dyndns.process.isRunning()).toBe(true);
      },
      60_000,
    );

    it(`were ${CARRIED + BROKEN} for each of the routes`, () => {
      expect(total).toBe((CARRIED + BROKEN) * routes.length);
      expect(CARRIED + BROKEN).toBeGreaterThanOrEqual(5000 / PART);
    });
  },
);
