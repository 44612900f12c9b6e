import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { formatTime, parseTime } from './local-time.ts';

beforeEach(() => void vi.stubEnv('TZ', 'Europe/Berlin'));
afterEach(() => void vi.unstubAllEnvs());

it('writes local time with its distance from UTC, before and after the change to winter time', () => {
  expect(formatTime('2026-11-23T10:00:00.900Z')).toBe('2026-11-23 11:00:00+01:00');
  expect(formatTime('2026-07-01T10:00:00Z')).toBe('2026-07-01 12:00:00+02:00');
  vi.stubEnv('TZ', 'UTC');
  expect(formatTime('2026-11-23T10:00:00Z')).toBe('2026-11-23 10:00:00Z');
  expect(formatTime(undefined)).toBe('-');
});

it.each([
  ['2026-11-23T10:00', '2026-11-23T09:00:00.000Z'],
  ['2026-11-23 10:00:05', '2026-11-23T09:00:05.000Z'],
  ['2026-11-23', '2026-11-22T23:00:00.000Z'],
  ['2026-11-23T10:00Z', '2026-11-23T10:00:00.000Z'],
  ['2026-11-23 11:00:00+01:00', '2026-11-23T10:00:00.000Z'],
  ['2026-11-23 11:00:00.5+0100', '2026-11-23T10:00:00.500Z'],
])('reads %s, local unless it says otherwise', (text, iso) => {
  expect(new Date(parseTime(text, '--at')).toISOString()).toBe(iso);
});

it('the end of a second, unless a part of it is named', () => {
  expect(parseTime('2026-11-23T10:00:00Z', '--at', true) % 1000).toBe(999);
  expect(parseTime('2026-11-23T10:00:00.500Z', '--at', true) % 1000).toBe(500);
});

it.each(['', 'yesterday', '2026-02-30', '2026-11-23T25:00', '2026-11-23T10:60', '10:00', '2026-11-23T10:00X'])(
  'refuses %j with an example',
  (text) => {
    expect(() => parseTime(text, '--at')).toThrow(/--at: .* is not a time.*2026-11-23T10:00/);
  },
);
