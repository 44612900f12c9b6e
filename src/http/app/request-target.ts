/**
 * The request target (RFC 9112 §3.2) as routers send it, normalized before a route is searched: old clients repeat slashes,
 * send backslashes, or append a second URL. The query stays as it was sent.
 */

/** The target that is routed. The root of a host `checkip.…` is the address echo. */
export function routedTarget(target: string, host: string | undefined): string {
  const normalized = normalizeTarget(target);
  const isRoot = normalized === '/' || normalized.startsWith('/?');
  return isRoot && host !== undefined && /^checkip\./i.test(host) ? `/checkip${normalized.slice(1)}` : normalized;
}

/** Some FRITZ!Boxes with an update URL for each family send both URLs as one. */
const SECOND_URL = /%20https?:\//i;

/**
 * Removes the scheme and host of an absolute form, `\`, repeated slashes, one final slash, and a second URL after a space.
 * The query begins at the first `?`.
 */
export function normalizeTarget(received: string): string {
  const secondAt = received.includes('%20http') ? received.search(SECOND_URL) : -1;
  const target = secondAt < 0 ? received : received.slice(0, secondAt);
  const queryAt = target.indexOf('?');
  let path = queryAt < 0 ? target : target.slice(0, queryAt);
  if (!path.startsWith('/')) path = path.replace(/^https?:\/\/[^/]*/i, '') || '/';
  if (path.includes('\\')) path = path.replaceAll('\\', '');
  // inadyn escapes a backslash in front of the path. One further on may belong to a secret.
  if (path.startsWith('/%5')) path = path.replace(/^(?:\/%5c)+(?=\/)/i, '');
  if (path.includes('//')) path = path.replace(/\/{2,}/g, '/');
  if (path.length > 1 && path.endsWith('/')) path = path.slice(0, -1);
  if (queryAt < 0) return path;
  return path.length === queryAt ? target : path + target.slice(queryAt);
}

/** The query without its `?`; empty without a query. */
export function queryOf(target: string): string {
  const queryAt = target.indexOf('?');
  return queryAt < 0 ? '' : target.slice(queryAt + 1);
}
