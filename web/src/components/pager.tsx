/** Pages of a list by the cursors of the server, and the way back. */
import { useState } from 'preact/hooks';
import { texts } from '../texts.ts';
import { Button } from './button.tsx';

export interface Paging {
  /** Of the page that is shown; undefined: the first. */
  readonly cursor: string | undefined;
  readonly hasPrevious: boolean;
  readonly forward: (next: string) => void;
  readonly back: () => void;
}

/** @param identity of what is listed: another search begins at the first page */
export function usePaging(identity: string): Paging {
  const [pages, setPages] = useState<{ readonly of: string; readonly cursors: readonly string[] }>({
    of: identity,
    cursors: [],
  });
  const cursors = pages.of === identity ? pages.cursors : [];
  const turn = (next: readonly string[]) => {
    setPages({ of: identity, cursors: next });
    window.scrollTo({ top: 0 });
  };
  return {
    cursor: cursors.at(-1),
    hasPrevious: cursors.length > 0,
    forward: (next) => turn([...cursors, next]),
    back: () => turn(cursors.slice(0, -1)),
  };
}

/** Nothing where all is on one page. @param text what is on this page */
export function Pager({
  paging,
  next,
  text,
}: {
  readonly paging: Paging;
  readonly next: string | undefined;
  readonly text?: string;
}) {
  if (next === undefined && !paging.hasPrevious) return null;
  return (
    <div class="pager">
      <Button isSmall icon="left" disabled={!paging.hasPrevious} onClick={paging.back}>
        {texts.common.previous}
      </Button>
      <span class="soft small">{text}</span>
      <Button isSmall disabled={next === undefined} onClick={() => next !== undefined && paging.forward(next)}>
        {texts.common.next}
      </Button>
    </div>
  );
}
