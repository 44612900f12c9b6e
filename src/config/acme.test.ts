// `http.tls.acme`: what switches it on, its defaults, its names, and where its files lie.
import { expect, test } from 'vitest';
import { parseConfig } from './load.ts';
import { ConfigError } from './problem.ts';
import { renderConfig } from './show.ts';

const ZONES = `zones:
  - {name: a.example, nameserver: embedded, ns: [ns1.example.com]}
  - {name: b.example, nameserver: 127.0.0.1, tsig_key: tPyvZA==}
secret: abcdefgh
`;
const STORE = 'store: sqlite:/var/lib/dyndns/dyndns.db\n';
const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';

const http = (acme: string, listen = "'https://[::]:443'") => `http: {listen: [${listen}], tls: {acme: ${acme}}}\n`;
const load = (text: string) => parseConfig(text + ZONES, '/etc/dyndns.yml', {}).config;

function problems(text: string): readonly string[] {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.lines.map((line) => line.replace('/etc/dyndns.yml:', ''));
    throw error;
  }
  return [];
}

test.each(['{}', ''])('`acme: %s` alone is for all zones, by Let’s Encrypt, beside the store', (nothing) => {
  const { http: resolved, warnings } = load(STORE + http(nothing));
  expect(resolved.tls).toBeUndefined();
  expect(resolved.acme).toEqual({
    names: [expect.objectContaining({ octets: expect.anything() }), expect.anything()],
    directory: LETS_ENCRYPT,
    folder: '/var/lib/dyndns/acme',
    keyTypes: ['ec'],
  });
  expect(resolved.acme?.names.map(String)).toEqual(['a.example.', 'b.example.']);
  expect(warnings).toEqual([]);
});

test('the types of keys are a list without duplicates', () => {
  expect(load(STORE + http('{key_types: [ec, rsa]}')).http.acme?.keyTypes).toEqual(['ec', 'rsa']);
  expect(load(STORE + http('{key_types: [rsa]}')).http.acme?.keyTypes).toEqual(['rsa']);
  expect(problems(STORE + http('{key_types: [rsa, ec, rsa]}'))[0]).toContain(
    "http.tls.acme.key_types: 'rsa' is listed twice; remove one of the two.",
  );
  expect(problems(STORE + http('{key_types: []}'))[0]).toContain('http.tls.acme.key_types: must be');
  expect(problems(STORE + http('{key_types: [dsa]}'))[0]).toContain('http.tls.acme.key_types: must be');
});

test('without it there is none', () => {
  expect(load(STORE).http.acme).toBeUndefined();
});

test.each(['{}', '{email: a@b.example}'])('`dyndns config` shows `acme: %s`', (acme) => {
  const shown = renderConfig(parseConfig(STORE + http(acme) + ZONES, '/etc/dyndns.yml', {}).settings);
  expect(shown).toMatch(acme === '{}' ? /^ {4}acme: \{\}$/m : /^ {4}acme:\n {6}email: 'a@b\.example' +# /m);
});

test('the folder lies beside the database of the zones where there is no store, and can be named', () => {
  expect(load(`dns: {database: /srv/zones.db}\n${http('{}')}`).http.acme?.folder).toBe('/srv/acme');
  expect(load(`dns: {database: /srv/zones.db}\n${http('{folder: own}')}`).http.acme?.folder).toBe('/etc/own');
});

test('with PostgreSQL alone the folder has to be named', () => {
  const text = `store: postgres://dyndns@db.example/dyndns\n${http('{}')}`.replace('{}', '{email: a@b.example}');
  const embeddedAway = text + ZONES.replace(/.*embedded.*\n/, '');
  const load = () => parseConfig(embeddedAway, '/etc/dyndns.yml', {});
  expect(load).toThrow(
    "2:44: http.tls.acme: needs a folder for key and certificate: set 'folder: PATH', or 'store: sqlite:PATH' and the folder is beside it.",
  );
});

test('certificate and key exclude it', () => {
  const text = `${STORE}http: {listen: ['https://[::]:443'], tls: {certificate: c, key: k, acme: {}}}\n`;
  expect(problems(text)).toEqual([
    '2:68: http.tls.acme: cannot be combined with http.tls.certificate; use either your own certificate or ACME.',
  ]);
});

test('it needs an https:// entry', () => {
  expect(problems(STORE + http('{}', "'127.0.0.1:1'"))).toEqual([
    '2:39: http.tls.acme: TLS is configured, but no entry of http.listen begins with https://; add one or remove http.tls.',
  ]);
});

test.each([
  ['{names: [a.example, A.example]}', "'A.example.' is listed twice; remove one of the two."],
  [
    "{names: ['*.a.example', www.a.example]}",
    "'www.a.example.' is covered by '*.a.example.', which is in the list too; remove one of the two.",
  ],
  ['{names: []}', 'must be a list with at least one entry'],
  ['{names: [_x.a.example]}', "must be a full host name, like dyndns.example.com or '*.dyndns.example.com'"],
  ['{names: [localhost]}', 'must be a full host name'],
  [`{names: [${`${'x'.repeat(63)}.`.repeat(3)}${'x'.repeat(40)}.a.example]}`, 'is too long for a domain name'],
  ['{directory: http://ca.example/}', 'must be an https:// URL'],
  ['{directory: https://me:pass@ca.example/}', 'must be an https:// URL'],
  ['{email: nobody}', 'must be a mail address'],
  ['{propagation_seconds: -1}', 'must be an integer from 0 to 3600'],
  ['{folders: x}', "unknown key 'folders'"],
])('%s is refused', (acme, why) => {
  expect(problems(STORE + http(acme))).toEqual([expect.stringContaining(why)]);
});

test('a name and the wildcard below it stand side by side', () => {
  expect(problems(STORE + http("{names: [a.example, '*.a.example', x.y.a.example]}"))).toEqual([]);
});

test('a name in no zone of the file is a warning that names the CNAME', () => {
  expect(load(STORE + http("{names: ['*.example.net']}")).warnings).toEqual([
    "http.tls.acme: '*.example.net.' is not in a zone of this file. It gets a certificate only if " +
      "'_acme-challenge.example.net.' is a CNAME into one.",
  ]);
});
