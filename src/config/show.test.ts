// `dyndns config`: values, origins, and that no way of printing a configuration or an error shows a secret.
import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RemotePrimary } from './config.ts';
import { parseConfig } from './load.ts';
import { ConfigError } from './problem.ts';
import { Secret } from './secret.ts';
import { renderConfig } from './show.ts';

const FILE = `secret: 'abcd1234'
nameserver: 192.0.2.1
http:
  trusted_proxies: ['::1']
zones:
  - name: a.example
    tsig_key: {name: k1, secret: 'c2VjcmV0c2VjcmV0'}
    ttl: {max: 60}
  - name: b.example
    tsig_key: {secret: 'c2VjcmV0c2VjcmV0'}
    port: 5353
`;

test('the effective configuration names the origin of each value', () => {
  const { settings } = parseConfig(FILE, 'x.yml', { DYNDNS_LOG_LEVEL: '10' });
  const lines = renderConfig(settings)
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ +#/, ' #'));
  expect(lines).toEqual([
    "secret: '[secret]' # x.yml:1:9",
    'nameserver: 192.0.2.1 # x.yml:2:13',
    'port: 53 # default',
    'nameserver_timeout_seconds: 5 # default',
    'transport: tcp # default',
    'signed_reads: false # default',
    'log_format: auto # default',
    'log_level: 10 # environment variable DYNDNS_LOG_LEVEL',
    'unspecified_family: keep # default',
    'check: open # default',
    'http:',
    "  listen: ['127.0.0.1:54321'] # default",
    "  socket_mode: '664' # default",
    "  trusted_proxies: ['::1/128'] # x.yml:4:20",
    '  client_address_header: x-forwarded-for # default',
    '  lenient: false # default',
    'history_days: 30 # default',
    'history_max_events: 5000000 # default',
    'reconcile: report # default',
    'limits:',
    '  changes_per_minute_per_token: 0 # default',
    '  refused_per_minute_per_source: 60 # default',
    '  connections_per_source: 256 # default',
    'protocols:',
    '  duckdns: true # default',
    '  dynv6: true # default',
    '  noip: true # default',
    '  freedns: true # default',
    '  acme_dns: false # default',
    '  httpreq: true # default',
    '  freemyip: true # default',
    'acme_dns:',
    '  register: [] # default',
    '  cors_origins: [] # default',
    '  values: 2 # default',
    '  max_accounts: 1000 # default',
    'admin:',
    '  enabled: false # default',
    '  listen: [] # default',
    '  audit_days: 365 # default',
    '  sessions:',
    '    idle_minutes: 60 # default',
    '    days: 30 # default',
    '  oidc:',
    '    title: OpenID # default',
    '    groups_claim: groups # default',
    '  powerdns_api: false # default',
    'zones:',
    '  - name: a.example. # x.yml:6:11',
    '    tsig_key:',
    '      name: k1. # x.yml:7:22',
    '      algorithm: hmac-sha512 # default',
    "      secret: '[secret]' # x.yml:7:34",
    '    nameserver: 192.0.2.1 # x.yml:2:13',
    '    port: 53 # default',
    '    transport: tcp # default',
    '    signed_reads: false # default',
    '    ttl:',
    '      max: 60 # x.yml:8:16',
    '    apex: false # default',
    '    wildcard: false # default',
    '    reserved: [] # default',
    '    addresses:',
    '      allow: [] # default',
    '      deny: [] # default',
    '    empty_value: keep # default',
    '    acme_ttl: 86400 # default',
    '    members:',
    '      claim: false # default',
    "      pattern: '*' # default",
    '  - name: b.example. # x.yml:9:11',
    '    tsig_key:',
    '      algorithm: hmac-sha512 # default',
    "      secret: '[secret]' # x.yml:10:24",
    '    nameserver: 192.0.2.1 # x.yml:2:13',
    '    port: 5353 # x.yml:11:11',
    '    transport: tcp # default',
    '    signed_reads: false # default',
    '    apex: false # default',
    '    wildcard: false # default',
    '    reserved: [] # default',
    '    addresses:',
    '      allow: [] # default',
    '      deny: [] # default',
    '    empty_value: keep # default',
    '    acme_ttl: 86400 # default',
    '    members:',
    '      claim: false # default',
    "      pattern: '*' # default",
  ]);
});

test('what is printed loads again, with other secrets in place', () => {
  const { settings, config } = parseConfig(FILE, 'x.yml', {});
  const printed = renderConfig(settings).replace("secret: '[secret]'", "secret: 'abcd1234'");
  const again = parseConfig(printed.replaceAll("'[secret]'", "'c2VjcmV0c2VjcmV0'"), 'x.yml', {}).config;
  expect(JSON.stringify(again)).toBe(JSON.stringify(config));
});

test('a configuration prints no secret, whatever prints it', () => {
  const loaded = parseConfig(FILE, 'x.yml', { DYNDNS_SECRET: 'zyxw9876' });
  const printed = [
    inspect(loaded, { depth: 20, showHidden: true }),
    inspect(loaded.config, { depth: 20, customInspect: false }),
    JSON.stringify(loaded),
    JSON.stringify(loaded.config),
    renderConfig(loaded.settings),
    `${loaded.config.secret}`,
    `${(loaded.config.zones[0]!.primary as RemotePrimary).tsigKey.secret}`,
  ].join('\n');
  for (const secret of ['abcd1234', 'zyxw9876', 'c2VjcmV0', 'secretsecret', '115, 101, 99, 114', '[115,101']) {
    expect(printed).not.toContain(secret);
  }
  expect(printed).toContain('[secret]');
  expect(inspect(new Secret('abcd1234'))).toBe('[secret]');
  expect(loaded.config.secret?.reveal()).toBe('zyxw9876');
});

/** Places where a secret stands, well or badly written. */
const PLACES: readonly ((secret: string) => string)[] = [
  (s) => `secret: ${s}`,
  (s) => `secret: '${s}'`,
  (s) => `secret: "${s}"`,
  (s) => `secret:${s}`,
  (s) => `{secret:${s}}`,
  (s) => `secret: [${s}]`,
  (s) => `secret: {${s}: }`,
  (s) => `secret: *${s}`,
  (s) => `secret: !${s} x`,
  (s) => `secret: &${s}`,
  (s) => `secret: ${s}: x`,
  (s) => `secret: '${s}`,
  (s) => `secret: |\n  ${s}\n  ${s}`,
  (s) => `secret: ${s}\nsecret: ${s}`,
  (s) => `zones: [{name: a.example, tsig_key: ${s}}]`,
  (s) => `zones: [{name: a.example, tsig_key: {${s}}}]`,
  (s) => `zones: [{name: a.example, tsig_key: {secret: '${s}', algorithm: md5}}]`,
  (s) => `zones: [{name: a.example, tsig_key: {secret: {${s}}}}]`,
  (s) => `zones: [{name: a.example, tsig_key: [${s}]}]`,
  (s) => `zones:\n  - name: a.example\n    tsig_key: ${s}\n   tsig_key: ${s}`,
  (s) => `zones: [{name: a.example, tsig_key:${s}}]`,
  (s) => `store: ${s}`,
  (s) => `store: 'postgres://u:${s}@h/d'`,
  (s) => `store: "postgres://u:${s}@/d"`,
  (s) => `store: postgres://u@h/d?password=${s}`,
  (s) => `tokens: [{name: a, sha256: '${s}', hosts: [a.example]}]`,
  (s) => `tokens: [{name: a, sha256: {${s}: }}]`,
  (s) => `tokens: [{name: a, sha256:${s}}]`,
];

test('no error text holds a secret', () => {
  // The mark cannot be part of a message by chance.
  const text = fc.string({ unit: fc.constantFrom(...'aZ09+/=-_.,:;!@$%^&*#|>{}[]"\' \\\t'), maxLength: 12 });
  let refused = 0;
  fc.assert(
    fc.property(text, text, fc.constantFrom(...PLACES), fc.boolean(), (before, after, place, inEnvironment) => {
      const secret = `${before}Xq7w${after}`;
      try {
        if (inEnvironment) parseConfig('port: x', 'x.yml', { DYNDNS_SECRET: secret });
        else parseConfig(place(secret), 'x.yml', {});
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        refused += 1;
        expect(`${error.stack} ${inspect(error)}`).not.toContain('Xq7w');
      }
    }),
    { numRuns: 2000 },
  );
  expect(refused).toBeGreaterThan(1000);
});
