/**
 * The request target (RFC 9112 §3.2) as routers send it, repaired before a route is searched: old clients repeat slashes, send
 * backslashes or escaped slashes, put the host into the path, begin the query twice, or append a second URL.
 *
 * A repair never leads to `/v1`, `/ui`, `/api/v1` or `/metrics`: what a proxy in front refuses by its path must not be reached by
 * another spelling.
 */

/** Whether a path is that of a route. Only a credential may have an escaped slash: names and addresses have none. */
export type IsRoute = (path: string) => boolean;

/** @param patterns with `:placeholder` segments */
export function routeMatcher(patterns: readonly string[]): IsRoute {
  const fixed = new Set(patterns);
  const open = patterns.filter((pattern) => pattern.includes(':')).map((pattern) => pattern.split('/'));
  return (path) => {
    if (fixed.has(path)) return true;
    const sent = path.split('/');
    return open.some(
      (parts) =>
        parts.length === sent.length &&
        parts.every((part, at) => (part.startsWith(':') ? fits(part, sent[at]!) : part === sent[at])),
    );
  };
}

const CREDENTIALS: ReadonlySet<string> = new Set([':secret', ':token']);

function fits(placeholder: string, segment: string): boolean {
  return segment !== '' && (CREDENTIALS.has(placeholder) || !/%2f/i.test(segment));
}

/** No route has this path. */
const NOWHERE = '/%00';

/** The target that is routed. The root of a host `checkip.…` is the address echo. */
export function routedTarget(target: string, host: string | undefined, isRoute: IsRoute): string {
  const { path, query } = repairTarget(target, host, isRoute);
  if (path === '/' && host !== undefined && /^checkip\./i.test(host)) return `/checkip${query}`;
  return path + query;
}

/** Some FRITZ!Boxes with an update URL for each family send both URLs as one. */
const SECOND_URL = /%20https?:\//i;

interface Target {
  readonly path: string;
  /** With its `?`; empty without a query. */
  readonly query: string;
}

/**
 * Removes the scheme and host of an absolute form, `\`, repeated slashes, one final slash, and a second URL after a space. The
 * query begins at the first `?`. A path that is no route then may have escaped slashes, or the host in front.
 */
function repairTarget(received: string, host: string | undefined, isRoute: IsRoute): Target {
  const secondAt = received.includes('%20http') ? received.search(SECOND_URL) : -1;
  const target = secondAt < 0 ? received : received.slice(0, secondAt);
  const queryAt = target.indexOf('?');
  const sent = originForm(queryAt < 0 ? target : target.slice(0, queryAt));
  const query = queryAt < 0 ? '' : target.slice(queryAt);
  if (isGuarded(sent)) return { path: sent, query };
  const path = repairPath(sent, host, isRoute);
  const isReached = (path !== sent || path.includes('%')) && isGuarded(decodedPath(path));
  return { path: isReached ? NOWHERE : path, query: query.indexOf('?', 1) < 0 ? query : joinQueries(query) };
}

function originForm(path: string): string {
  return path.startsWith('/') ? path : path.replace(/^https?:\/\/[^/]*/i, '') || '/';
}

function repairPath(sent: string, host: string | undefined, isRoute: IsRoute): string {
  let path = sent;
  if (path.includes('\\')) path = path.replaceAll('\\', '');
  // inadyn escapes a backslash in front of the path. One further on may belong to a secret.
  if (path.startsWith('/%5')) path = path.replace(/^(?:\/%5c)+(?=\/)/i, '');
  const repaired = collapseSlashes(path);
  const isMangled = path.startsWith('//') || path.includes('%2');
  if (!isMangled || isRoute(repaired)) return repaired;
  // A placeholder may have an escaped slash of its own: it is decoded last.
  for (const candidate of [path, path.replace(/%2f/gi, '/')]) {
    for (const one of [withoutHost(candidate, host), candidate]) {
      const other = collapseSlashes(one);
      if (isRoute(other)) return other;
    }
  }
  return repaired;
}

function collapseSlashes(path: string): string {
  const once = path.includes('//') ? path.replace(/\/{2,}/g, '/') : path;
  return once.length > 1 && once.endsWith('/') ? once.slice(0, -1) : once;
}

/** `//HOST/nic/update`, with or without the port: the path behind the host. */
function withoutHost(path: string, host: string | undefined): string {
  if (host === undefined || !path.startsWith('//')) return path;
  const end = path.indexOf('/', 2);
  const first = end < 0 ? path.slice(2) : path.slice(2, end);
  if (first === '' || withoutPort(first) !== withoutPort(host)) return path;
  return end < 0 ? '/' : path.slice(end);
}

function withoutPort(host: string): string {
  return host.replace(/:\d{1,5}$/, '').toLowerCase();
}

/** `/api/v1/update` is a path of dyndns2. */
const GUARDED = /^\/(?:v1|ui|api\/v1(?!\/update\/?$)|metrics)(?:\/|$)/;

function isGuarded(path: string): boolean {
  return GUARDED.test(path);
}

/** As the router reads the path. */
function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** A second `?` begins further parameters, if a name and `=` follow it: a password may have one. @param query with its `?` */
function joinQueries(query: string): string {
  let joined = '?';
  let from = 1;
  for (let at = 1; at < query.length; ) {
    if (query[at] !== '?') {
      at += 1;
      continue;
    }
    const begin = at;
    while (query[at] === '?') at += 1;
    let end = at;
    while (end < query.length && NAME_SIGN.test(query[end]!)) end += 1;
    if (query[end] === '=' || begin === 1) {
      joined += begin === 1 ? '' : `${query.slice(from, begin)}&`;
      from = at;
    }
    at = Math.max(at, end);
  }
  return joined + query.slice(from);
}

/** A sign of the name of a parameter, escaped or not. */
const NAME_SIGN = /[\w.:[\]%-]/;

/** The query without its `?`; empty without a query. */
export function queryOf(target: string): string {
  const queryAt = target.indexOf('?');
  return queryAt < 0 ? '' : target.slice(queryAt + 1);
}
