// DYNDNS_<PATH> overrides: one for every option, and what happens to variables that are none.

import { expect, test } from 'vitest';
import { formatIpPrefix } from '../dns/address.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import { type Config, formatListenAddress, type RemotePrimary } from './config.ts';
import type { Environment } from './environment.ts';
import { parseConfig } from './load.ts';
import { environmentName, ROWS } from './options/options.ts';
import { ConfigError } from './problem.ts';

const FILE = `secret: fromthefile1
http: {listen: ['https://[::1]:443'], tls: {certificate: c, key: k}}
zones: [{name: a.example, tsig_key: tPyvZA==}, {name: b.example, nameserver: embedded, ns: [ns1.example.com]}]
store: sqlite:/var/lib/dyndns/dyndns.db
nameserver: 127.0.0.1
protocols: {acme_dns: true}
admin:
  enabled: true
  listen: [unix:/run/admin]
  url: https://admin.example
  proxy_user_header: remote-user
  proxy_secret: 0123456789abcdef
  oidc: {issuer: https://id.example, client_id: c, client_secret: s, admin_group: a, member_group: m}
acme_dns: {zone: a.example}
`;
/** With a certificate of the server's own in place of files, for the variables that are about it. */
const ACME_FILE = FILE.replace('{certificate: c, key: k}', '{acme: {names: [b.example]}}');

function load(environment: Environment) {
  const isAboutAcme = Object.keys(environment).some((variable) => variable.startsWith('DYNDNS_HTTP_TLS_ACME'));
  return parseConfig(isAboutAcme ? ACME_FILE : FILE, '/etc/dyndns.yml', environment).config;
}

function problems(environment: Environment): readonly string[] {
  try {
    load(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.lines;
    throw error;
  }
  return [];
}

/** The primary of a zone that has a remote one. */
function remoteOf(config: Config, index = 0): RemotePrimary {
  const primary = config.zones[index]!.primary;
  if (primary.kind !== 'remote') throw new Error('the zone is embedded');
  return primary;
}

/** Variable -> a text, what of the configuration it changes, and into what. */
const OVERRIDES: Readonly<Record<string, readonly [string, (config: Config) => unknown, unknown]>> = {
  DYNDNS_SECRET: ['fromoutside1', (c) => c.secret?.reveal(), 'fromoutside1'],
  DYNDNS_NAMESERVER: ['2001:db8::53', (c) => remoteOf(c).host.text, '2001:db8::53'],
  DYNDNS_PORT: ['5353', (c) => remoteOf(c).port, 5353],
  DYNDNS_NAMESERVER_TIMEOUT_SECONDS: ['2.5', (c) => c.nameserverTimeoutSeconds, 2.5],
  DYNDNS_TRANSPORT: ['udp', (c) => remoteOf(c).transport, 'udp'],
  DYNDNS_SIGNED_READS: ['true', (c) => remoteOf(c).signedReads, true],
  DYNDNS_LOG_FORMAT: ['text', (c) => c.logFormat, 'text'],
  DYNDNS_LOG_LEVEL: ['30', (c) => c.logLevel, 30],
  DYNDNS_UNSPECIFIED_FAMILY: ['delete', (c) => c.unspecifiedFamily, 'delete'],
  DYNDNS_CHECK: ['authenticated', (c) => c.check, 'authenticated'],
  DYNDNS_HTTP_LISTEN: [
    'https://127.0.0.1:1, unix:/run/x',
    (c) => c.http.listen,
    [
      { kind: 'tcp', host: '127.0.0.1', port: 1, tls: true },
      { kind: 'unix', path: '/run/x' },
    ],
  ],
  DYNDNS_HTTP_SOCKET_MODE: ['660', (c) => c.http.socketMode, 0o660],
  DYNDNS_HTTP_TRUSTED_PROXIES: [
    '192.0.2.0/24,::1',
    (c) => c.http.trustedProxies.map(formatIpPrefix),
    ['192.0.2.0/24', '::1/128'],
  ],
  DYNDNS_HTTP_CLIENT_ADDRESS_HEADER: ['forwarded', (c) => c.http.clientAddressHeader, 'forwarded'],
  DYNDNS_HTTP_TLS_CERTIFICATE: ['/c.pem', (c) => c.http.tls?.certificate, '/c.pem'],
  DYNDNS_HTTP_TLS_KEY: ['/k.pem', (c) => c.http.tls?.key, '/k.pem'],
  DYNDNS_HTTP_TLS_ACME_NAMES: [
    'a.example,*.b.example',
    (c) => c.http.acme?.names.map(String),
    ['a.example.', '*.b.example.'],
  ],
  DYNDNS_HTTP_TLS_ACME_EMAIL: ['a@b.example', (c) => c.http.acme?.email, 'a@b.example'],
  DYNDNS_HTTP_TLS_ACME_DIRECTORY: ['https://ca.example/d', (c) => c.http.acme?.directory, 'https://ca.example/d'],
  DYNDNS_HTTP_TLS_ACME_FOLDER: ['own', (c) => c.http.acme?.folder, '/etc/own'],
  DYNDNS_HTTP_TLS_ACME_KEY_TYPES: ['ec,rsa', (c) => c.http.acme?.keyTypes, ['ec', 'rsa']],
  DYNDNS_HTTP_TLS_ACME_PROPAGATION_SECONDS: ['60', (c) => c.http.acme?.propagationSeconds, 60],
  DYNDNS_HTTP_LENIENT: ['true', (c) => c.http.lenient, true],
  DYNDNS_DNS_LISTEN: ['127.0.0.1:5354,::1', (c) => c.dns?.listen.map(formatEndpoint), ['127.0.0.1:5354', '[::1]:53']],
  DYNDNS_DNS_DATABASE: ['zones.sqlite', (c) => c.dns?.database, '/etc/zones.sqlite'],
  DYNDNS_DNS_RATE_LIMIT_RESPONSES_PER_SECOND: ['0', (c) => c.dns?.rateLimit.responsesPerSecond, 0],
  DYNDNS_DNS_RATE_LIMIT_ALL_PER_SECOND: ['0', (c) => c.dns?.rateLimit.allPerSecond, 0],
  DYNDNS_DNS_RATE_LIMIT_SLIP: ['1', (c) => c.dns?.rateLimit.slip, 1],
  DYNDNS_DNS_RATE_LIMIT_EXEMPT: ['::1', (c) => c.dns?.rateLimit.exempt.map(formatIpPrefix), ['::1/128']],
  DYNDNS_DNS_THREADS: ['1', (c) => c.dns?.threads, 1],
  DYNDNS_DNS_TCP_IDLE_SECONDS: ['30', (c) => c.dns?.tcpIdleSeconds, 30],
  DYNDNS_DNS_TSIG_FUDGE_MAX: ['60', (c) => c.dns?.tsigFudgeMax, 60],
  DYNDNS_DNS_NSID: ['ns1', (c) => c.dns?.nsid, 'ns1'],
  DYNDNS_DNS_CHAOS_VERSION: ['none', (c) => c.dns?.chaosVersion, 'none'],
  DYNDNS_STORE: ['sqlite:x.db', (c) => c.store, { kind: 'sqlite', path: '/etc/x.db' }],
  DYNDNS_CONTROL: ['unix:/run/x', (c) => c.control, '/run/x'],
  DYNDNS_METRICS_LISTEN: ['[::1]:9153', (c) => c.metrics && formatListenAddress(c.metrics.listen), '[::1]:9153'],
  DYNDNS_HISTORY_DAYS: ['0', (c) => c.historyDays, 0],
  DYNDNS_HISTORY_MAX_EVENTS: ['0', (c) => c.historyMaxEvents, 0],
  DYNDNS_RECONCILE: ['enforce', (c) => c.reconcile, 'enforce'],
  DYNDNS_LIMITS_CHANGES_PER_MINUTE_PER_TOKEN: ['60', (c) => c.limits.changesPerMinutePerToken, 60],
  DYNDNS_LIMITS_REFUSED_PER_MINUTE_PER_SOURCE: ['0', (c) => c.limits.refusedPerMinutePerSource, 0],
  DYNDNS_LIMITS_CONNECTIONS_PER_SOURCE: ['8', (c) => c.limits.connectionsPerSource, 8],
  DYNDNS_LIMITS_RECORDS_PER_RRSET: ['7', (c) => c.limits.recordsPerRRset, 7],
  DYNDNS_LIMITS_TYPES_PER_NAME: ['6', (c) => c.limits.typesPerName, 6],
  DYNDNS_PROTOCOLS_DUCKDNS: ['false', (c) => c.protocols.duckdns, false],
  DYNDNS_PROTOCOLS_DYNV6: ['false', (c) => c.protocols.dynv6, false],
  DYNDNS_PROTOCOLS_NOIP: ['false', (c) => c.protocols.noip, false],
  DYNDNS_PROTOCOLS_FREEDNS: ['false', (c) => c.protocols.freedns, false],
  DYNDNS_PROTOCOLS_ACME_DNS: ['false', (c) => c.protocols.acme_dns, false],
  DYNDNS_PROTOCOLS_HTTPREQ: ['false', (c) => c.protocols.httpreq, false],
  DYNDNS_PROTOCOLS_FREEMYIP: ['false', (c) => c.protocols.freemyip, false],
  DYNDNS_ACME_DNS_ZONE: ['x.b.example', (c) => c.acmeDns?.above.toString(), 'x.b.example.'],
  DYNDNS_ACME_DNS_REGISTER: ['::1', (c) => c.acmeDns?.register.map(formatIpPrefix), ['::1/128']],
  DYNDNS_ACME_DNS_CORS_ORIGINS: ['https://a.example', (c) => c.acmeDns?.corsOrigins, ['https://a.example']],
  DYNDNS_ACME_DNS_VALUES: ['1', (c) => c.acmeDns?.values, 1],
  DYNDNS_ACME_DNS_MAX_ACCOUNTS: ['9', (c) => c.acmeDns?.maxAccounts, 9],
  DYNDNS_ADMIN_ENABLED: ['false', (c) => c.admin === undefined, true],
  DYNDNS_ADMIN_LISTEN: ['unix:/run/a', (c) => c.admin?.listen.map(formatListenAddress), ['unix:/run/a']],
  DYNDNS_ADMIN_URL: ['https://a.example', (c) => c.admin?.url, 'https://a.example'],
  DYNDNS_ADMIN_AUDIT_DAYS: ['9', (c) => c.admin?.auditDays, 9],
  DYNDNS_ADMIN_SESSIONS_IDLE_MINUTES: ['5', (c) => c.admin?.sessions.idleMinutes, 5],
  DYNDNS_ADMIN_SESSIONS_DAYS: ['7', (c) => c.admin?.sessions.days, 7],
  DYNDNS_ADMIN_PROXY_USER_HEADER: ['X-User', (c) => c.admin?.proxyUserHeader, 'x-user'],
  DYNDNS_ADMIN_PROXY_SECRET: ['fedcba9876543210', (c) => c.admin?.proxySecret?.reveal(), 'fedcba9876543210'],
  DYNDNS_ADMIN_OIDC_ISSUER: ['https://a.example/x', (c) => c.admin?.oidc?.issuer, 'https://a.example/x'],
  DYNDNS_ADMIN_OIDC_CLIENT_ID: ['x', (c) => c.admin?.oidc?.clientId, 'x'],
  DYNDNS_ADMIN_OIDC_CLIENT_SECRET: ['x', (c) => c.admin?.oidc?.clientSecret.reveal(), 'x'],
  DYNDNS_ADMIN_OIDC_TITLE: ['x', (c) => c.admin?.oidc?.title, 'x'],
  DYNDNS_ADMIN_OIDC_GROUPS_CLAIM: ['a.b', (c) => c.admin?.oidc?.groupsClaim, 'a.b'],
  DYNDNS_ADMIN_OIDC_ADMIN_GROUP: ['x', (c) => c.admin?.oidc?.adminGroup, 'x'],
  DYNDNS_ADMIN_OIDC_MEMBER_GROUP: ['x', (c) => c.admin?.oidc?.memberGroup, 'x'],
  DYNDNS_ADMIN_POWERDNS_API: ['true', (c) => c.admin?.powerdnsApi, true],
};

test('every option above the zones has an override', () => {
  const names = [...ROWS.keys()].flatMap((path) => environmentName(path) ?? []);
  expect(Object.keys(OVERRIDES)).toEqual(names);
});

test.each(Object.entries(OVERRIDES))('%s overrides the file', (variable, [text, pick, expected]) => {
  expect(pick(load({}))).not.toEqual(expected);
  const config = load({ [variable]: text });
  expect(pick(config)).toEqual(expected);
  expect(config.warnings).toEqual([]);
});

test('a URL of PostgreSQL is one value, also where it has a comma, and can be in a file', () => {
  const url = 'postgres://dyndns@db1.example.com,db2.example.com/dyndns';
  const environment = { DYNDNS_STORE: url, DYNDNS_DNS_DATABASE: 'zones.db' };
  const { store } = load(environment);
  expect(store?.kind === 'postgres' && store.url.reveal()).toBe(url);
  expect(problems({ DYNDNS_STORE_FILE: 'none' })[0]).toContain("the file '/etc/none' cannot be read");
});

test('an empty text is an empty list', () => {
  expect(load({ DYNDNS_HTTP_TRUSTED_PROXIES: '' }).http.trustedProxies).toEqual([]);
  expect(problems({ DYNDNS_HTTP_LISTEN: '' })[0]).toContain(
    'environment variable DYNDNS_HTTP_LISTEN: http.listen: must be',
  );
});

test.each([
  ['DYNDNS_PORT', 'abc', "environment variable DYNDNS_PORT: port: must be an integer from 0 to 65535, not 'abc'."],
  ['DYNDNS_PORT', '', "environment variable DYNDNS_PORT: port: must be an integer from 0 to 65535, not ''."],
  [
    'DYNDNS_SECRET',
    'short',
    'environment variable DYNDNS_SECRET: secret: must be at least 8 characters, only A-Z, a-z and 0-9.',
  ],
  [
    'DYNDNS_STORE',
    'postgres://user:Xq7w@host',
    'environment variable DYNDNS_STORE: store: must be sqlite:PATH or postgres://USER@HOST/DATABASE.',
  ],
])('%s=%j is an error that names the variable', (variable, text, expected) => {
  expect(problems({ [variable]: text })).toEqual([expected]);
});

test('what container platforms inject is left alone', () => {
  const config = load({
    DYNDNS_PORT: 'tcp://192.0.2.1:53',
    DYNDNS_PORT_53_TCP_ADDR: '192.0.2.1',
    DYNDNS_SERVICE_HOST: '192.0.2.1',
    DYNDNS_SERVICE_PORT: '53',
  });
  expect(remoteOf(config).port).toBe(53);
  expect(config.warnings).toEqual([
    'The environment variable DYNDNS_PORT is ignored: a value that begins with tcp:// is from a container platform.',
  ]);
});

test('variables that name no option are warnings, without their values', () => {
  const secret = 'neverPrintMe';
  const variables = {
    DYNDNS_ZONES: secret,
    DYNDNS_CONFIG_FILE: secret,
    DYNDNS_SECRT: secret,
    DYNDNS_PORT_FILE: secret,
    DYNDNS_WEBHOOKS_URL: secret,
  };
  expect(load(variables).warnings).toEqual([
    'The environment variable DYNDNS_CONFIG_FILE is ignored: the variable for the configuration file is dyndns_CONFIG_FILE.',
    'The environment variable DYNDNS_PORT_FILE is ignored: no option has this name; the nearest one is DYNDNS_PORT.',
    'The environment variable DYNDNS_SECRT is ignored: no option has this name; the nearest one is DYNDNS_SECRET.',
    expect.stringMatching(/^The environment variable DYNDNS_WEBHOOKS_URL is ignored: (?!.*neverPrintMe)/),
    'The environment variable DYNDNS_ZONES is ignored: zones, tokens, hosts and webhooks can only be set in the file.',
  ]);
});
