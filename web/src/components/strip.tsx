/**
 * The changes and problems of 90 days as a strip: a bar for each day with changes, the higher the more, and a mark below each day with
 * problems. Two paths, however many days there are: a list has hundreds of strips.
 */
import { count } from '../clock.ts';
import { texts } from '../texts.ts';

const STEP = 4;
const WIDTH = 3;
const HEIGHT = 22;
const LOWEST = 8;
/** This many changes a day, or more, are the highest bar. */
const MANY = 12;
const t = texts.overview;

export function ChangeStrip({
  changes,
  faults,
}: {
  readonly changes: readonly number[];
  readonly faults: readonly number[];
}) {
  const bars = changes.map((number, day) => (number === 0 ? '' : bar(day, number))).join('');
  const quiet = changes.map((number, day) => (number === 0 ? rect(day, HEIGHT - 2, 2) : '')).join('');
  const marks = faults.map((number, day) => (number === 0 ? '' : rect(day, HEIGHT + 2, 4))).join('');
  const width = changes.length * STEP - (STEP - WIDTH);
  return (
    <svg
      class="strip"
      role="img"
      aria-label={stripText(changes, faults)}
      viewBox={`0 0 ${width} ${HEIGHT + 6}`}
      preserveAspectRatio="none"
    >
      <path class="strip-quiet" d={quiet} />
      <path class="strip-bars" d={bars} />
      <path class="strip-marks" d={marks} />
    </svg>
  );
}

function bar(day: number, changes: number): string {
  const height = LOWEST + ((HEIGHT - LOWEST) * Math.log2(Math.min(changes, MANY))) / Math.log2(MANY);
  return rect(day, HEIGHT - height, height);
}

function rect(day: number, y: number, height: number): string {
  return `M${day * STEP} ${y.toFixed(1)}h${WIDTH}v${height.toFixed(1)}h-${WIDTH}z`;
}

/** What the picture shows, in words. */
export function stripText(changes: readonly number[], faults: readonly number[]): string {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
  const changed = sum(changes);
  const failed = sum(faults);
  if (changed + failed === 0) return t.stripQuiet;
  const days = changes.filter((number) => number > 0).length;
  return t.strip(count(changed, t.words.changes), count(days, t.words.days), count(failed, t.words.problems));
}
