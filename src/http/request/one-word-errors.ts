/**
 * The error replies of DuckDNS and freemyip: one word for every error. Their clients do not read the status, so a refusal
 * has 200, too. An error that the client cannot repair has 503, because the clients that do read it then retry. A body that
 * is not valid JSON, and a request that a browser sends for another web site, come from no such client: 400 and 403.
 */
import type { ErrorCode } from '../../core/errors.ts';

type Status = 200 | 400 | 403 | 503;

const STATUSES = {
  'request-malformed': 200,
  'body-malformed': 400,
  'cross-site': 403,
  'name-invalid': 200,
  'address-invalid': 200,
  'not-authenticated': 200,
  'too-many-guesses': 503,
  'not-permitted': 200,
  'quota-exceeded': 200,
  'host-disabled': 200,
  'address-refused': 200,
  'rate-limited': 503,
  'caller-unknown': 503,
  conflict: 200,
  contended: 503,
  'primary-refused': 503,
  'primary-key-rejected': 503,
  'primary-unreachable': 503,
  'publish-unknown': 503,
  'store-unreachable': 503,
  'check-failed': 503,
  internal: 503,
} as const satisfies Record<ErrorCode, Status>;

/** Status and word of each error. */
export type OneWordErrors = Readonly<Record<ErrorCode, readonly [Status, string]>>;

export function oneWordErrors(word: string): OneWordErrors {
  const rows = Object.entries(STATUSES).map(([code, status]) => [code, [status, word]] as const);
  return Object.fromEntries(rows) as unknown as OneWordErrors;
}
