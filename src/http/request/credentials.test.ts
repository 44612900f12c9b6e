/** The candidates of a request: their places, their order, and how Basic is read. */
import { describe, expect, it } from 'vitest';
import { findCandidates, findUserName, findUserNames, MAX_CANDIDATES } from './credentials.ts';
import { PARAMETERS } from './update-parameters.ts';

const basic = (text: string, encoding: BufferEncoding = 'utf8') =>
  `Basic ${Buffer.from(text, encoding).toString('base64')}`;

/** As `TEXT`, or `user TEXT` for the user name of Basic. */
function texts(...args: Parameters<typeof findCandidates>): string[] {
  return findCandidates(...args).map(({ text, isUserName }) => (isUserName ? `user ${text}` : text));
}

describe('the candidates of a request', () => {
  it('are in order: password, user name, X-Api-Key, the own place, parameters', () => {
    const headers = { authorization: basic('name:word'), 'x-api-key': 'api' };
    expect(texts(headers, { key: 'last', token: 'first' }, 'path')).toEqual([
      'word',
      'user name',
      'api',
      'path',
      'first',
      'last',
    ]);
    expect(texts({ ...headers, authorization: 'Bearer b' }, undefined)).toEqual(['b', 'api']);
    expect(texts({}, Object.fromEntries(PARAMETERS.credential.map((name) => [name, name])))).toEqual(
      PARAMETERS.credential.slice(0, MAX_CANDIDATES),
    );
    expect(texts({}, undefined)).toEqual([]);
  });

  it('are six at most, each once, and empty ones are absent', () => {
    const headers = { authorization: basic('1:2'), 'x-api-key': '3' };
    expect(
      texts(headers, { token: '3', secret: '', password: '5', pass: '6', passwd: '7', pwd: '8' }, '2', '4'),
    ).toEqual(['2', 'user 1', '3', '4', '5', '6']);
    expect(texts({ authorization: basic(':'), 'x-api-key': '' }, { token: '' }, undefined, '')).toEqual([]);
  });

  it('a user name that stands in another place, too, is not only a user name', () => {
    expect(texts({ authorization: basic('same:same') }, undefined)).toEqual(['same']);
    expect(texts({ authorization: basic('name:x') }, { token: 'name' })).toEqual(['x', 'name']);
  });

  it.each([
    '',
    'Bearer',
    'Bearer ',
    'Basic',
    'Basic !',
    'Basic ====',
    'Basic a b',
    'Digest username="x"',
    'Negotiate YII=',
    'Bearer a b',
  ])('the header %j is none, and hides none', (authorization) => {
    expect(texts({ authorization, 'x-api-key': 'api' }, { token: 'other' })).toEqual(['api', 'other']);
  });

  it.each(['Bearer tok', 'bearer tok', 'BEARER   tok ', 'Token tok', 'token tok'])('%s', (authorization) => {
    expect(texts({ authorization }, undefined)).toEqual(['tok']);
  });

  it('X-Api-Key that was sent twice', () => {
    expect(texts({ 'x-api-key': ['first', 'second'] }, undefined)).toEqual(['first']);
  });
});

describe('Basic', () => {
  it.each<[string, string, string[]]>([
    ['all after the first colon is the password', 'user:s3cr:et&p@ss:', ['s3cr:et&p@ss:', 'user user']],
    ['without a user name', ':pass', ['pass']],
    ['without a password', 'user:', ['user user']],
    ['without a colon all is the user name', 'user', ['user user']],
    ['in UTF-8', 'jörg:pässwörd€', ['pässwörd€', 'user jörg']],
  ])('%s', (_, pair, expected) => {
    const authorization = basic(pair);
    expect(texts({ authorization }, undefined)).toEqual(expected);
    expect(texts({ authorization: authorization.replace('Basic', 'bAsIc') }, undefined)).toEqual(expected);
    expect(texts({ authorization: authorization.replace(/=+$/, '') }, undefined)).toEqual(expected);
    const base64url = authorization.replaceAll('+', '-').replaceAll('/', '_');
    expect(texts({ authorization: base64url }, undefined)).toEqual(expected);
  });

  it('in latin-1 is the same as in UTF-8, also if only one half is latin-1, and if it is long', () => {
    for (const pair of ['jörg:pässwörd', 'user:ü', 'ÿ:', `:${'ü'.repeat(1000)}`, 'jörg:word', 'ü:ü:ü']) {
      const inUtf8 = texts({ authorization: basic(pair) }, undefined);
      expect(texts({ authorization: basic(pair, 'latin1') }, undefined)).toEqual(inUtf8);
      expect(findUserName({ authorization: basic(pair, 'latin1') })).toBe(findUserName({ authorization: basic(pair) }));
    }
    const mixed = Buffer.concat([Buffer.from('jörg:', 'latin1'), Buffer.from('€', 'utf8')]).toString('base64');
    expect(texts({ authorization: `Basic ${mixed}` }, undefined)).toEqual(['€', 'user jörg']);
  });

  it('a replacement character that was sent as such stays', () => {
    expect(texts({ authorization: basic('\ufffd:a\ufffd') }, undefined)).toEqual(['a\ufffd', 'user \ufffd']);
  });

  it('generated octets are read without an error, as UTF-8 or else as latin-1', () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed;
    };
    for (let round = 0; round < 2_000; round += 1) {
      const octets = Buffer.from(
        Array.from({ length: random() % 40 }, () => (random() % 3 === 0 ? random() : 97) & 255),
      );
      const password = octets.toString('utf8');
      const isUtf8 = Buffer.from(password).equals(octets);
      const pair = Buffer.concat([Buffer.from('u:'), octets]).toString('base64');
      const expected = isUtf8 ? password : octets.toString('latin1');
      expect(texts({ authorization: `Basic ${pair}` }, undefined)[0]).toBe(
        expected === '' ? 'user u' : expected === 'u' ? 'u' : expected,
      );
    }
  });
});

it('other headers are read in UTF-8, too: node gives their octets as latin-1', () => {
  const sent = Buffer.from('pässwörd€', 'utf8').toString('latin1');
  expect(texts({ authorization: `Bearer ${sent}`, 'x-api-key': `2${sent}` }, undefined)).toEqual([
    'pässwörd€',
    '2pässwörd€',
  ]);
  expect(texts({ authorization: 'Token pässwörd', 'x-api-key': 'ü' }, undefined)).toEqual(['pässwörd', 'ü']);
});

it('names that may mean the host of a request: of Basic, of the parameters, and `token`', () => {
  const authorization = basic('name:word');
  expect(findUserNames({ authorization }, { token: 't', u: '3', username: '1', user: '' })).toEqual([
    'name',
    '1',
    '3',
    't',
  ]);
  expect(findUserNames({}, {})).toEqual([]);
});
