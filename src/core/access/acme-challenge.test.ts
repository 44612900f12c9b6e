/** The names of DNS-01 challenges. */
import { expect, it } from 'vitest';
import { DomainName } from '../../dns/name.ts';
import { challengeSubject, toChallengeName } from './acme-challenge.ts';

const name = (text: string) => DomainName.parse(text);

it.each([
  ['_acme-challenge.home.example.com', 'home.example.com.'],
  ['_ACME-Challenge.home.example.com', 'home.example.com.'],
  ['_acme-challenges.home.example.com', undefined],
  ['home.example.com', undefined],
])('RFC 8555 §8.4: %s proves control of %s', (ownerName, subject) => {
  expect(challengeSubject(name(ownerName))?.toString()).toBe(subject);
});

it.each([
  ['home.example.com', '_acme-challenge.home.example.com.'],
  ['_acme-challenge.home.example.com', '_acme-challenge.home.example.com.'],
  ['*.home.example.com', '_acme-challenge.home.example.com.'],
])('RFC 8555 §8.4: the challenge for %s is at %s', (ownerName, challenge) => {
  expect(toChallengeName(name(ownerName)).toString()).toBe(challenge);
});
