/**
 * The HTTP side of `dyndns setup`: the page at `/ui/`, and the steps at `/v1/setup` as JSON with problem documents. Which
 * hosts and web sites may send a request is decided before anything of it is read, and everything but the page and the
 * exchange of the link needs the session.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sourceKey } from '../core/access/rate-limits.ts';
import { AppError } from '../core/errors.ts';
import { cookieOf, cookieText } from '../http/api/cookies.ts';
import { checkHost, checkOrigin, checkOwnPage, isReading } from '../http/api/origin-rules.ts';
import { PROBLEM_TYPE, problemOf } from '../http/api/problem.ts';
import { callerOf } from '../http/app/caller.ts';
import { discardRest, endsConnection, jsonObjectIn } from '../http/request/limited-body.ts';
import type { SetupAccess } from './access.ts';
import type { Wizard } from './wizard.ts';

/** Serves the page: `/ui/` and everything below it. */
export type ServePage = (request: IncomingMessage, response: ServerResponse) => void;

export interface SetupDoorOptions {
  readonly wizard: Wizard;
  readonly access: SetupAccess;
  readonly servePage: ServePage;
  /** The origin that browsers use; undefined: only names of this machine are served. */
  readonly url: string | undefined;
  readonly nextRequestId: () => string;
  /** Called with an unexpected error. */
  readonly onFault: (error: unknown) => void;
}

const MAX_BODY = 64 * 1024;
const NO_PROXIES = { trustedProxies: [], clientAddressHeader: 'x-forwarded-for' };

type Body = Readonly<Record<string, unknown>>;
type Step = (wizard: Wizard, body: Body) => object | Promise<object>;

const STEPS: Readonly<Record<string, Step>> = {
  'GET /v1/setup': (wizard) => wizard.state(),
  'PUT /v1/setup/administrator': (wizard, body) => wizard.setAdministrator(body),
  'PUT /v1/setup/zone': (wizard, body) => wizard.setZone(body),
  'POST /v1/setup/key': (wizard, body) => wizard.newKey(body),
  'PUT /v1/setup/listen': (wizard, body) => wizard.setListen(body),
  'POST /v1/setup/checks': (wizard) => wizard.check(),
  'POST /v1/setup/preview': (wizard) => wizard.preview(),
  'POST /v1/setup/finish': (wizard) => wizard.finish(),
};

export class SetupDoor {
  readonly #options: SetupDoorOptions;

  constructor(options: SetupDoorOptions) {
    this.#options = options;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { nextRequestId, url, servePage, onFault } = this.#options;
    const requestId = nextRequestId();
    const path = request.url?.split('?', 1)[0] ?? '/';
    try {
      checkHost(request.headers, url);
      if (path === '/' && isReading(request)) {
        response.writeHead(302, { Location: './ui/', 'Cache-Control': 'no-store', 'Content-Length': 0 });
        response.end();
        return;
      }
      if (path === '/ui' || path.startsWith('/ui/')) {
        servePage(request, response);
        return;
      }
      checkOrigin(request.headers, url);
      if (!isReading(request)) checkOwnPage(request.headers, url);
      await this.#answerApi(request, response, `${request.method} ${path}`);
    } catch (cause) {
      const error = cause instanceof AppError ? cause : new AppError('internal', 'internal error', { cause });
      if (error.code === 'internal') onFault(cause);
      if (endsConnection(request)) {
        await discardRest(request);
        response.shouldKeepAlive = false;
      }
      const { status, headers, body } = problemOf(error, requestId);
      send(response, status, `${PROBLEM_TYPE}; charset=utf-8`, body, { ...headers, 'X-Request-Id': requestId });
    }
  }

  async #answerApi(request: IncomingMessage, response: ServerResponse, route: string): Promise<void> {
    const { wizard, access, url } = this.#options;
    const source = sourceOf(request);
    const session = cookieOf('setup', request.headers, url);
    if (route === 'GET /v1/sign-in') {
      const signedIn = session !== undefined && (await isValid(access.check(session, source)));
      sendJson(response, { ways: [], hasUsers: false, setup: true, signedIn });
      return;
    }
    if (route === 'POST /v1/setup/session') {
      const { link } = await jsonObjectIn(request, MAX_BODY);
      const secret = await access.signIn(typeof link === 'string' ? link : '', source);
      response.setHeader('Set-Cookie', cookieText('setup', secret, undefined, url));
      sendJson(response, { state: 'signed-in' });
      return;
    }
    await access.check(session, source);
    // The person with the link has no account: there are no users yet.
    if (route === 'GET /v1/me') throw new AppError('not-authenticated', 'The setup has no users.');
    const step = STEPS[route];
    if (step === undefined) throw new AppError('name-invalid', `The setup has no ${route.slice(0, 100)}.`);
    const body = isReading(request) ? {} : await jsonObjectIn(request, MAX_BODY);
    sendJson(response, await step(wizard, body));
  }
}

/** @throws AppError too-many-guesses */
async function isValid(check: Promise<void>): Promise<boolean> {
  try {
    await check;
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'not-authenticated') return false;
    throw error;
  }
}

function sourceOf(request: IncomingMessage): string {
  const { address } = callerOf(request.socket, request.headers, NO_PROXIES);
  return address === undefined ? 'unknown' : sourceKey(address);
}

function sendJson(response: ServerResponse, value: object): void {
  send(response, 200, 'application/json; charset=utf-8', `${JSON.stringify(value)}\n`, {});
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: Readonly<Record<string, string>>,
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    ...headers,
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}
