/**
 * Which screen is shown: the fragment of the URL, `#/hosts/home.example.com?tab=history`. A fragment never reaches the server, so
 * that the page works below any path. Secrets of links (`#link=…`) are read and removed before the first screen; `&next=start`
 * behind one is the screen to show then.
 */
import { signal } from '@preact/signals';

export interface Location {
  /** Without `#`, decoded part by part: `['hosts', 'home.example.com']`. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

export const location = signal<Location>(parse(window.location.hash));

/** Of a link for one use, and of a failure of another provider. */
const FOR_THE_START = /^#(?:link|invitation|setup|sign-in-failed)=/;

window.addEventListener('hashchange', () => {
  // A link that is opened in a tab that has the page already: it begins again with the secret.
  if (FOR_THE_START.test(window.location.hash)) window.location.reload();
  else location.value = parse(window.location.hash);
});

function parse(hash: string): Location {
  const text = hash.startsWith('#/') ? hash.slice(2) : '';
  const queryAt = text.indexOf('?');
  const path = queryAt < 0 ? text : text.slice(0, queryAt);
  return {
    parts: path.split('/').filter(Boolean).map(decode),
    query: new URLSearchParams(queryAt < 0 ? '' : text.slice(queryAt + 1)),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

type Query = Readonly<Record<string, string | number | undefined>>;

/** The `href` of a screen. @param path parts, which are escaped here: `['hosts', name]` */
export function href(path: readonly string[], query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.size > 0 ? `?${parameters}` : '';
  return `#/${path.map(encodeURIComponent).join('/')}${text}`;
}

/** Opens a screen. @param replace without an entry in the history of the browser */
export function go(path: readonly string[], query: Query = {}, replace = false): void {
  const hash = href(path, query);
  if (replace) {
    window.history.replaceState(null, '', hash);
    location.value = parse(hash);
  } else window.location.hash = hash;
}

/** Changes the query of the screen that is shown, without an entry in the history: a search or a filter. */
export function setQuery(query: Query): void {
  const { parts, query: old } = location.value;
  go(parts, { ...Object.fromEntries(old), ...query }, true);
}

export type LinkSecret = { readonly kind: 'link' | 'invitation'; readonly secret: string };
/** Of the link that `dyndns setup` prints. */
export type SetupSecret = { readonly kind: 'setup'; readonly secret: string };

/** Why the sign-in by another provider failed: a code, as the server put it behind `#sign-in-failed=`. */
export function takeSignInFailure(): string | undefined {
  const match = /^#sign-in-failed=([a-z-]{1,40})$/.exec(window.location.hash);
  if (match === null) return undefined;
  window.history.replaceState(null, '', '#/');
  return match[1];
}

/** The secret of a link that was opened. It is removed from the address bar and the history at once. */
export function takeLinkSecret(): LinkSecret | SetupSecret | undefined {
  const match = /^#(link|invitation|setup)=([\w~.-]+?)(?:&next=([a-z]+))?$/.exec(window.location.hash);
  if (match === null) return undefined;
  const next = `#/${match[3] ?? ''}`;
  window.history.replaceState(null, '', next);
  location.value = parse(next);
  return { kind: match[1] as 'link', secret: match[2]! };
}
