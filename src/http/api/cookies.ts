/**
 * The cookies of the dashboard (RFC 6265): the session, and the mark by which a browser is known to an account. `__Host-` keeps other
 * names of the same domain from setting them, which needs https.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Browser } from '../../core/admin/caller.ts';
import { AppError } from '../../core/errors.ts';

const MARK_SECONDS = 365 * 86_400;

/** @param url `admin.url` */
function namesFor(url: string | undefined): {
  readonly session: string;
  readonly mark: string;
  readonly attributes: string;
} {
  const attributes = 'Path=/; HttpOnly; SameSite=Strict';
  if (url?.startsWith('https:')) {
    return { session: '__Host-dyndns', mark: '__Host-dyndns-known', attributes: `${attributes}; Secure` };
  }
  return { session: 'dyndns_session', mark: 'dyndns_known', attributes };
}

/** The secret of the session; undefined: there is no cookie. @throws AppError not-authenticated */
export function sessionSecret(headers: IncomingHttpHeaders, url: string | undefined): string | undefined {
  const values = cookiesNamed(headers, namesFor(url).session);
  if (values.length <= 1) return values[0];
  throw new AppError(
    'not-authenticated',
    'The browser sent two cookies of a session: another site of the same domain set one. Delete the cookies of this site and sign in again.',
  );
}

export function browserOf(headers: IncomingHttpHeaders, response: ServerResponse, url: string | undefined): Browser {
  const { session, mark, attributes } = namesFor(url);
  const set = (name: string, value: string, seconds: number) =>
    void response.appendHeader('Set-Cookie', `${name}=${value}; ${attributes}; Max-Age=${seconds}`);
  const marks = cookiesNamed(headers, mark);
  return {
    mark: marks.length === 1 ? marks[0] : undefined,
    setMark: (value) => set(mark, value, MARK_SECONDS),
    setSession: (secret, endsMs) => set(session, secret, Math.max(0, Math.round((endsMs - Date.now()) / 1000))),
    endSession: () => set(session, '', 0),
  };
}

/** Different values of the cookies with this name. */
function cookiesNamed({ cookie = '' }: IncomingHttpHeaders, name: string): readonly string[] {
  const values = cookie.split(';').flatMap((pair) => {
    const text = pair.trim();
    return text.startsWith(`${name}=`) ? [text.slice(name.length + 1)] : [];
  });
  return [...new Set(values)].filter((value) => value !== '');
}
