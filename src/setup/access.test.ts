// The link of the setup: once, by hash, within the limit of guesses.
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { GUESSES, GuessBudget } from '../core/access/guess-budget.ts';
import { AppError } from '../core/errors.ts';
import { SetupAccess } from './access.ts';

const SOURCE = '192.0.2.1';
const open = () => new SetupAccess({ random: randomBytes, guesses: new GuessBudget(() => 0) });
const codeOf = async (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'done',
    (error: unknown) => (error instanceof AppError ? error.code : 'other'),
  );

it('the link has 256 bits and becomes another secret, once', async () => {
  const access = open();
  expect(Buffer.from(access.link, 'base64url')).toHaveLength(32);
  const session = await access.signIn(access.link, SOURCE);
  expect(session).not.toBe(access.link);
  expect(await codeOf(access.check(session, SOURCE))).toBe('done');
  expect(await codeOf(access.signIn(access.link, SOURCE))).toBe('not-authenticated');
  expect(await codeOf(access.check(access.link, SOURCE))).toBe('not-authenticated');
  // The second attempt ended no session.
  expect(await codeOf(access.check(session, SOURCE))).toBe('done');
});

it.each(['', 'undefined', 'x'.repeat(43)])('without a session, %j is none', async (text) => {
  const access = open();
  expect(await codeOf(access.check(text, SOURCE))).toBe('not-authenticated');
  expect(await codeOf(access.check(undefined, SOURCE))).toBe('not-authenticated');
});

it('guesses of one source end, and do not end those of another', async () => {
  const access = open();
  for (let guess = 0; guess < GUESSES; guess += 1) {
    expect(await codeOf(access.signIn(`guess ${guess}`, SOURCE))).toBe('not-authenticated');
  }
  expect(await codeOf(access.signIn(access.link, SOURCE))).toBe('too-many-guesses');
  expect(await codeOf(access.signIn(access.link, '192.0.2.2'))).toBe('done');
});

it('a browser that has the session is not limited by wrong links from the same address', async () => {
  const access = open();
  const session = await access.signIn(access.link, SOURCE);
  await access.check(session, SOURCE);
  for (let guess = 0; guess <= GUESSES; guess += 1) await codeOf(access.signIn(`guess ${guess}`, SOURCE));
  expect(await codeOf(access.check(session, SOURCE))).toBe('done');
});
