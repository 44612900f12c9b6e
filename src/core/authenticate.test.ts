// The master secret: only itself, and nobody without one.
import { describe, expect, it } from 'vitest';
import { Authenticator } from './authenticate.ts';

describe('a credential', () => {
  const authenticator = new Authenticator('abcd1234');

  it('that is the secret is the master', () => {
    expect(authenticator.authenticate('abcd1234')).toEqual({ kind: 'master' });
  });

  it.each(['abcd1235', 'abcd123', 'abcd12345', 'ABCD1234', ' abcd1234', 'abcd1234\n', '', undefined])(
    '%j is nobody',
    (credential) => {
      expect(authenticator.authenticate(credential)).toBeUndefined();
    },
  );
});

it.each([undefined, ''])(
  'where the secret is %j, nobody is the master: not even with an empty credential',
  (secret) => {
    for (const credential of ['', undefined, 'undefined', 'abcd1234']) {
      expect(new Authenticator(secret).authenticate(credential)).toBeUndefined();
    }
  },
);
