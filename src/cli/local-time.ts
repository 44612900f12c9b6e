/** Times for people at this machine: local, with the offset from UTC. */
import { calendarDay } from '../config/kinds/words.ts';
import { UsageError } from './output.ts';

const two = (value: number) => String(value).padStart(2, '0');

/** `2026-11-23 11:00:00+01:00`; `Z` for UTC. @param iso absent: `-` */
export function formatTime(iso: string | undefined): string {
  if (iso === undefined) return '-';
  const time = new Date(iso);
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  return `${day} ${clock}${formatOffset(-time.getTimezoneOffset())}`;
}

function formatOffset(minutes: number): string {
  if (minutes === 0) return 'Z';
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(\.\d{1,3})?)?)\s?(Z|[+-]\d\d:?\d\d)?)?$/i;

/**
 * Reads a time, local unless it has an offset. Milliseconds since 1970.
 * @param end of the second, not its beginning
 * @throws UsageError
 */
export function parseTime(text: string, flag: string, end = false): number {
  const [, day = '', clock = '00:00', fraction, zone = ''] = TIME.exec(text) ?? [];
  const offset = zone.toUpperCase().replace(/^([+-]\d\d):?(\d\d)$/, '$1:$2');
  const timeMs = Date.parse(`${day}T${clock}${offset}`);
  if (calendarDay.parse(day) === undefined || Number.isNaN(timeMs)) {
    throw new UsageError(
      `${flag}: '${text}' is not a time. Write 2026-11-23T10:00 for local time, 2026-11-23T10:00Z for UTC.`,
    );
  }
  return timeMs + (end && fraction === undefined ? 999 : 0);
}
