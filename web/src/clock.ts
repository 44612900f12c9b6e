/** The time, as a signal that moves while the page is visible, and times in words. */
import { signal } from '@preact/signals';
import { texts } from './texts.ts';

const TICK_MS = 10_000;

export const nowMs = signal(Date.now());

setInterval(() => {
  if (document.visibilityState === 'visible') nowMs.value = Date.now();
}, TICK_MS);
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') nowMs.value = Date.now();
});

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const UNITS: readonly (readonly [keyof typeof texts.time.units, number])[] = [
  ['year', 365 * DAY],
  ['month', 30 * DAY],
  ['day', DAY],
  ['hour', HOUR],
  ['minute', MINUTE],
];

/** "3 days", of the largest unit that is there once: "45 seconds". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  for (const [unit, length] of UNITS) {
    if (whole >= length) return count(Math.floor(whole / length), texts.time.units[unit]);
  }
  return count(whole, texts.time.units.second);
}

/** "5 minutes ago", "in 3 days", "just now". */
export function relative(timeMs: number, atMs: number): string {
  const seconds = (atMs - timeMs) / 1000;
  if (Math.abs(seconds) < 45) return texts.time.now;
  return seconds > 0 ? texts.time.ago(duration(seconds)) : texts.time.ahead(duration(-seconds));
}

/** The day and the time in the time zone of the browser, to the second, with the zone. */
export function exact(timeMs: number): string {
  return EXACT.format(timeMs);
}

const EXACT = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});

const DAY_FORMAT = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** "2 Dec 2026". */
export function day(timeMs: number): string {
  return DAY_FORMAT.format(timeMs);
}

/** "1 host", "2 hosts", "12,000 hosts". @param words one and many */
export function count(number: number, [one, many]: readonly [string, string]): string {
  return `${NUMBER.format(number)} ${number === 1 ? one : many}`;
}

const NUMBER = new Intl.NumberFormat('en-GB');

export function formatNumber(number: number): string {
  return NUMBER.format(number);
}
