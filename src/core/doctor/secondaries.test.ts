/** The findings of `dyndns doctor` about secondaries. test/interop/secondary-truth.test.ts has one that refuses a transfer. */
import { expect, it } from 'vitest';
import { SECONDARY_STATES } from '../admin/zone-operations.ts';
import { checkSecondaries } from './secondaries.ts';

it('there are none for a zone without secondaries, and "not checked" without a server', () => {
  expect(checkSecondaries(undefined)).toEqual([]);
  expect(checkSecondaries('unknown')).toMatchObject([{ check: 'secondaries', status: 'not checked' }]);
});

it('each state has its status, and advice unless all is well', () => {
  const findings = SECONDARY_STATES.map((state) => {
    const [finding] = checkSecondaries([{ endpoint: '192.0.2.53:53', state, text: `is ${state}` }]);
    expect(finding!.text).toBe(`The secondary 192.0.2.53:53 is ${state}.`);
    expect(finding!.advice === undefined).toBe(finding!.status === 'ok');
    return [state, finding!.status];
  });
  expect(Object.fromEntries(findings)).toEqual({
    unknown: 'not checked',
    'up-to-date': 'ok',
    sent: 'ok',
    behind: 'warning',
    refused: 'problem',
    ahead: 'problem',
    'not-answering': 'problem',
    'not-serving': 'problem',
  });
});

it('one that is up to date and does not take NOTIFY is a warning', () => {
  const problem = 'answers NOTIFY with REFUSED';
  const [finding] = checkSecondaries([
    { endpoint: '192.0.2.53:53', state: 'up-to-date', text: 'is up to date', problem },
  ]);
  expect(finding).toMatchObject({
    status: 'warning',
    text: 'The secondary 192.0.2.53:53 is up to date. It answers NOTIFY with REFUSED.',
  });
});
