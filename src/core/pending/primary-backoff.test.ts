// When attempts may be made at a primary that is silent.
import { expect, it } from 'vitest';
import { DomainName } from '../../dns/name.ts';
import type { Zone } from '../zones/zone.ts';
import { PrimaryBackoff } from './primary-backoff.ts';

const zone = { apex: DomainName.parse('example.com') } as Zone;
const other = { apex: DomainName.parse('example.net') } as Zone;

function setUp() {
  const lab = { nowMs: 1_000_000 };
  return Object.assign(lab, { backoff: new PrimaryBackoff(() => lab.nowMs) });
}

it('waits 2, 4, 8, 16 and then 30 seconds after each failure, and not for another zone', () => {
  const lab = setUp();
  const { backoff } = lab;
  for (const seconds of [2, 4, 8, 16, 30, 30]) {
    backoff.failed(zone);
    lab.nowMs += seconds * 1_000 - 1;
    expect([backoff.mustWait(zone), backoff.mustWait(other)]).toEqual([true, false]);
    lab.nowMs += 1;
    expect(backoff.mustWait(zone)).toBe(false);
  }
});

it('lets one attempt at a time try a silent primary, and any number one that answers', () => {
  const lab = setUp();
  const { backoff } = lab;
  backoff.starts(zone);
  expect([backoff.mustWait(zone), backoff.isAnySilent]).toEqual([false, false]);
  backoff.failed(zone);
  lab.nowMs += 2_000;
  backoff.starts(zone);
  expect(backoff.mustWait(zone)).toBe(true);
});

it('ends with the first answer, and begins anew with the next failure', () => {
  const lab = setUp();
  const { backoff } = lab;
  for (let i = 0; i < 5; i++) backoff.failed(zone);
  expect([backoff.answered(zone), backoff.answered(zone), backoff.answered(other)]).toEqual([true, false, false]);
  expect([backoff.mustWait(zone), backoff.isAnySilent]).toEqual([false, false]);
  backoff.failed(zone);
  lab.nowMs += 2_000;
  expect(backoff.mustWait(zone)).toBe(false);
});
