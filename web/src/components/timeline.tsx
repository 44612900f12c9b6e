/**
 * The addresses of a family as a line of time: a bar for each address, as wide as it lasted. Neighbours have different shades, a gap is
 * a time without an address. The table beside it says the same in words.
 */
import type { SpanOfTimeWithTheSameAddressesView } from '../api-types.ts';
import { count, duration, nowMs } from '../clock.ts';
import { texts } from '../texts.ts';

const t = texts.host.timeline;
const WIDTH = 900;
const HEIGHT = 26;
const DAY_MS = 86_400_000;
/** A change that lasted a minute is seen as well. */
const LEAST = 1.5;

export interface TimelineProps {
  readonly family: 'A' | 'AAAA';
  readonly spans: readonly SpanOfTimeWithTheSameAddressesView[];
  /** Days that it shows. */
  readonly days: number;
}

export function Timeline({ family, spans, days }: TimelineProps) {
  const endMs = nowMs.value;
  const startMs = endMs - days * DAY_MS;
  const xOf = (timeMs: number) => (WIDTH * (Math.min(Math.max(timeMs, startMs), endMs) - startMs)) / (endMs - startMs);
  const shades: [string[], string[]] = [[], []];
  let shade: 0 | 1 = 0;
  for (const { addresses, from, until } of [...spans].reverse()) {
    if (addresses.length === 0) continue;
    const end = until === undefined ? endMs : Date.parse(until);
    shade = shade === 0 ? 1 : 0;
    if (end < startMs) continue;
    const left = xOf(Date.parse(from));
    const width = Math.max(LEAST, xOf(end) - left);
    shades[shade].push(`M${left.toFixed(1)} 0h${width.toFixed(1)}v${HEIGHT}h-${width.toFixed(1)}z`);
  }
  const weeks = Array.from({ length: Math.floor(days / 30) }, (_, index) => xOf(endMs - (index + 1) * 30 * DAY_MS));
  return (
    <figure class="timeline">
      <svg
        role="img"
        aria-label={timelineText(family, spans, days, endMs)}
        viewBox={`0 0 ${WIDTH} ${HEIGHT + 4}`}
        preserveAspectRatio="none"
      >
        <path class="timeline-ground" d={`M0 0h${WIDTH}v${HEIGHT}h-${WIDTH}z`} />
        <path class="timeline-odd" d={shades[1].join('')} />
        <path class="timeline-even" d={shades[0].join('')} />
        <path class="timeline-ticks" d={weeks.map((x) => `M${x.toFixed(1)} ${HEIGHT}v4`).join('')} />
      </svg>
      <figcaption class="timeline-scale small soft" aria-hidden="true">
        <span>{t.ago(count(days, t.words.days))}</span>
        <span>{t.now}</span>
      </figcaption>
    </figure>
  );
}

/** What the picture shows, in words. */
export function timelineText(family: 'A' | 'AAAA', spans: TimelineProps['spans'], days: number, endMs: number): string {
  const shown = spans.filter(
    ({ addresses, until }) =>
      addresses.length > 0 && (until === undefined || Date.parse(until) > endMs - days * DAY_MS),
  );
  const longest = Math.max(0, ...shown.map(({ seconds }) => seconds));
  return t.picture(
    t.families[family],
    count(days, t.words.days),
    count(new Set(shown.map(({ addresses }) => addresses.join())).size, t.words.addresses),
    duration(longest),
  );
}
