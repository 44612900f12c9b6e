/**
 * The cookies of the dashboard (RFC 6265): the session, and the mark by which a browser is known to an account. `__Host-` keeps other
 * names of the same domain from setting them, which needs https.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Browser } from '../../core/admin/caller.ts';
import { AppError } from '../../core/errors.ts';

const MARK_SECONDS = 365 * 86_400;

/**
 * `oidc`: what a sign-in by an OpenID provider needs until the browser comes back, see oidc-door.ts. `setup`: the session of
 * `dyndns setup`.
 */
type CookieKind = 'session' | 'mark' | 'oidc' | 'setup';

const NAMES: Readonly<Record<CookieKind, readonly [https: string, http: string]>> = {
  session: ['__Host-dyndns', 'dyndns_session'],
  mark: ['__Host-dyndns-known', 'dyndns_known'],
  oidc: ['__Host-dyndns-oidc', 'dyndns_oidc'],
  setup: ['__Host-dyndns_setup', 'dyndns_setup'],
};

function isSecure(url: string | undefined): boolean {
  return url?.startsWith('https:') === true;
}

/** The one value of a cookie; undefined: there is none, or another site set a second one. @param url `admin.url` */
export function cookieOf(kind: CookieKind, headers: IncomingHttpHeaders, url: string | undefined): string | undefined {
  const values = valuesOf(kind, headers, url);
  return values.length === 1 ? values[0] : undefined;
}

/** A Set-Cookie header. @param seconds 0: the cookie ends; undefined: it ends with the browser */
export function cookieText(
  kind: CookieKind,
  value: string,
  seconds: number | undefined,
  url: string | undefined,
): string {
  const [ofHttps, ofHttp] = NAMES[kind];
  const secure = isSecure(url) ? '; Secure' : '';
  const site = kind === 'oidc' ? 'Lax' : 'Strict';
  const end = seconds === undefined ? '' : `; Max-Age=${seconds}`;
  return `${isSecure(url) ? ofHttps : ofHttp}=${value}; Path=/; HttpOnly; SameSite=${site}${secure}${end}`;
}

/** The secret of the session; undefined: there is no cookie. @throws AppError not-authenticated */
export function sessionSecret(headers: IncomingHttpHeaders, url: string | undefined): string | undefined {
  const values = valuesOf('session', headers, url);
  if (values.length <= 1) return values[0];
  throw new AppError(
    'not-authenticated',
    'The browser sent two cookies of a session: another site of the same domain set one. Delete the cookies of this site and sign in again.',
  );
}

export function browserOf(headers: IncomingHttpHeaders, response: ServerResponse, url: string | undefined): Browser {
  const set = (kind: CookieKind, value: string, seconds: number) =>
    void response.appendHeader('Set-Cookie', cookieText(kind, value, seconds, url));
  return {
    mark: cookieOf('mark', headers, url),
    setMark: (value) => set('mark', value, MARK_SECONDS),
    setSession: (secret, endsMs) => set('session', secret, Math.max(0, Math.round((endsMs - Date.now()) / 1000))),
    endSession: () => set('session', '', 0),
  };
}

/** Different values. */
function valuesOf(kind: CookieKind, { cookie = '' }: IncomingHttpHeaders, url: string | undefined): readonly string[] {
  const name = NAMES[kind][isSecure(url) ? 0 : 1];
  const values = cookie.split(';').flatMap((pair) => {
    const text = pair.trim();
    return text.startsWith(`${name}=`) ? [text.slice(name.length + 1)] : [];
  });
  return [...new Set(values)].filter((value) => value !== '');
}
