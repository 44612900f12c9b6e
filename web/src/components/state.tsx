/** A state as a word, a shape and a colour: each alone says what it is. */
import type { ComponentChildren } from 'preact';

export type Tone = 'good' | 'warn' | 'bad' | 'idle';

export function State({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return (
    <span class={`state state-${tone}`}>
      <StateShape tone={tone} />
      <span>{children}</span>
    </span>
  );
}

/** Good: a disc. Warning: a triangle. Bad: a square with a cross. Idle: a ring. */
export function StateShape({ tone }: { readonly tone: Tone }) {
  return (
    <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
      {tone === 'good' && <circle cx="5" cy="5" r="4" fill="currentColor" />}
      {tone === 'warn' && <path d="M5 .8 9.6 9H.4z" fill="currentColor" />}
      {tone === 'bad' && <path d="M1 1h8v8H1zM3.2 3.2l3.6 3.6M6.8 3.2 3.2 6.8" class="state-cross" />}
      {tone === 'idle' && <circle cx="5" cy="5" r="3.5" fill="none" stroke="currentColor" stroke-width="1.6" />}
    </svg>
  );
}
