import { expect, it } from 'vitest';
import { parseConfig } from '../config/load.ts';
import type { NewTokenView } from '../core/admin/token-operations.ts';
import { getDevice } from '../core/devices/devices.ts';
import { formatInstructions } from './instructions-text.ts';
import { formatNewToken, instructionsForToken, serverUrl } from './token-lines.ts';

const MADE: NewTokenView = {
  token: {
    name: "Bob's router",
    origin: 'store',
    hosts: ['home.dyn.example.com.', '*.lab.dyn.example.com.'],
    types: ['A', 'AAAA'],
    addresses: 'any',
    state: 'valid',
  },
  secret: 'abcdefghijklmnopqrstuvwxyz234567',
  sha256: '0123456789abcdef'.repeat(4),
};

it.each([
  [['http://127.0.0.1:80', 'https://[2001:db8::1]:443'], 'https://[2001:db8::1]:443'],
  [['unix:/run/x', 'http://192.0.2.1:8080'], 'http://192.0.2.1:8080'],
  [['http://0.0.0.0:8080', 'https://[::]:443', 'http://127.0.0.1:0'], 'https://SERVER'],
  [[], 'https://SERVER'],
])('of the addresses %j clients use %s', (http, url) => {
  expect(serverUrl(http)).toBe(url);
});

it('the lines have the secret, names without the final dot, and no secret in a command of curl', () => {
  const text = formatNewToken(MADE, 'https://dyndns.example.com', true);
  const host = 'home.dyn.example.com';
  expect(text).toContain(`\nhttps://${host}:${MADE.secret}@dyndns.example.com/nic/update?hostname=${host}\n`);
  expect(text).toContain(`\nserver=dyndns.example.com\nlogin=${host}\npassword='${MADE.secret}'\n${host}\n`);
  expect(text).toContain('\nssl=yes\n');
  expect(text).toContain(
    `\ncurl -s -H @Bob-s-router.header 'https://dyndns.example.com/nic/update?hostname=${host}'\n`,
  );
  for (const line of text.split('\n')) if (line.startsWith('curl')) expect(line).not.toContain(MADE.secret);
});

it('a password for FreeDNS has the lines of that protocol, and no others', () => {
  const text = formatNewToken({ ...MADE, freednsUser: 'alice' }, 'https://dyndns.example.com', true);
  expect(text).toContain("This is its password for the FreeDNS user 'alice', shown this once:");
  expect(text).toContain(
    `\nserver=dyndns.example.com\nssl=yes\nlogin=alice\npassword='${MADE.secret}'\nhome.dyn.example.com\n`,
  );
  expect(text).toContain('\nprotocol=freedns\n');
  expect(text).not.toMatch(/nic\/update|curl/);
});

it('for a device it has the settings of that device and no examples', () => {
  const text = formatNewToken(MADE, 'https://dyndns.example.com', true, getDevice('pfsense'));
  const settings = formatInstructions(instructionsForToken(getDevice('pfsense'), MADE, 'https://dyndns.example.com'));
  expect(text).toContain(`shown this once:\n\n${MADE.secret}\n\n${settings}\nTo keep it`);
  expect(text).not.toMatch(/ddclient|curl/);
  expect(text).toContain('sha256');
});

it('a pattern is shown by one of its names; a token of TXT alone has no lines for dyndns2', () => {
  const pattern = { ...MADE, token: { ...MADE.token, hosts: ['*.lab.dyn.example.com.'] } };
  expect(formatNewToken(pattern, 'https://SERVER', true)).toContain('/nic/update?hostname=home.lab.dyn.example.com');
  const txt = { ...MADE, token: { ...MADE.token, types: ['TXT'] } };
  expect(formatNewToken(txt, 'https://SERVER', true)).not.toContain('/nic/update');
});

it.each([
  {},
  { types: ['TXT'] as const, addresses: 'own' as const, expires: '2099-12-31' },
  { addresses: ['192.0.2.0/24', '2001:db8::/32'], name: 'no' },
])('the entry for the configuration file says the same: %j', (more) => {
  const text = formatNewToken({ ...MADE, token: { ...MADE.token, ...more } }, 'https://SERVER', false);
  const entry = text.slice(text.indexOf('tokens:\n'));
  const zone = 'zones: [{name: dyn.example.com, tsig_key: dGVzdA==, nameserver: 127.0.0.1}]\n';
  const { config } = parseConfig(`${zone}${entry}`, 'x.yml', {});
  const { name, expires } = { ...MADE.token, ...more };
  expect(config.tokens).toMatchObject([{ name, sha256: MADE.sha256, ...(expires && { expires }) }]);
  expect(config.tokens[0]?.hosts.map(String)).toEqual(MADE.token.hosts);
  if (more.addresses === 'own') expect(config.tokens[0]).toMatchObject({ addresses: 'own', types: [16] });
  expect(config.warnings).toEqual([]);
});

it('a token that may register accounts, or ends when it is unused, says so, and so does its entry', () => {
  const token = { ...MADE.token, register: true, maxUnusedDays: 90, expires: '2099-12-31' };
  const text = formatNewToken({ ...MADE, token }, 'https://SERVER', false);
  expect(text).toContain(
    'until the end of 2099-12-31 (UTC), until it was not used for 90 days. It may create accounts of acme-dns. This is its',
  );
  const entry = text.slice(text.indexOf('\ntokens:'));
  const file = `store: sqlite:x.db\nzones: [{name: example.com, tsig_key: tPyvZA==, nameserver: 127.0.0.1}]${entry}`;
  expect(parseConfig(file, 'x.yml', {}).config.tokens).toMatchObject([{ register: true, maxUnusedDays: 90 }]);
});

it('a token that is limited to sources says so, and so does its entry for the file', () => {
  const sources = ['192.0.2.0/24', '2001:db8::/32'];
  const text = formatNewToken({ ...MADE, token: { ...MADE.token, sources } }, 'https://SERVER', false);
  expect(text).toContain('\nto any address, only from 192.0.2.0/24, 2001:db8::/32. ');
  const entry = text.slice(text.indexOf('\ntokens:'));
  const file = `zones: [{name: example.com, tsig_key: tPyvZA==, nameserver: 127.0.0.1}]${entry}`;
  expect(parseConfig(file, 'x.yml', {}).config.tokens[0]?.sources?.map(({ length }) => length)).toEqual([24, 32]);
});
