/** How `dyndns status` and `dyndns zone list` print what a secondary serves. */
import { expect, it } from 'vitest';
import type { SecondaryState } from '../../core/admin/zone-operations.ts';
import { formatZone } from './zone-list.ts';

const line = (secondary: Omit<SecondaryState, 'endpoint'>) => {
  const secondaries = [{ endpoint: '192.0.2.53:53', ...secondary }];
  return formatZone({ zone: 'example.com.', serial: 9, names: 3, secondaries }).split('\n')[1];
};

it.each<[Omit<SecondaryState, 'endpoint'>, string]>([
  [{ state: 'up-to-date', text: 'is up to date', stateSeconds: 3, serial: 9 }, 'up to date'],
  [
    { state: 'behind', text: 'is behind by 2', stateSeconds: 40, serial: 7, behindSeconds: 40 },
    'behind by 2 since 40.0 s, has 7',
  ],
  [
    { state: 'refused', text: 'refused the …', stateSeconds: 12, serial: 7, refusedSerial: 9, behindSeconds: 40.04 },
    'refused the transfer of serial 9, has 7, behind for 40.0 s',
  ],
  [
    { state: 'not-answering', text: 'does not answer queries any more', stateSeconds: 31, serial: 9 },
    'not answering since 31.0 s, last seen with 9',
  ],
  [
    { state: 'not-serving', text: 'does not serve the zone (REFUSED)', stateSeconds: 1 },
    'does not serve the zone (REFUSED)',
  ],
  [
    {
      state: 'not-serving',
      text: 'cannot serve the zone (SERVFAIL)',
      stateSeconds: 1,
      serial: 7,
      behindSeconds: 5,
      problem: 'answers NOTIFY with REFUSED',
    },
    'cannot serve the zone (SERVFAIL), last seen with 7, behind for 5.0 s; it answers NOTIFY with REFUSED',
  ],
  [
    { state: 'ahead', text: 'has the serial 12, which is later than 9 here', stateSeconds: 1, serial: 12 },
    'has the serial 12, which is later than 9 here',
  ],
  [{ state: 'sent', text: 'was sent serial 9', stateSeconds: 1, serial: 8 }, 'was sent serial 9'],
  [{ state: 'unknown', text: 'has not named its serial yet', stateSeconds: 1 }, 'has not asked yet, nor answered'],
  // A server of an older release reports no state.
  [{ serial: 9 }, 'up to date'],
  [{ serial: 7, behindSeconds: 2 }, 'holds 7, behind for 2.0 s'],
  [{}, 'has not asked yet'],
])('a secondary: %j', (secondary, expected) => {
  expect(line(secondary)).toBe(`  secondary 192.0.2.53:53  ${expected}`);
});

it('says what is wrong with the signatures of a zone, and nothing of a signed zone that needs no one', () => {
  const state = { zone: 'example.com.', serial: 9, names: 3, secondaries: [] };
  const signing = { signatures: 7, expired: 0, troubles: [], firstExpiration: '2026-11-23T10:00:00Z' };
  expect(formatZone({ ...state, signing })).toBe('example.com.  serial 9  3 names\n');
  expect(formatZone({ ...state, signing: { ...signing, troubles: ['A key is missing.', 'It fails.'] } })).toBe(
    'example.com.  serial 9  3 names\n  SIGNATURES: A key is missing.\n  SIGNATURES: It fails.\n',
  );
});
