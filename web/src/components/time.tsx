/** A time: relative for the eye, exact on hover and for screen readers. It moves by itself. */
import { duration, exact, nowMs, relative } from '../clock.ts';

export function Time({ value }: { readonly value: string | number }) {
  const timeMs = typeof value === 'number' ? value : Date.parse(value);
  if (Number.isNaN(timeMs)) return <span>{value}</span>;
  return (
    <time dateTime={new Date(timeMs).toISOString()} title={exact(timeMs)}>
      {relative(timeMs, nowMs.value)}
    </time>
  );
}

/** How long something lasts already: "3 days". */
export function Age({ since }: { readonly since: string | number }) {
  const timeMs = typeof since === 'number' ? since : Date.parse(since);
  return (
    <time dateTime={new Date(timeMs).toISOString()} title={exact(timeMs)}>
      {duration((nowMs.value - timeMs) / 1000)}
    </time>
  );
}

/** The exact time in the text. */
export function ExactTime({ value }: { readonly value: string }) {
  const timeMs = Date.parse(value);
  return (
    <time dateTime={value} title={relative(timeMs, nowMs.value)}>
      {exact(timeMs)}
    </time>
  );
}
