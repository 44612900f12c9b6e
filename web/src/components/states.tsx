/** What a screen shows while it has no data: loading, nothing there, an error. And banners, which say what needs attention. */
import type { ComponentChildren } from 'preact';
import type { Loaded } from '../operation.ts';
import { problemText } from '../problem-text.ts';
import { texts } from '../texts.ts';
import { Button } from './button.tsx';
import { Icon, type IconName } from './icons.tsx';
import type { Tone } from './state.tsx';

/** @param lines how many there will be, roughly */
export function Loading({ lines = 4 }: { readonly lines?: number }) {
  return (
    <div class="skeleton" role="status" aria-label={texts.common.loading}>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}

/** Says what to do next. */
export function Empty({
  title,
  children,
  action,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly action?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children !== undefined && <p>{children}</p>}
      {action}
    </div>
  );
}

/** An error with what to do; undefined: nothing. @param onRetry absent: the error is about what a person entered */
export function ErrorBox({ error, onRetry }: { readonly error: unknown; readonly onRetry?: (() => void) | undefined }) {
  if (error === undefined) return null;
  const { title, text, requestId } = problemText(error);
  return (
    <div class="banner banner-bad" role="alert">
      <Icon name="warning" size={18} />
      <div class="stack">
        <div>
          <strong>{title}</strong>
          <p>{text}</p>
          {requestId !== undefined && <p class="small soft">{texts.problems.request(requestId)}</p>}
        </div>
        {onRetry !== undefined && (
          <div>
            <Button isSmall onClick={onRetry}>
              {texts.common.retry}
            </Button>
          </div>
        )}
      </div>
    </div>
  );
}

const BANNER_ICONS: Readonly<Record<Tone, IconName>> = { good: 'check', warn: 'warning', bad: 'warning', idle: 'info' };

export function Banner({
  tone,
  title,
  children,
  action,
}: {
  readonly tone: Tone;
  readonly title?: string;
  readonly children?: ComponentChildren;
  readonly action?: ComponentChildren;
}) {
  return (
    <div class={`banner banner-${tone}`}>
      <Icon name={BANNER_ICONS[tone]} size={18} />
      <div>
        {title !== undefined && <strong>{title}</strong>}
        {children !== undefined && <div>{children}</div>}
      </div>
      {action}
    </div>
  );
}

/** Shows what was loaded, and until then what there is: loading, or why it failed. An error keeps the older data on the screen. */
export function Show<Value>({
  of: { data, error, reload },
  lines,
  children,
}: {
  readonly of: Loaded<Value>;
  readonly lines?: number;
  readonly children: (data: Value) => ComponentChildren;
}) {
  if (data === undefined) {
    return error === undefined ? (
      <Loading {...(lines !== undefined && { lines })} />
    ) : (
      <ErrorBox error={error} onRetry={reload} />
    );
  }
  return (
    <>
      <ErrorBox error={error} onRetry={reload} />
      {children(data)}
    </>
  );
}
