/**
 * Monitoring: `/healthz` (the process answers), `/readyz` (its zones, its nameserver and its store work) and `/metrics`
 * (requires the master secret, unless metrics have a listener of their own: app/metrics-listener.ts).
 */
import type { Principal } from '../../core/access/principal.ts';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { Monitoring } from '../../core/monitoring.ts';
import { errorText } from '../../core/updates/original-lines.ts';
import { authenticateRequest } from '../request/authentication.ts';
import { findCandidates } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Route, Services } from '../request/door.ts';
import { errorReply } from '../request/error-reply.ts';

const STATUS = {
  'request-malformed': 400,
  'body-malformed': 400,
  'cross-site': 403,
  'name-invalid': 400,
  'address-invalid': 400,
  'not-authenticated': 401,
  'too-many-guesses': 503,
  'not-permitted': 403,
  'quota-exceeded': 403,
  'host-disabled': 403,
  'address-refused': 403,
  'rate-limited': 503,
  'caller-unknown': 503,
  conflict: 409,
  contended: 503,
  'primary-refused': 502,
  'primary-key-rejected': 502,
  'primary-unreachable': 502,
  'publish-unknown': 502,
  'store-unreachable': 503,
  'check-failed': 500,
  internal: 500,
} as const satisfies Record<ErrorCode, number>;

/** The process is alive, and its event loop is not blocked. */
export function healthReply(): DoorReply {
  return { status: 200, body: 'ok\n', outcome: 'info', detail: 'alive' };
}

export async function readyReply(monitoring: Monitoring): Promise<DoorReply> {
  const broken = await monitoring.notReady();
  if (broken.length === 0) return { status: 200, body: 'ready\n', outcome: 'info', detail: 'ready' };
  const detail = `not ready: ${broken.join(', ')}`;
  return { status: 503, body: `${detail}\n`, headers: { 'Retry-After': '1' }, outcome: 'failed', detail };
}

export async function metricsReply(monitoring: Monitoring): Promise<DoorReply> {
  return { status: 200, ...(await monitoring.metrics()), outcome: 'info', detail: 'metrics' };
}

async function guardedMetrics(request: DoorRequest, services: Services): Promise<DoorReply> {
  const { monitoring } = services;
  if (monitoring.isApart) return { status: 404, body: 'ERROR: Not found.\n', outcome: 'failed', detail: 'Not found.' };
  // Only in a header: proxies log URLs.
  await authenticateRequest(request, services, findCandidates(request.headers, undefined), isMaster, needsMaster);
  return metricsReply(monitoring);
}

const isMaster = ({ kind }: Principal) => kind === 'master';
const needsMaster = () => new AppError('not-permitted', 'Metrics require the master secret.');

const route = (pattern: string, handle: Route['handle']): Route => ({ methods: ['GET'], safe: true, pattern, handle });

export const healthProtocol: Protocol = {
  name: 'health',
  routes: [
    route('/healthz', healthReply),
    route('/readyz', (_request, { monitoring }) => readyReply(monitoring)),
    route('/metrics', guardedMetrics),
  ],
  formatError: (error, requestId) => errorReply(error, STATUS[error.code], `ERROR: ${errorText(error, requestId)}\n`),
};
