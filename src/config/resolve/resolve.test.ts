// Rules that concern more than one option.
import { describe, expect, test } from 'vitest';
import { type Config, formatListenAddress, type RemotePrimary, withHttpPort } from '../config.ts';
import type { ListKind } from '../kinds/kind.ts';
import { parseConfig } from '../load.ts';
import { HTTP_OPTIONS } from '../options/http.ts';
import { ConfigError } from '../problem.ts';

const ZONE = '{name: a.example, tsig_key: tPyvZA==, nameserver: 127.0.0.1}';

function load(text: string) {
  return parseConfig(text, 'x.yml', {}).config;
}

/** The primary of a zone that has a remote one. */
function remoteOf(config: Config, index = 0): RemotePrimary {
  const primary = config.zones[index]!.primary;
  if (primary.kind !== 'remote') throw new Error('the zone is embedded');
  return primary;
}

function problems(text: string): readonly string[] {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.lines;
    throw error;
  }
  return [];
}

const zone = (extra: string) => `zones: [{name: a.example, nameserver: 127.0.0.1, ${extra}}]`;
const http = (value: string) => `http: {${value}}\nzones: [${ZONE}]`;

describe('TLS', () => {
  test('an https:// entry needs tls', () => {
    expect(problems(http("listen: ['https://[::]:443']"))).toEqual([
      'x.yml:1:16: http.listen: an https:// entry needs http.tls with certificate and key, or with acme.',
    ]);
  });
  test('tls needs an https:// entry', () => {
    expect(problems(http('tls: {certificate: c, key: k}'))).toEqual([
      'x.yml:1:27: http.tls.certificate: TLS is configured, but no entry of http.listen begins with https://; add one or remove http.tls.',
    ]);
  });
  test('a certificate needs a key, and a key a certificate', () => {
    expect(problems(http("listen: ['https://[::]:443'], tls: {certificate: c}"))).toEqual([
      'x.yml:1:57: http.tls.certificate: needs http.tls.key too.',
    ]);
    expect(problems(http("listen: ['https://[::]:443'], tls: {key: k}"))).toEqual([
      'x.yml:1:49: http.tls.key: needs http.tls.certificate too.',
    ]);
  });
});

const LISTEN = HTTP_OPTIONS['http.listen'];

test('lenient is refused together with trusted proxies and with unix sockets', () => {
  expect(problems(http("lenient: true, trusted_proxies: ['::1']"))).toEqual([
    expect.stringMatching(/^x\.yml:1:17: http\.lenient: must not be true together with http\.trusted_proxies/),
  ]);
  expect(problems(http("lenient: true, listen: ['unix:/run/dyndns/http.sock']"))).toEqual([
    expect.stringMatching(/^x\.yml:1:17: http\.lenient: must not be true together with a unix socket in http\.listen/),
  ]);
  expect(load(http('lenient: true')).http.lenient).toBe(true);
});

test('a listen address stands once, but several may ask for a free port', () => {
  expect(problems(http("listen: ['127.0.0.1:1', 'http://127.0.0.1:1']"))).toEqual([
    "x.yml:1:16: http.listen: '127.0.0.1:1' is listed twice; remove one of the two.",
  ]);
  expect(load(http("listen: ['127.0.0.1:0', '127.0.0.1:0']")).http.listen).toHaveLength(2);
});

test('proxies that are everybody are a warning', () => {
  expect(load(`secret: abcdefgh\n${http("trusted_proxies: ['0.0.0.0/0']")}`).warnings).toEqual([
    'http.trusted_proxies has 0.0.0.0/0: every client can claim any address as its own.',
  ]);
});

test('a zone without a primary is asked which one is meant', () => {
  expect(problems('zones: [{name: a.example, tsig_key: tPyvZA==}]')).toEqual([
    "x.yml:1:9: zones[0].nameserver: no primary is set for 'a.example.'. Set its IPv4 or IPv6 address here, or for all zones at the top of the file; with 'embedded' dyndns serves the zone itself.",
  ]);
});

test('a zone takes from the file what it does not say itself', () => {
  const config = load(`nameserver: 192.0.2.1
port: 5353
transport: udp
signed_reads: true
zones:
  - {name: a.example, tsig_key: tPyvZA==}
  - {name: b.example, tsig_key: tPyvZA==, nameserver: 192.0.2.2, port: 53, transport: tcp, signed_reads: false}
`);
  expect([remoteOf(config), remoteOf(config, 1)]).toMatchObject([
    { host: { family: 4, text: '192.0.2.1' }, port: 5353, transport: 'udp', signedReads: true },
    { host: { family: 4, text: '192.0.2.2' }, port: 53, transport: 'tcp', signedReads: false },
  ]);
});

test('the same zone in two spellings is refused', () => {
  expect(problems(`zones:\n  - ${ZONE}\n  - {name: A.EXAMPLE., tsig_key: tPyvZA==, nameserver: '::1'}`)).toEqual([
    "x.yml:3:12: zones[1].name: the zone 'A.EXAMPLE.' is already zones[0]; remove one of the two.",
  ]);
});

describe('TSIG keys', () => {
  test.each(['tPyvZA', 'tPyvZA=', 't!yvZA==', "''", 'tPyv ZA=='])('%s is no base64 text', (secret) => {
    expect(problems(zone(`tsig_key: ${secret}`))).toEqual([
      expect.stringMatching(
        /^x\.yml:1:\d+: zones\[0\]\.tsig_key: must be a base64 text that is not empty, as tsig-keygen prints it\.$/,
      ),
    ]);
  });
  test('are required', () => {
    expect(problems(zone('apex: true'))).toEqual([
      'x.yml:1:9: zones[0].tsig_key: is required: the base64 secret that tsig-keygen prints, or {name: …, algorithm: …, secret: …}.',
    ]);
    expect(problems(zone('tsig_key: {name: k}'))).toEqual([
      expect.stringContaining('zones[0].tsig_key: the key secret is required'),
    ]);
    expect(problems(zone('tsig_key: {}'))).toHaveLength(1);
  });
  test('in the long form default to the name of the zone and hmac-sha512', () => {
    const key = remoteOf(load(zone("tsig_key: {secret: 'tPyvZA=='}"))).tsigKey;
    expect([key.name.toString(), key.algorithm]).toEqual(['a.example.', 'hmac-sha512']);
  });
  test.each([
    'hmac-sha1',
    'hmac-sha224',
    'hmac-sha256',
    'hmac-sha256-128',
    'hmac-sha384',
    'hmac-sha384-192',
    'hmac-sha512',
    'hmac-sha512-256',
  ])('RFC 8945 §6: %s is known', (algorithm) => {
    const config = load(zone(`tsig_key: {algorithm: ${algorithm}, secret: tPyvZA==}`));
    expect(remoteOf(config).tsigKey.algorithm).toBe(algorithm);
    expect(config.warnings.join()).not.toContain('hmac');
  });
  test('hmac-md5 is taken where it is written out, with a warning', () => {
    const config = load(zone('tsig_key: {algorithm: HMAC-MD5.SIG-ALG.REG.INT., secret: tPyvZA==}'));
    expect(remoteOf(config).tsigKey.algorithm).toBe('hmac-md5');
    expect(config.warnings).toContain(
      "The key of the zone 'a.example.' uses hmac-md5, which is broken; use hmac-sha256 or stronger.",
    );
  });
  test.each(['gss-tsig', 'sha512', 'toString'])('the algorithm %s is refused', (algorithm) => {
    expect(problems(zone(`tsig_key: {algorithm: ${algorithm}, secret: tPyvZA==}`))).toEqual([
      expect.stringMatching(new RegExp(`tsig_key\\.algorithm: must be one of hmac-.*, not '${algorithm}'\\.$`)),
    ]);
  });
});

test('TTLs are ordered and within 0 to 2147483647', () => {
  expect(load(zone('tsig_key: tPyvZA==, ttl: {min: 0, default: 0, max: 2147483647}')).zones[0]!.ttl.max).toBe(
    2147483647,
  );
  expect(problems(zone('tsig_key: tPyvZA==, ttl: {max: 2147483648}'))[0]).toContain(
    "zones[0].ttl.max: must be an integer from 0 to 2147483647, not '2147483648'.",
  );
  expect(problems(zone('tsig_key: tPyvZA==, ttl: {min: 60, default: 30}'))[0]).toContain(
    'zones[0].ttl.default: 30 is less than min (60); min <= default <= max must hold.',
  );
  expect(problems(zone('tsig_key: tPyvZA==, ttl: {min: 60, max: 30}'))[0]).toContain(
    'zones[0].ttl.max: 30 is less than min (60); min <= default <= max must hold.',
  );
});

test('a prefix is allowed or denied, not both', () => {
  const both = 'tsig_key: tPyvZA==, addresses: {allow: [192.0.2.1], deny: [192.0.2.1/32]}';
  expect(problems(zone(both))[0]).toContain(
    'zones[0].addresses.deny: 192.0.2.1/32 is in addresses.allow too; remove it from one of the two lists.',
  );
});

test('a reserved name lies below its zone', () => {
  expect(problems(zone('tsig_key: tPyvZA==, reserved: [www.b.example.]'))[0]).toContain(
    "zones[0].reserved: 'www.b.example.' is not below the zone 'a.example.'; use a name below it.",
  );
  const long = `${'x'.repeat(63)}.`.repeat(3) + 'x'.repeat(60);
  expect(problems(zone(`tsig_key: tPyvZA==, reserved: [${long}]`))[0]).toContain('longer than 255 octets');
});

test('a zone cannot be a wildcard', () => {
  expect(problems("zones: [{name: '*.example', tsig_key: tPyvZA==, nameserver: '::1'}]")[0]).toContain(
    'zones[0].name: a zone cannot be a wildcard. It must be a domain name',
  );
});

test('a file in which nobody has a credential loads with a warning', () => {
  const config = load(`zones: [${ZONE}]`);
  expect(config.secret).toBeUndefined();
  expect(config.warnings).toEqual([
    'There is no `secret`, no `tokens` and no `store`: nothing can be changed over HTTP.',
  ]);
  expect(load(`zones: [${ZONE}]\nstore: sqlite:a.db`).warnings).toEqual([]);
});

test('another port replaces that of every TCP entry and of nothing else', () => {
  const config = load(http("listen: ['127.0.0.1:1', 'unix:/run/x', '[::1]:2']"));
  expect(withHttpPort(config, 8080).http.listen.map(formatListenAddress)).toEqual([
    '127.0.0.1:8080',
    'unix:/run/x',
    '[::1]:8080',
  ]);
});

test('an entry of http.listen may be a map with proxy_protocol', () => {
  const proxies = "trusted_proxies: ['192.0.2.1']";
  const listen = (entry: string) => load(http(`listen: [${entry}], ${proxies}`)).http.listen;
  const tcp = { kind: 'tcp', host: '127.0.0.1', port: 1, tls: false };
  expect(listen("{address: '127.0.0.1:1', proxy_protocol: true}, '127.0.0.1:2'")).toEqual([
    { ...tcp, proxyProtocol: true },
    { ...tcp, port: 2 },
  ]);
  expect(listen("{address: '127.0.0.1:1', proxy_protocol: false}")).toEqual([tcp]);
  expect(listen("{address: '127.0.0.1:1'}")).toEqual([tcp]);
  expect(listen('{proxy_protocol: true, address: unix:/run/x}')).toEqual([
    { kind: 'unix', path: '/run/x', proxyProtocol: true },
  ]);
  // As `dyndns config` shows it, and as the environment has it.
  const format = (LISTEN.kind as ListKind<unknown>).item.format;
  expect(format({ ...tcp, proxyProtocol: true })).toBe("{address: '127.0.0.1:1', proxy_protocol: true}");
  expect(format(tcp)).toBe("'127.0.0.1:1'");
  expect((LISTEN.kind as ListKind<unknown>).item.parse('127.0.0.1:1 proxy_protocol')).toEqual({
    ...tcp,
    proxyProtocol: true,
  });
});

test('a map in http.listen is refused with the key that is wrong', () => {
  const problem = (entry: string) => problems(http(`listen: [${entry}], trusted_proxies: ['192.0.2.1']`)).join();
  expect(problem('{proxy_protocol: true}')).toContain("http.listen: an entry that is a map needs 'address'.");
  expect(problem("{adress: '127.0.0.1:1'}")).toContain("unknown key 'adress'. Allowed here: address, proxy_protocol.");
  expect(problem("{address: '127.0.0.1:1', proxy_protocol: yes}")).toMatch(
    /http\.listen\.proxy_protocol: .*true or false/,
  );
  expect(problem("{address: '127.0.0.1'}")).toMatch(/http\.listen\.address: must be 'ADDRESS:PORT'/);
  expect(problem("{address: '127.0.0.1:1 proxy_protocol'}")).toMatch(/http\.listen\.address: must be 'ADDRESS:PORT'/);
  expect(problem('{address: 1}')).toContain('quote it');
  expect(problem('{}')).toContain("needs 'address'");
  expect(problem('[a]')).toContain('must be');
});

test('the PROXY protocol needs a trusted proxy, and no lenient parser', () => {
  const entry = "listen: [{address: '127.0.0.1:1', proxy_protocol: true}]";
  expect(problems(http(entry)).join()).toContain(
    "'127.0.0.1:1' has proxy_protocol, which is accepted from http.trusted_proxies alone: list the proxy there.",
  );
  expect(problems(http(`${entry}, trusted_proxies: ['::1'], lenient: true`)).join()).toContain('http.lenient');
  expect(problems(http('listen: [{address: unix:/run/x, proxy_protocol: true}]'))).toEqual([]);
});

test('http.client_address_header is the name of any header that can stand once', () => {
  const header = (name: string) => load(http(`client_address_header: ${name}`)).http.clientAddressHeader;
  for (const name of [
    'x-forwarded-for',
    'forwarded',
    'x-real-ip',
    'cf-connecting-ip',
    'true-client-ip',
    'fly-client-ip',
  ]) {
    expect(header(name)).toBe(name);
    expect(header(name.toUpperCase())).toBe(name);
  }
  for (const name of [
    "''",
    "'x real ip'",
    "'x-a, x-b'",
    "'x:y'",
    'host',
    'Authorization',
    'from',
    'content-length',
    'cookie',
  ]) {
    expect(problems(http(`client_address_header: ${name}`)).join(), name).toContain('must be the name of one header');
  }
});
