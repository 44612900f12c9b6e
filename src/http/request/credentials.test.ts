// Where the credential of a request is found: Authorization before X-Api-Key before the protocol's own parameter.
import { describe, expect, it } from 'vitest';
import { Authenticator } from '../../core/access/authenticate.ts';
import { findCredential } from './credentials.ts';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('the credential of a request', () => {
  it('is the first that is present; later ones are not tried', () => {
    const headers = { authorization: 'Bearer first', 'x-api-key': 'second' };
    expect(findCredential(headers, 'third')).toBe('first');
    expect(findCredential({ 'x-api-key': 'second' }, 'third')).toBe('second');
    expect(findCredential({}, 'third')).toBe('third');
    expect(findCredential({}, undefined)).toBeUndefined();
  });

  it.each(['Bearer tok', 'bearer tok', 'BEARER   tok ', 'Token tok', 'token tok'])('%s', (authorization) => {
    expect(findCredential({ authorization }, 'other')).toBe('tok');
  });

  it('of Basic is the password: all after the first colon', () => {
    expect(findCredential({ authorization: basic('user:pass') }, 'other')).toBe('pass');
    expect(findCredential({ authorization: basic('user:s3cr:et&p@ss:') }, 'other')).toBe('s3cr:et&p@ss:');
    expect(findCredential({ authorization: basic(':pass') }, 'other')).toBe('pass');
    expect(findCredential({ authorization: basic('user:pässword') }, 'other')).toBe('pässword');
    expect(findCredential({ authorization: basic('user:pass').replace('Basic', 'bAsIc') }, 'other')).toBe('pass');
  });

  it.each(['', 'Bearer', 'Bearer ', 'Basic', 'Basic !', basic('no colon'), 'Digest username="x"', 'Bearer a b'])(
    'of the header %j is none, and the parameter is not tried',
    (authorization) => {
      expect(findCredential({ authorization }, 'other')).toBeUndefined();
    },
  );

  it('that is empty authenticates no one', () => {
    const master = new Authenticator({ masterSecret: 'Top5ecretWord', now: () => 0 });
    for (const authorization of [basic(':'), basic('user:'), basic(''), '', 'Bearer ']) {
      expect(master.authenticate(findCredential({ authorization }, 'Top5ecretWord'))).toBeUndefined();
    }
    expect(master.authenticate(findCredential({}, ''))).toBeUndefined();
    expect(master.authenticate(findCredential({ 'x-api-key': '' }, 'Top5ecretWord'))).toBeUndefined();
  });
});
