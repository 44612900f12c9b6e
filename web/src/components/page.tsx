/** The frame of a screen: its title, what it is for, and its buttons. The title gets the focus when the screen is opened. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { texts } from '../texts.ts';

export interface PageProps {
  readonly title: string;
  /** Under the title: what the screen is for, or what it is about. */
  readonly lead?: ComponentChildren;
  readonly actions?: ComponentChildren;
  /** A form or a text, which is not to be wider than can be read. */
  readonly isNarrow?: boolean;
  readonly children: ComponentChildren;
}

export function Page({ title, lead, actions, isNarrow = false, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · ${texts.shell.product}`;
  }, [title]);
  useEffect(() => {
    // Not on the first screen: a page begins at its start.
    if (hasShownScreen && document.querySelector('dialog[open]') === null)
      heading.current?.focus({ preventScroll: true });
    hasShownScreen = true;
  }, []);
  return (
    <div class={`page${isNarrow ? ' page-narrow' : ''}`}>
      <div class="page-head">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {lead !== undefined && <p class="page-lead">{lead}</p>}
        </div>
        {actions !== undefined && <div class="page-actions">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

let hasShownScreen = false;

/** A part of a screen with a title of its own. */
export function Panel({
  title,
  lead,
  actions,
  isFlush = false,
  children,
}: {
  readonly title?: string;
  readonly lead?: ComponentChildren;
  readonly actions?: ComponentChildren;
  /** Without a margin inside: a table. */
  readonly isFlush?: boolean;
  readonly children: ComponentChildren;
}) {
  return (
    <section class={`panel${isFlush ? ' panel-flush' : ''}`}>
      {(title !== undefined || actions !== undefined) && (
        <div class={`panel-head${isFlush ? ' panel-head-flush' : ''}`}>
          <div>
            {title !== undefined && <h2>{title}</h2>}
            {lead !== undefined && <p class="soft">{lead}</p>}
          </div>
          {actions !== undefined && <div class="row">{actions}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

/** Names and values. */
export function Facts({ children }: { readonly children: ComponentChildren }) {
  return <dl class="facts">{children}</dl>;
}

/** A row of `Facts`. */
export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
