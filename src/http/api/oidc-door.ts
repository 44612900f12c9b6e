/**
 * Signing in by an OpenID provider (OpenID Connect Core 1.0, authorization code with PKCE, RFC 7636). The browser goes to the provider
 * and comes back with a code, which the server exchanges. What belongs together is in a cookie of ten minutes: `SameSite=Lax`, because
 * the way back begins at another site. There is no parameter that says where to go afterwards: it is always the page.
 * Loaded only with `admin.oidc`, and openid-client at the first sign-in.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type * as OpenId from 'openid-client';
import type { AdminCaller, Browser } from '../../core/admin/caller.ts';
import { AppError } from '../../core/errors.ts';
import type { Observer } from '../../core/observer.ts';
import type { IpAddress } from '../../dns/address.ts';
import type { Door } from '../app/app.ts';
import { callerOf } from '../app/caller.ts';
import type { ProxyTrust } from '../app/client-address.ts';
import { browserOf, cookieOf, cookieText } from './cookies.ts';
import { checkHost } from './origin-rules.ts';

export interface OidcOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** A path of property names, with dots. */
  readonly groupsClaim: string;
}

/** Who the provider says that a browser is. */
export interface OidcAccount {
  readonly issuer: string;
  readonly subject: string;
  /** What the provider calls the user, if it says so. */
  readonly name: string | undefined;
  readonly groups: readonly string[];
}

export interface OidcDoorOptions {
  readonly oidc: () => OidcOptions;
  /** `admin.url`. */
  readonly url: () => string;
  readonly trust: () => ProxyTrust;
  readonly observer: Observer;
  /** Begins a session. @throws AppError not-permitted (the account has no group here), store-unreachable */
  readonly signIn: (account: OidcAccount, caller: AdminCaller, browser: Browser) => Promise<void>;
}

const START = '/ui/oidc/start';
const CALLBACK = '/ui/oidc/callback';
const FLOW_SECONDS = 600;
const TIMEOUT_SECONDS = 10;

/** What the two requests of one sign-in share. */
interface Flow {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export function oidcDoor(options: OidcDoorOptions): Door {
  const { observer, url, trust } = options;
  const flows = new OidcFlows(options);
  const answer = async (request: IncomingMessage, response: ServerResponse, run: () => Promise<string>) => {
    let location: string;
    try {
      checkHost(request.headers, url());
      location = await run();
    } catch (error) {
      const isExpected = error instanceof AppError && error.code !== 'internal';
      observer.warn(`A sign-in by OpenID failed: ${describe(error)}`);
      location = `../#sign-in-failed=${isExpected ? error.code : 'provider'}`;
    }
    response.writeHead(302, {
      Location: location,
      'Content-Length': 0,
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
    });
    response.end();
  };
  return {
    addRoutes(app: FastifyInstance) {
      app.get(START, (request, reply) => {
        reply.hijack();
        void answer(request.raw, reply.raw, () => flows.begin(reply.raw));
      });
      app.get(CALLBACK, (request, reply) => {
        reply.hijack();
        const { raw } = request;
        const { address } = callerOf(raw.socket, raw.headers, trust());
        void answer(raw, reply.raw, () => flows.end(raw, reply.raw, address));
      });
    },
  };
}

class OidcFlows {
  readonly #options: OidcDoorOptions;
  #provider: Promise<Provider> | undefined;

  constructor(options: OidcDoorOptions) {
    this.#options = options;
  }

  /** @returns the URL of the provider */
  async begin(response: ServerResponse): Promise<string> {
    const { client, configuration } = await this.#discover();
    const flow: Flow = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
    };
    const target = client.buildAuthorizationUrl(configuration, {
      redirect_uri: `${this.#options.url()}${CALLBACK}`,
      scope: 'openid profile groups',
      code_challenge: await client.calculatePKCECodeChallenge(flow.verifier),
      code_challenge_method: 'S256',
      state: flow.state,
      nonce: flow.nonce,
    });
    const text = Buffer.from(JSON.stringify(flow)).toString('base64url');
    response.appendHeader('Set-Cookie', cookieText('oidc', text, FLOW_SECONDS, this.#options.url()));
    return target.href;
  }

  /** @returns where the browser goes: the page */
  async end(request: IncomingMessage, response: ServerResponse, source: IpAddress | undefined): Promise<string> {
    const { oidc, url, signIn } = this.#options;
    response.appendHeader('Set-Cookie', cookieText('oidc', '', 0, url()));
    const flow = readFlow(cookieOf('oidc', request.headers, url()));
    if (flow === undefined) throw new AppError('not-authenticated', 'The browser has no sign-in that it began here.');
    const { client, configuration } = await this.#discover();
    const tokens = await client.authorizationCodeGrant(configuration, new URL(request.url ?? '', url()), {
      pkceCodeVerifier: flow.verifier,
      expectedState: flow.state,
      expectedNonce: flow.nonce,
      idTokenExpected: true,
    });
    const claims = tokens.claims()!;
    let groups = groupsIn(claims, oidc().groupsClaim);
    let name = textIn(claims, 'preferred_username');
    if (groups === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined) {
      const more = await client.fetchUserInfo(configuration, tokens.access_token, claims.sub);
      groups = groupsIn(more, oidc().groupsClaim);
      name ??= textIn(more, 'preferred_username');
    }
    const account = { issuer: claims.iss, subject: claims.sub, name, groups: groups ?? [] };
    const userAgent = request.headers['user-agent'] ?? '';
    const browser = browserOf(request.headers, response, url());
    await signIn(account, { kind: 'anonymous', source, userAgent }, browser);
    return '../';
  }

  #discover(): Promise<Provider> {
    this.#provider ??= discover(this.#options.oidc()).catch((error: unknown) => {
      // The next sign-in tries again.
      this.#provider = undefined;
      throw error;
    });
    return this.#provider;
  }
}

interface Provider {
  readonly client: typeof OpenId;
  readonly configuration: OpenId.Configuration;
}

async function discover({ issuer, clientId, clientSecret }: OidcOptions): Promise<Provider> {
  const client = await import('openid-client');
  const isPlain = issuer.startsWith('http:');
  const configuration = await client.discovery(new URL(issuer), clientId, clientSecret, undefined, {
    timeout: TIMEOUT_SECONDS,
    ...(isPlain && { execute: [client.allowInsecureRequests] }),
  });
  return { client, configuration };
}

function readFlow(text: string | undefined): Flow | undefined {
  try {
    const flow = JSON.parse(Buffer.from(text ?? '', 'base64url').toString()) as Partial<Flow>;
    const { state, nonce, verifier } = flow;
    const isFlow = [state, nonce, verifier].every((part) => typeof part === 'string' && part.length >= 32);
    return isFlow ? (flow as Flow) : undefined;
  } catch {
    return undefined;
  }
}

/** A text, a list, or an object with the groups as its keys; undefined: the claim is not there. */
export function groupsIn(claims: object, path: string): readonly string[] | undefined {
  const value = valueAt(claims, path);
  if (typeof value === 'string') return value.split(/[\s,]+/).filter((group) => group !== '');
  if (Array.isArray(value)) return value.filter((group) => typeof group === 'string');
  return typeof value === 'object' && value !== null ? Object.keys(value) : undefined;
}

/** The claim of this whole name, or what the dots lead to. */
function valueAt(claims: object, path: string): unknown {
  if (Object.hasOwn(claims, path)) return Reflect.get(claims, path);
  let value: unknown = claims;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}

function textIn(claims: object, name: string): string | undefined {
  const value: unknown = Reflect.get(claims, name);
  return typeof value === 'string' ? value : undefined;
}

/** Without codes and tokens, which errors of the client may have as their cause. */
function describe(error: unknown): string {
  if (error instanceof AppError) return error.logText;
  if (!(error instanceof Error)) return 'unknown error';
  const { code, error: oauth } = error as { code?: unknown; error?: unknown };
  return [error.message, code, oauth].filter((part) => typeof part === 'string').join(', ');
}
