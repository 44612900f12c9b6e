/** A server with the HTTP API, an embedded zone and users of each kind, for tests of the API. */
import { join } from 'node:path';
import { requestOf } from '../../src/core/admin/operation-routes.ts';
import type { Input, OperationName, Result } from '../../src/core/admin/operations.ts';
import { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from './embedded-server.ts';
import { type Answer, type AskOptions, ask, type HttpPlace } from './http-client.ts';

export const API_ZONE = 'dyn.example.com';

export interface ApiLab {
  readonly server: EmbeddedServer;
  /** The control socket: the operator. */
  readonly control: HttpPlace;
  /** Calls an operation as the operator. Throws where it fails. */
  operate<Name extends OperationName>(name: Name, input: Input<Name>, body?: string): Promise<Result<Name>>;
  /** Sends an operation by HTTP. @param key undefined: without a credential */
  send(name: OperationName, input: object, key: string | undefined, options?: AskOptions): Promise<Answer>;
  /** Signs a user in by a one-time link. @returns headers of a page that is signed in */
  signIn(name: string): Promise<Readonly<Record<string, string>>>;
  /** Headers of a browser that shows a page of this server. */
  readonly page: Readonly<Record<string, string>>;
  /** A user with a key. @returns the key */
  user(name: string, role?: 'admin' | 'member'): Promise<string>;
  stop(): Promise<void>;
}

export async function startApiLab(options: Partial<EmbeddedOptions> = {}): Promise<ApiLab> {
  const server = await startEmbedded({
    zone: API_ZONE,
    ...options,
    zoneOptions: { members: { claim: true }, ...options.zoneOptions },
    config: { store: 'sqlite:dyndns.db', admin: { enabled: true }, ...options.config },
  });
  const control = { socketPath: join(server.dyndns.directory, 'control.sock') };
  const http = { port: server.dyndns.port };
  const page = { Origin: `http://127.0.0.1:${http.port}`, 'Sec-Fetch-Site': 'same-origin' };
  const lab: ApiLab = {
    server,
    page,
    async signIn(name) {
      const { url } = await lab.operate('createLink', { user: name });
      const answer = await lab.send('signIn', { link: linkSecret(url) }, undefined, { headers: page });
      if (answer.status !== 200) throw new Error(`signIn: ${answer.status} ${answer.body}`);
      return { ...page, Cookie: cookiesOf(answer) };
    },
    control,
    operate: (name, input, body) => operate(control, name, input, body),
    send: (name, input, key, more) => sendOperation(http, name, input, key, more),
    async user(name, role = 'member') {
      await lab.operate('createUser', { name, role });
      return (await lab.operate('createKey', { user: name, name: 'test' })).secret;
    },
    stop: () => server.stop(),
  };
  return lab;
}

/** Calls an operation over a control socket. Throws where it fails. */
export async function operate<Name extends OperationName>(
  place: HttpPlace,
  name: Name,
  input: Input<Name>,
  body?: string,
): Promise<Result<Name>> {
  const answer = await sendOperation(place, name, input, undefined, body === undefined ? {} : { body });
  if (answer.status >= 300) throw new Error(`${name}: ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body) as Result<Name>;
}

export function sendOperation(
  place: HttpPlace,
  name: OperationName,
  input: object,
  key: string | undefined,
  { headers, ...more }: AskOptions = {},
): Promise<Answer> {
  const { method, target, json } = requestOf(name, input);
  return ask(place, target, {
    method,
    headers: { ...(key !== undefined && { Authorization: `Bearer ${key}` }), ...headers },
    ...(json !== undefined && { body: JSON.stringify(json) }),
    ...more,
  });
}

/** The secret in the fragment of a link. */
export function linkSecret(url: string): string {
  return url.slice(url.lastIndexOf('=') + 1);
}

/** What the reply sets, as a browser sends it back. */
export function cookiesOf({ headers }: Answer): string {
  const pairs = (headers['set-cookie'] ?? []).map((cookie) => cookie.split(';', 1)[0]!);
  return pairs.join('; ');
}
