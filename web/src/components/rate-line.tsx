/** Updates a second as a line, the newest on the right, with what failed as a second, dashed one. */
import { count } from '../clock.ts';
import type { Rate } from '../events.ts';
import { texts } from '../texts.ts';

const t = texts.live;
const WIDTH = 600;
const HEIGHT = 64;
/** Of the scale, so that a single update is no peak. */
const LEAST_TOP = 4;

export function RateLine({
  rates,
  seconds,
  nowMs,
}: {
  readonly rates: readonly Rate[];
  readonly seconds: number;
  readonly nowMs: number;
}) {
  const lastSecond = Math.floor(Math.max(nowMs, ...rates.map(({ time }) => Date.parse(time))) / 1000);
  const bySecond = new Map(rates.map((rate) => [Math.floor(Date.parse(rate.time) / 1000), rate]));
  // A second without a message had no updates.
  const line = Array.from({ length: seconds }, (_, index) => bySecond.get(lastSecond - seconds + 1 + index));
  const accepted = line.map((rate) => (rate === undefined ? 0 : rate.changed + rate.unchanged));
  const faults = line.map((rate) => (rate === undefined ? 0 : rate.refused + rate.failed));
  const top = Math.max(LEAST_TOP, ...accepted, ...faults);
  const path = (values: readonly number[]) =>
    values
      .map((value, index) => {
        const x = (index / (seconds - 1)) * WIDTH;
        return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${(HEIGHT - 2 - (value / top) * (HEIGHT - 6)).toFixed(1)}`;
      })
      .join('');
  const most = Math.max(0, ...accepted);
  const summary = t.rateText(count(accepted.at(-1) ?? 0, t.updates), String(most));
  const failed = faults.reduce((sum, one) => sum + one, 0);
  return (
    <figure class="rate panel">
      <figcaption class="panel-head">
        <strong>{t.rateTitle}</strong>
        <span class="soft small">
          {summary}
          {failed > 0 && `, ${t.rateFaults(String(failed))}`}
        </span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path class="rate-base" d={`M0 ${HEIGHT - 2}H${WIDTH}`} vector-effect="non-scaling-stroke" />
        {failed > 0 && <path class="rate-faults" d={path(faults)} vector-effect="non-scaling-stroke" />}
        <path class="rate-updates" d={path(accepted)} vector-effect="non-scaling-stroke" />
      </svg>
      <ul class="legend small soft" aria-hidden="true">
        <li class="legend-updates">{t.legend.updates}</li>
        {failed > 0 && <li class="legend-faults">{t.legend.faults}</li>}
      </ul>
    </figure>
  );
}
