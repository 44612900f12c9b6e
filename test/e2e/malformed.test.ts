/**
 * Thousands of malformed requests to each route, the same ones in each run. Every reply is a documented one, none is a 500,
 * and no zone changes. Each request has a credential that may change everything, unless the credential is the malformed
 * part.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PROTOCOLS } from '../../src/http/app/app.ts';
import { DUCKDNS_ERRORS } from '../../src/http/protocols/duckdns.ts';
import { DYNDNS2_ERRORS } from '../../src/http/protocols/dyndns2.ts';
import { EASYDNS_ERRORS } from '../../src/http/protocols/easydns.ts';
import { FREEDNS_ERRORS } from '../../src/http/protocols/freedns.ts';
import { FREEMYIP_ERRORS } from '../../src/http/protocols/freemyip.ts';
import { NOIP_ERRORS } from '../../src/http/protocols/noip.ts';
import { type Random, seededRandom } from '../differential/random.ts';
import { type DnsProbe, type ProbeResult, startDnsProbe } from '../support/dns-probe.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { exchangeRaw, parseRaw } from '../support/http-client.ts';
import { sendBurst } from '../support/pipelined-requests.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, SECRET, ZONE } from './lab.ts';
import { type GoodTexts, jsonRequest } from './malformed-json.ts';

const SEED = 20_260;
/** A fifth of the campaign is a test; `npm run fuzz -- requests` sends all of it. */
const IS_WHOLE = process.env['MALFORMED_REQUESTS'] === 'all';
const PART = IS_WHOLE ? 1 : 5;
/** Valid HTTP with a malformed part; pipelined on one connection. */
const CARRIED = 4_900 / PART;
/** Octets that are not valid HTTP, each on its own connection. */
const BROKEN = 150 / PART;
/** Requests on one connection; the server closes one on which more than a hundred wait. */
const BURST = 60;
/** A zone that the server serves itself: it must answer while the requests arrive. */
const EMBEDDED = 'dns.example.org';
/** Judged by `npm run fuzz -- requests` only: a test must not depend on time. */
const MAX_DNS_P95_MS = 10;

const STATUSES = new Set([
  200, 204, 400, 401, 403, 404, 405, 409, 411, 413, 414, 415, 417, 429, 431, 453, 454, 456, 503, 505,
]);
/** The words of the protocols that share `/update`. */
const WORDS = new Set<string>(
  ['', 'numhost'].concat(
    ...[DYNDNS2_ERRORS, DUCKDNS_ERRORS, FREEMYIP_ERRORS].map((map) => Object.values(map).map(([, word]) => word)),
  ),
);
const EASYDNS_WORDS = new Set<string>(['', ...Object.values(EASYDNS_ERRORS).map(([, word]) => word)]);
const NOIP_CODES = new Set<string>(Object.values(NOIP_ERRORS).map(([, code]) => String(code)));
const FREEDNS_LINES = new Set<string>(['', ...Object.values(FREEDNS_ERRORS).map(([, line]) => line)]);
/** Lines that a reply with 200 of a changing route may contain, by protocol. */
const REFUSALS: Readonly<Record<string, (line: string) => boolean>> = {
  dyndns2: (line) => WORDS.has(line),
  duckdns: (line) => WORDS.has(line),
  freemyip: (line) => WORDS.has(line),
  easydns: (line) => EASYDNS_WORDS.has(line),
  dyndns1: (line) => !line.includes('NOERROR'),
  freedns: (line) => FREEDNS_LINES.has(line),
  noip: (line) => line === '' || NOIP_CODES.has(line.replace(/^[^:]*:/, '')),
};

/** The parts of a request; some are malformed. */
interface RequestParts {
  readonly host: string;
  readonly address: string;
  readonly secret: string;
}

/** Parameters of each protocol that also has its credential in a parameter. */
const WITH_TOKEN: Readonly<Record<string, (parts: RequestParts, random: Random) => string[]>> = {
  duckdns: ({ host, address, secret }, random) => {
    const name = address.includes(':') ? random.pick(['ip', 'ipv6']) : 'ip';
    return [`domains=${host}`, `token=${secret}`, `${name}=${address}`, ...random.pick([[], ['verbose=true']])];
  },
  dynv6: ({ host, address, secret }, random) => {
    // Followed by two colons, these would be prefixes.
    const isPrefix = /^(1:)+$/.test(address) || address === '192.0.2.1';
    const name = isPrefix ? 'ipv4' : random.pick(['ipv4', 'ipv6', 'ipv6prefix']);
    return [`${random.pick(['hostname', 'zone', 'Hostname'])}=${host}`, `token=${secret}`, `${name}=${address}`];
  },
  njalla: ({ host, address, secret }, random) => {
    return [`h=${host}`, `k=${secret}`, `${random.pick(['a', 'aaaa'])}=${address === '192.0.2.1' ? 'none' : address}`];
  },
  freemyip: ({ host, address, secret }) => [`domain=${host}`, `token=${secret}`, `myip=${address}`],
};
/** Parameters that remove addresses; sent for a host that may not be changed, or with a wrong credential. */
const DELETIONS = ['clear=true', 'delete=yes', 'ipv6=-'];
/** Parameters that publish or remove a text. */
const TEXTS = ['txt=x', 'txt=&clear=true', 'txt=null', 'txt='];
/** Names that cannot have addresses, but may have ACME challenges. */
const CHALLENGED = new RegExp(`^([*]|_a\\d+)[.]${ZONE}$|^${ZONE}$`);

interface TestedRoute {
  readonly pattern: string;
  readonly safe: boolean;
  readonly readsBody?: true | undefined;
  readonly protocol: string;
}

const GOOD: GoodTexts = {
  fqdn: `_acme-challenge.home.${ZONE}`,
  token: 'tokenOfLego',
  user: 'certbot',
  key: 'keyOfCertbot',
  subdomain: 'certbot',
};
const challenger = (name: string, secret: string, host: string) => {
  return {
    name,
    sha256: createHash('sha256').update(secret).digest('hex'),
    hosts: [`${host}.${ZONE}`],
    types: ['TXT'],
  };
};

/** Texts in URL form whose errors no random value can repair. */
function makeWrong(random: Random) {
  const octet = (code: number) => `%${code.toString(16).padStart(2, '0')}`;
  const noise = (length: number) =>
    Array.from({ length }, () => {
      const code = random.below(256);
      if (code === 0x2c || code === 0x20 || (code >= 9 && code <= 13)) return 'g';
      return /[a-z0-9._~-]/i.test(String.fromCharCode(code)) ? String.fromCharCode(code) : octet(code);
    }).join('');
  const brokenEscape = () => random.pick(['%', '%z', '%zz', '%u0041', '%%', '%c3%28', '%ff%fe', '%00']);
  const long = (unit: string, max: number) => unit.repeat(1 + random.below(max));
  const forbidden = () => octet(random.pick([...' !"#$%&()+/:;<=>?@[]^`{|}~'].map((sign) => sign.charCodeAt(0))));
  /** Not an address, and not a word for one. */
  const address = () =>
    random.pick([
      () => `g${noise(random.below(20))}`,
      () => `1.2.3.${256 + random.below(1000)}`,
      () => `1.2.3.4.${random.below(255)}`,
      () => `01.2.3.${random.below(255)}`,
      () => `2001:db8:::${random.below(9)}`,
      () => long('1:', 60),
      () => `fe80::1%25eth${random.below(9)}`,
      () => `0x${random.below(65_536).toString(16)}`,
      () => `[2001:db8::${random.below(9)}]`,
      () => `192.0.2.1:${random.below(65_536)}`,
      () => `192.0.2.1/${33 + random.below(900)}`,
      () => `2001:db8::1/${129 + random.below(900)}`,
      () => `127.0.0.${random.below(255)}`,
      () => `ff02::${random.below(9999)}`,
      () => `g${brokenEscape()}`,
      () => long('g', 2000),
    ])();
  /** Not a name, or one that no credential may change. */
  const host = () =>
    random.pick([
      () => `a..${ZONE}`,
      () => `-a${random.below(99)}.${ZONE}`,
      () => `a${random.below(99)}-.${ZONE}`,
      () => `${'a'.repeat(64 + random.below(200))}.${ZONE}`,
      () => `${long('a.', 500)}${'a.'.repeat(120)}${ZONE}`,
      () => `a${forbidden()}${random.below(99)}.${ZONE}`,
      () => `*.${ZONE}`,
      () => `_a${random.below(99)}.${ZONE}`,
      () => ZONE,
      () => `a.not${ZONE}`,
      () => `a.${ZONE}.example`,
      () => `www.example.${random.below(999)}`,
      () => `${noise(1 + random.below(40))}.invalid`,
      () => `a%E2%80%8D%E0%A5%8D.${ZONE}`,
      () => `${brokenEscape()}.${ZONE}`,
      () => '.',
    ])();
  const secret = () =>
    random.pick([
      () => `x${noise(random.below(30))}`,
      () => long('x', 3000),
      () => SECRET.slice(1),
      () => `x${SECRET}`,
    ])();
  return { noise, address, host, secret, brokenEscape, long };
}

describeWith(BIND_PROGRAMS, 'malformed requests', () => {
  let lab: Lab;
  let server: RunningDyndns;
  let idle: ProbeResult;
  let probe: DnsProbe;
  let total = 0;

  beforeAll(async () => {
    lab = await openLab(
      { zones: [{ name: 'dyn.example.net', keys: [ZONE] }] },
      'home A 192.0.2.77\nhome AAAA 2001:db8::77\n',
    );
    const dnsPort = await freePort();
    server = await lab.serve({
      log_level: 20,
      dns: { listen: [`127.0.0.1:${dnsPort}`], database: 'zones.db' },
      // With two zones, a single label is ambiguous.
      zones: [
        { name: ZONE, tsig_key: lab.key.secret },
        { name: 'dyn.example.net', tsig_key: { ...lab.key } },
        { name: EMBEDDED, nameserver: 'embedded', ns: [`ns1.${EMBEDDED}`], records: 'ns1 A 127.0.0.1\n' },
      ],
      http: { trusted_proxies: ['127.0.0.1'] },
      check: 'authenticated',
      store: 'sqlite:dyndns.db',
      protocols: { acme_dns: true },
      acme_dns: { zone: ZONE, register: ['0.0.0.0/1'] },
      tokens: [challenger('lego', GOOD.token, 'home'), challenger(`acme-dns-${GOOD.user}`, GOOD.key, GOOD.subdomain)],
    });
    idle = await startDnsProbe(dnsPort, EMBEDDED).stop(200);
    probe = startDnsProbe(dnsPort, EMBEDDED);
  }, 30_000);

  afterAll(async () => {
    await lab?.stop();
    process.stdout.write(`malformed requests: ${total}, seed ${SEED}\n`);
  });

  const serials = async () => [await lab.serial(), await lab.serial('dyn.example.net')];

  /** Makes one request in valid HTTP. */
  function carriedRequest({ pattern, protocol }: TestedRoute, random: Random): string {
    const wrong = makeWrong(random);
    const drawn = random.pick(['host', 'host', 'address', 'address', 'secret', 'method', 'body', 'path'] as const);
    // A check has neither host nor address.
    const defect = pattern === '/check' && drawn !== 'path' ? 'secret' : drawn;
    const isHost = defect === 'host';
    const host = isHost ? wrong.host() : `home.${ZONE}`;
    const refused = defect === 'address' ? wrong.address() : '192.0.2.1';
    // An address that the policy refuses may still be deleted.
    const address = pattern === '/nic/delete' && /^(127|ff02)/.test(refused) ? 'g' : refused;
    const inPath = /:(secret|token)/.test(pattern);
    const tokenQuery = inPath ? undefined : WITH_TOKEN[protocol];
    const secret = defect === 'secret' ? wrong.secret() : SECRET;
    const changes = /update|delete|php|check$/.test(pattern) && !/check\.php/.test(pattern);
    // A route without an address has a malformed host instead.
    const shown = defect === 'address' && !pattern.includes(':ip') && inPath ? wrong.host() : host;
    const values: Record<string, string> = { secret, fqdn: shown, ip_1: address, ip_2: '2001:db8::1' };
    Object.assign(values, { domains: shown, token: secret, ip: address });
    let path = pattern.replace(/:(\w+)/g, (_all, name: string) => values[name] ?? '');
    if (defect === 'path') {
      path = `${inPath ? `${path}/more` : path}${random.pick(['/', '//', '\\'])}${wrong.brokenEscape()}${wrong.noise(9)}/x`;
    }
    const isOriginal = pattern === '/update-by-query';
    const inHeader = !inPath && (tokenQuery === undefined || random.chance(0.2));
    const parts = { host, address, secret: inHeader ? 'x' : secret };
    // The path has everything that a request needs.
    const isWhole = /:(fqdn|domains)/.test(pattern);
    const parameters = isWhole
      ? []
      : tokenQuery !== undefined
        ? tokenQuery(parts, random)
        : isOriginal
          ? [`fqdn=${host}`, `ip_1=${address}`]
          : [
              `${random.pick(['hostname', 'host', 'domains', 'fqdn'])}=${host}`,
              `${random.pick(['myip', 'ip', 'address'])}=${address}`,
              ...(pattern === '/api' ? ['action=getdyndns'] : []),
            ];
    const isRefused = isHost || defect === 'secret';
    if (isRefused && (tokenQuery !== undefined || protocol === 'duckdns') && random.chance(0.3)) {
      parameters.push(random.pick(CHALLENGED.test(shown) && isHost ? DELETIONS : [...DELETIONS, ...TEXTS]));
    }
    for (let extra = random.below(3); extra > 0; extra--) parameters.push(`x_${wrong.noise(8)}=${wrong.noise(20)}`);
    if (random.chance(0.1)) parameters.push('', '&&', '=', '=x', wrong.brokenEscape());
    const headers = [`X-Forwarded-For: ${random.below(256)}.${random.below(256)}.${random.below(256)}.7`];
    if (inHeader) {
      const value = random.pick([
        () => `Basic ${Buffer.from(`x:${decode(secret)}`, 'latin1').toString('base64')}`,
        () => `Bearer ${decode(secret).replace(/[^!-~]/g, 'x')}`,
      ])();
      const missing = defect === 'secret' && random.chance(0.3);
      if (!missing) headers.push(`Authorization: ${value}`);
    }
    if (random.chance(0.1)) headers.push(`X-${wrong.noise(5).replace(/[^a-z]/gi, 'y')}: ${wrong.noise(40)}`);
    if (random.chance(0.05)) headers.push(`Content-Type: ${random.pick(['', 'x', '/', ';', 'multipart/form-data'])}`);
    let method = 'GET';
    let body = '';
    let query = parameters.join('&');
    if (defect === 'method') {
      method = random.pick([
        'HEAD',
        'OPTIONS',
        'PATCH',
        'DELETE',
        'TRACE',
        'PROPFIND',
        ...(isWhole ? ['POST', 'PUT'] : []),
      ]);
    }
    if (defect === 'body') {
      method = 'POST';
      const [type, text] = brokenBody(random, wrong.noise(30), changes && !inPath, tokenQuery);
      headers.push(`Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(text, 'latin1')}`);
      body = text;
      query = '';
    }
    const head = `${method} ${path}${query === '' ? '' : `?${query}`} HTTP/1.1`;
    return `${head}\r\nHost: x\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
  }

  /** A body that asks for no change of any host. */
  function brokenBody(
    random: Random,
    noise: string,
    hasHostParameter: boolean,
    tokenQuery: (typeof WITH_TOKEN)[string] | undefined,
  ): readonly [string, string] {
    const ours = tokenQuery?.({ host: 'a..b', address: 'none', secret: SECRET }, random).join('&');
    const part = '--b\r\nContent-Disposition: form-data; name="hostname"\r\n\r\n';
    return random.pick<() => readonly [string, string]>([
      () => ['application/json', '{"hostname":"home"}'],
      () => [
        'application/x-www-form-urlencoded',
        ours ?? (hasHostParameter ? `hostname=a..b&fqdn=a..b&myip=${noise}` : noise),
      ],
      () => ['application/x-www-form-urlencoded', noise],
      () => ['application/x-www-form-urlencoded; charset=nonsense', '&'.repeat(random.below(3000))],
      () => ['multipart/form-data', noise],
      () => ['multipart/form-data; boundary=b', noise],
      () => ['multipart/form-data; boundary=b', `${part}home.${ZONE}`],
      () => ['multipart/form-data; boundary=b', `${part}${noise}\r\n--b--\r\n`],
      () => ['multipart/form-data; boundary=b', `--b\r\n${noise}\r\n--b--\r\n`],
      () => ['multipart/form-data; boundary=""', part],
      () => [`text/${noise.replace(/[^a-z]/gi, 'x')}`, noise],
      () => ['', noise],
    ])();
  }

  /** Octets that are not quite a request. A server that accepts them finds no zone for the host, and no valid address. */
  function brokenRequest({ pattern, protocol }: TestedRoute, random: Random): Buffer {
    const path = pattern
      .replace(/:(secret|token)/, SECRET)
      .replace(/:(fqdn|domains)/, 'home.invalid')
      .replace(/:ip(_\d)?/g, 'none');
    const ours = WITH_TOKEN[protocol]?.({ host: 'home.invalid', address: 'none', secret: SECRET }, random).join('&');
    const target = `${path}?${ours ?? 'hostname=home.invalid&myip=none&fqdn=home.invalid&ip_1=none'}`;
    const head = (more: string, first = `GET ${target} HTTP/1.1`) =>
      `${first}\r\nHost: x\r\nAuthorization: Bearer ${SECRET}x\r\nX-Forwarded-For: 198.51.100.${random.below(256)}\r\n${more}\r\n`;
    const form = 'Content-Type: application/x-www-form-urlencoded\r\n';
    const post = `POST ${target} HTTP/1.1`;
    const text = random.pick([
      () => head('').slice(0, 1 + random.below(head('').length - 1)),
      () => head('').replaceAll('\r\n', '\n'),
      () => head(`X: ${'x'.repeat(20_000)}\r\n`),
      () => head('', `GET ${target}${'x'.repeat(20_000)} HTTP/1.1`),
      () => head('', `GET ${target} x HTTP/1.1`),
      () => head('', `GET ${target}\u00fc HTTP/1.1`),
      () => head('', `GET ${target} HTTP/${random.below(10)}.${random.below(10)}`),
      () => head('', `${random.pick(['get', 'G\u0000T', 'FOO', '', 'GET\t'])} ${target} HTTP/1.1`),
      () => head(`Content-Length: ${random.pick(['-1', 'x', '1, 2', '99999999999999999999', '0x10'])}\r\n`, post),
      () => head(`${form}Content-Length: 5\r\nContent-Length: 6\r\n`, post),
      () => `${head(`${form}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`, post)}0\r\n\r\n`,
      () => `${head(`${form}Transfer-Encoding: chunked\r\n`, post)}${random.pick(['zz\r\n', '5\r\nab', '-1\r\n'])}`,
      () => head('Transfer-Encoding: gzip\r\n', post),
      () => `${head(`${form}Content-Length: 50\r\n`, post)}short`,
      () => `${head(`${form}Content-Length: 70000\r\n`, post)}${'x'.repeat(70_000)}`,
      () => head(`Expect: ${random.pick(['x', '200-ok'])}\r\n`),
      () => head('no colon\r\n'),
      () => head(' folded: x\r\n'),
      () => head('X\u0000Y: x\r\n'),
    ])();
    const octets = Buffer.from(text, 'latin1');
    if (random.chance(0.5)) octets[random.below(octets.length)] = random.below(256);
    return octets;
  }

  // From the code: a new route is tested without a change here.
  const routes: TestedRoute[] = PROTOCOLS.flatMap((protocol) =>
    protocol.routes.map(({ pattern, safe, readsBody }) => ({ pattern, safe, readsBody, protocol: protocol.name })),
  );

  it.each(routes)(
    '$protocol: $pattern',
    async (route) => {
      const { pattern, safe, protocol, readsBody } = route;
      const random = seededRandom(SEED + pattern.length * 1000 + pattern.charCodeAt(pattern.length - 1));
      const before = await serials();
      const check = (request: string, { status, body }: { status: number; body: string }) => {
        const exchange = `${JSON.stringify(request.slice(0, 600))} -> ${status} ${JSON.stringify(body.slice(0, 200))}`;
        if (!STATUSES.has(status)) throw new Error(`an undocumented status: ${exchange}`);
        if (status !== 200 || safe) return;
        // The protocols after acme-dns on `/update` may take a request that acme-dns leaves.
        const refusal = REFUSALS[protocol] ?? (pattern === '/update' ? REFUSALS['dyndns2'] : undefined);
        const isError = body.split('\n').every((line) => refusal?.(line) ?? false);
        if (!isError) throw new Error(`taken for a good request: ${exchange}`);
      };
      const carried = Array.from({ length: CARRIED }, () =>
        readsBody ? jsonRequest(pattern, random, makeWrong(random), GOOD) : carriedRequest(route, random),
      );
      // An unreadable form ends the connection.
      const isForm = (request: string) => request.includes('Content-Type: multipart');
      const bursts = carried.filter(isForm).map((request) => [request]);
      const plain = carried.filter((request) => !isForm(request));
      for (let at = 0; at < plain.length; at += BURST) bursts.push(plain.slice(at, at + BURST));
      for (let at = 0; at < bursts.length; at += 10) {
        const some = bursts.slice(at, at + 10);
        const answered = await Promise.all(some.map((burst) => sendBurst(server.port, burst)));
        answered.forEach((replies, which) => {
          total += replies.length;
          replies.forEach((reply, index) => {
            check(some[which]![index]!, reply);
          });
        });
      }
      for (let at = 0; at < BROKEN; at += 10) {
        const requests = Array.from({ length: Math.min(10, BROKEN - at) }, () => brokenRequest(route, random));
        const replies = await Promise.all(requests.map((octets) => exchangeRaw(server.port, octets, false, true)));
        replies.forEach((reply, index) => {
          check(requests[index]!.toString('latin1'), parseRaw(reply));
        });
        total += replies.length;
      }
      expect(await serials()).toEqual(before);
      expect(server.process.isRunning()).toBe(true);
    },
    60_000,
  );

  it('DNS is answered meanwhile', async () => {
    const loaded = await probe.stop();
    const show = ({ queries, medianMs, p95Ms, longestMs }: ProbeResult) => {
      const [median, p95, longest] = [medianMs, p95Ms, longestMs].map((ms) => ms.toFixed(1));
      return `${queries} queries, median ${median} ms, p95 ${p95} ms, longest ${longest} ms`;
    };
    process.stdout.write(`DNS before: ${show(idle)}\nDNS meanwhile: ${show(loaded)}\n`);
    expect(loaded.queries).toBeGreaterThan(0);
    // What a busy machine adds is not the fault of the requests.
    if (IS_WHOLE) expect(loaded.p95Ms).toBeLessThan(MAX_DNS_P95_MS + idle.p95Ms);
  }, 10_000);

  it(`were ${CARRIED + BROKEN} for each of the routes`, () => {
    expect(total).toBe((CARRIED + BROKEN) * routes.length);
    expect(CARRIED + BROKEN).toBeGreaterThanOrEqual(5000 / PART);
  });
});

function decode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
