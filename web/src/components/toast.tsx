/** Short messages that something was done, shown for a while and read by screen readers. */
import { signal } from '@preact/signals';
import { texts } from '../texts.ts';
import { IconButton } from './button.tsx';

interface Toast {
  readonly id: number;
  readonly text: string;
}

const SHOWN_MS = 6_000;
const toasts = signal<readonly Toast[]>([]);
/** For screen readers alone. */
const spoken = signal('');
let lastId = 0;

/** Shows and says that something was done. */
export function toast(text: string): void {
  lastId += 1;
  const id = lastId;
  toasts.value = [...toasts.value.slice(-2), { id, text }];
  setTimeout(() => remove(id), SHOWN_MS);
}

/** Says it to screen readers, where the eye sees it already. */
export function announce(text: string): void {
  // The same text twice would not be read again.
  spoken.value = spoken.value === text ? `${text}\u00a0` : text;
}

function remove(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}

/** The place of both, once on the page. */
export function Toasts() {
  return (
    <>
      <div class="hidden-text" aria-live="polite">
        {spoken.value}
      </div>
      <div class="toasts" role="status" aria-live="polite">
        {toasts.value.map(({ id, text }) => (
          <div key={id} class="toast">
            <span class="break">{text}</span>
            <IconButton icon="close" label={texts.common.close} onClick={() => remove(id)} />
          </div>
        ))}
      </div>
    </>
  );
}
