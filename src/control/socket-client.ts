/** The admin calls of a running server, over its control socket (src/control/socket-server.ts has the other end). */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ZoneAdmin, ZoneImportOptions } from '../core/admin/zone-admin.ts';
import { AppError, ERROR_CODES, type ErrorCode } from '../core/errors.ts';
import type { DomainName } from '../dns/name.ts';
import type { ServerCalls, ServerStatus, UpdateCall } from './calls.ts';
import type { ClientCalls } from './client-calls.ts';

/** The control socket cannot be used; the text says why. */
export class ControlError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ControlError';
  }
}

/** The server behind a control socket; undefined where none listens. @throws ControlError if this user may not ask it */
export async function findServer(path: string): Promise<SocketCalls | undefined> {
  const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.once('error', resolve);
  });
  if (failure === undefined) return new SocketCalls(path);
  if (failure.code !== 'EACCES' && failure.code !== 'EPERM') return undefined;
  throw new ControlError(
    `The control socket '${path}' is open to the server's own user only. Run the command as that user: sudo -u dyndns dyndns …`,
    { cause: failure },
  );
}

type Method = 'GET' | 'POST';
type Body = object | AsyncIterable<string>;

class SocketCalls implements ServerCalls {
  readonly #path: string;
  readonly zoneAdmin: ZoneAdmin;
  readonly clients: ClientCalls;

  constructor(path: string) {
    this.#path = path;
    this.zoneAdmin = {
      zones: async () =>
        (await this.#json<{ zones: Awaited<ReturnType<ZoneAdmin['zones']>> }>('GET', '/v1/zones')).zones,
      exportZone: (apex) => this.#file(`/v1/zones/${segment(apex)}/file`),
      importZone: (apex, text, options) =>
        this.#json('POST', `/v1/zones/${segment(apex)}/import?${importQuery(options)}`, text),
      setSerial: (apex, serial) => this.#json('POST', `/v1/zones/${segment(apex)}/serial`, { serial }),
      backup: (file) => this.#json('POST', '/v1/backup', { file }),
    };
    this.clients = this.#clientCalls();
  }

  #clientCalls(): ClientCalls {
    const post = <T>(path: string, body: object) => this.#json<T>('POST', path, body);
    const get = <T>(path: string, query: Record<string, string> = {}) =>
      this.#json<T>('GET', `${path}?${new URLSearchParams(query)}`);
    return {
      tokens: async () => (await get<{ tokens: Awaited<ReturnType<ClientCalls['tokens']>> }>('/v1/tokens')).tokens,
      createToken: (call) => post('/v1/tokens/create', call),
      revokeToken: (name) => post('/v1/tokens/revoke', { name }),
      rotateToken: (name, freednsUser) => post('/v1/tokens/rotate', { name, freednsUser }),
      hosts: async () => (await get<{ hosts: Awaited<ReturnType<ClientCalls['hosts']>> }>('/v1/hosts')).hosts,
      host: (host) => get('/v1/hosts/show', { host }),
      addHost: (call) => post('/v1/hosts/add', call),
      enableHost: (host, enabled) => post(`/v1/hosts/${enabled ? 'enable' : 'disable'}`, { host }),
      removeHost: (host) => post('/v1/hosts/remove', { host }),
      members: (host) => get('/v1/hosts/members', { host }),
      addMember: (call) => post('/v1/hosts/members/add', call),
      removeMember: (host, member) => post('/v1/hosts/members/remove', { host, member }),
      history: (host, limit, before) =>
        get('/v1/history', { host, limit: String(limit), ...(before !== undefined && { before }) }),
      historyAt: (host, time) => get('/v1/history/at', { host, time }),
      purgeHistory: (host) => post('/v1/history/purge', { host }),
      pending: async () => {
        const { pending, pendingProblem } = await this.status();
        if (pending !== undefined) return pending;
        throw new AppError('store-unreachable', pendingProblem ?? 'The server does not tell what is pending.');
      },
    };
  }

  status(): Promise<ServerStatus> {
    return this.#json('GET', '/v1/status');
  }

  reload(): ReturnType<ServerCalls['reload']> {
    return this.#json('POST', '/v1/reload');
  }

  update(call: UpdateCall): ReturnType<ServerCalls['update']> {
    return this.#json('POST', '/v1/update', call);
  }

  delete(call: { readonly fqdn: string }): ReturnType<ServerCalls['delete']> {
    return this.#json('POST', '/v1/delete', call);
  }

  check(): ReturnType<ServerCalls['check']> {
    return this.#json('POST', '/v1/check');
  }

  async #json<T>(method: Method, path: string, body?: Body): Promise<T> {
    const text = await readText(await this.#ask(method, path, body));
    return JSON.parse(text) as T;
  }

  async *#file(path: string): AsyncGenerator<string, void, undefined> {
    try {
      yield* (await this.#ask('GET', path)).setEncoding('utf8');
    } catch (cause) {
      throw cause instanceof AppError ? cause : this.#lost(cause);
    }
  }

  /** @throws AppError as the server tells it, ControlError if the connection ends */
  async #ask(method: Method, path: string, body?: Body): Promise<IncomingMessage> {
    const request = httpRequest({ socketPath: this.#path, method, path, agent: false });
    const replied = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject);
    });
    // Sending may fail because of an answer that came early: then the answer counts.
    replied.catch(() => undefined);
    if (body !== undefined && Symbol.asyncIterator in body) {
      let wrong: unknown;
      const pieces = rememberError(body, (error) => {
        wrong = error;
      });
      await pipeline(Readable.from(pieces), request).catch(() => undefined);
      if (wrong !== undefined) throw wrong;
    } else request.end(body && JSON.stringify(body));
    const response = await replied.catch((cause: unknown) => Promise.reject(this.#lost(cause)));
    if (response.statusCode === 200) return response;
    throw errorOf(await readText(response));
  }

  #lost(cause: unknown): ControlError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new ControlError(
      `The server at the control socket '${this.#path}' ended the connection (${reason}): see its log.`,
      { cause },
    );
  }
}

async function* rememberError(pieces: AsyncIterable<string>, note: (error: unknown) => void): AsyncGenerator<string> {
  try {
    yield* pieces;
  } catch (error) {
    note(error);
    throw error;
  }
}

function segment(apex: DomainName): string {
  return encodeURIComponent(apex.toString());
}

function importQuery({ replace, dryRun }: ZoneImportOptions): string {
  return `mode=${replace ? 'replace' : 'merge'}&dry_run=${dryRun ? 1 : 0}`;
}

async function readText(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of message.setEncoding('utf8')) text += piece;
  return text;
}

function errorOf(text: string): AppError {
  const { code, message, retryAfterSeconds } = JSON.parse(text) as Record<string, unknown>;
  const known = typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'internal';
  return new AppError(known, String(message), {
    ...(typeof retryAfterSeconds === 'number' && { retryAfterSeconds }),
  });
}
