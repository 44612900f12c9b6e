import { describe, expect, it } from 'vitest';
import { judgePending, pendingAfter, retryDelayMs, statesBefore } from './pending-update.ts';

describe('a pending update', () => {
  const pending = { wanted: ['192.0.2.2'], before: [['192.0.2.1']] };

  it('is settled where it is published already', () => expect(judgePending(pending, ['192.0.2.2'])).toBe('settled'));
  it('is published over the old value', () => expect(judgePending(pending, ['192.0.2.1'])).toBe('publish'));
  it('is a foreign edit where anything else is', () => {
    expect(judgePending(pending, ['192.0.2.3'])).toBe('foreign');
    expect(judgePending(pending, [])).toBe('foreign');
    expect(judgePending(pending, ['192.0.2.1', '192.0.2.2'])).toBe('foreign');
  });
  it('is published over anything if the old value could not be read', () => {
    expect(judgePending({ wanted: ['192.0.2.2'], before: undefined }, ['192.0.2.3'])).toBe('publish');
  });
  it('can be a deletion', () => {
    expect(judgePending({ wanted: [], before: [['192.0.2.1']] }, [])).toBe('settled');
    expect(judgePending({ wanted: [], before: [['192.0.2.1']] }, ['192.0.2.1'])).toBe('publish');
  });
});

describe('the states over which a pending update may be published that replaces another', () => {
  const lost = { attempts: 0, lastError: 'publish-unknown' } as const;

  it('the old value, and what the older one wanted: its message may still arrive', () => {
    const older = { wanted: ['192.0.2.2'], before: [['192.0.2.1']], ...lost };
    expect(statesBefore(undefined, older)).toEqual([['192.0.2.2'], ['192.0.2.1']]);
    expect(statesBefore(['192.0.2.1'], older)).toEqual([['192.0.2.1'], ['192.0.2.2']]);
    expect(statesBefore([], { wanted: [], before: [[]], ...lost })).toEqual([[]]);
  });
  it('not what was never sent, but what an attempt may have sent', () => {
    const unsent = {
      wanted: ['192.0.2.2'],
      before: [['192.0.2.1']],
      attempts: 0,
      lastError: 'primary-unreachable',
    } as const;
    expect(statesBefore(undefined, unsent)).toEqual([['192.0.2.1']]);
    expect(statesBefore(undefined, { ...unsent, attempts: 1 })).toEqual([['192.0.2.2'], ['192.0.2.1']]);
  });
  it('what was read now, also where the older one knew nothing', () => {
    expect(statesBefore(['192.0.2.1'], { wanted: [], before: undefined, ...lost })).toEqual([['192.0.2.1'], []]);
    expect(statesBefore(undefined, { wanted: [], before: undefined, ...lost })).toBeUndefined();
    expect(statesBefore(undefined, undefined)).toBeUndefined();
  });
  it('of a long row the newest and the oldest: what was there when it began is never forgotten', () => {
    let states: ReturnType<typeof statesBefore> = [['192.0.2.0']];
    for (let i = 1; i <= 100; i++)
      states = statesBefore(undefined, { wanted: [`192.0.2.${i}`], before: states, ...lost });
    expect(states?.length).toBe(16);
    expect([states?.[0], states?.[14], states?.[15]]).toEqual([['192.0.2.100'], ['192.0.2.1'], ['192.0.2.0']]);
  });
});

it('is tried again after 2, 4, 8, 16, 30, 30 … seconds', () => {
  expect([0, 1, 2, 3, 4, 5, 1000].map(retryDelayMs)).toEqual([2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

it('is saved after no answer, an unknown outcome and SERVFAIL, not after a refusal', () => {
  expect(pendingAfter({ code: 'primary-unreachable', rcode: undefined })).toBe('keep');
  expect(pendingAfter({ code: 'publish-unknown', rcode: undefined })).toBe('keep');
  expect(pendingAfter({ code: 'primary-refused', rcode: 'SERVFAIL' })).toBe('keep');
  expect(pendingAfter({ code: 'primary-refused', rcode: 'REFUSED' })).toBe('end');
  expect(pendingAfter({ code: 'primary-key-rejected', rcode: undefined })).toBe('end');
  expect(pendingAfter({ code: 'conflict', rcode: undefined })).toBe('end');
  expect(pendingAfter({ code: 'address-refused', rcode: undefined })).toBe('leave');
});
