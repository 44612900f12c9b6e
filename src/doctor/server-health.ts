/**
 * Asks a running server whether it is ready: over its control socket, else at the listeners of HTTP (`/readyz`). The first
 * one that answers decides. It sends no secret, so certificates are not verified: they name the public host, not loopback.
 */
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { formatListenAddress, type ListenAddress } from '../config/config.ts';
import { OPERATIONS, type Result } from '../core/admin/operations.ts';
import { reachableHost } from './connect.ts';

/** Where a server may answer, from its configuration. */
export interface ServerPlaces {
  /** Path of the control socket. */
  readonly control?: string;
  /** The listeners that serve `/readyz`, in the order in which they are asked. */
  readonly listeners: readonly ListenAddress[];
}

export type ServerHealth =
  | { readonly kind: 'ready' }
  | { readonly kind: 'not ready'; readonly parts: readonly string[] }
  /** One clause for each place that was asked. */
  | { readonly kind: 'no answer'; readonly reasons: readonly string[] };

interface Reply {
  readonly status: number;
  readonly text: string;
}

/** @param signal ends the question; the place that was asked then counts as silent */
export async function askHealth({ control, listeners }: ServerPlaces, signal: AbortSignal): Promise<ServerHealth> {
  const reasons: string[] = [];
  const attempts: (readonly [place: string, ask: () => Promise<ServerHealth>])[] = [
    ...(control === undefined ? [] : [[`the control socket '${control}'`, () => askControl(control, signal)] as const]),
    ...listeners.filter(isReachable).map((address) => {
      return [`'${formatListenAddress(address)}'`, () => askListener(address, signal)] as const;
    }),
  ];
  for (const [place, ask] of attempts) {
    try {
      return await ask();
    } catch (error) {
      reasons.push(`${place}: ${reasonOf(error)}`);
    }
  }
  return { kind: 'no answer', reasons };
}

/** A free port is known to the server alone, and a listener behind a proxy refuses other connections. */
function isReachable(address: ListenAddress): boolean {
  return address.proxyProtocol !== true && (address.kind === 'unix' || address.port !== 0);
}

async function askControl(socketPath: string, signal: AbortSignal): Promise<ServerHealth> {
  const { path } = OPERATIONS.health;
  const { status, text } = await get(httpRequest, { socketPath, path, signal });
  if (status !== 200) throw new Error(`it answers with status ${status}`);
  const { notReady } = JSON.parse(text) as Result<'health'>;
  return notReady.length === 0 ? { kind: 'ready' } : { kind: 'not ready', parts: notReady };
}

async function askListener(address: ListenAddress, signal: AbortSignal): Promise<ServerHealth> {
  const path = '/readyz';
  const { status, text } =
    address.kind === 'unix'
      ? await get(httpRequest, { socketPath: address.path, path, signal })
      : await get(address.tls ? httpsRequest : httpRequest, {
          host: reachableHost(address.host),
          port: address.port,
          path,
          signal,
          ...(address.tls && { rejectUnauthorized: false }),
        });
  if (status === 200 && text === 'ready\n') return { kind: 'ready' };
  // Like `not ready: dns, store (connection refused)`.
  const parts = /^not ready: ([^\n]+)\n$/.exec(text)?.[1]?.match(/\w+(?: \([^)]*\))?/g);
  if (!parts) throw new Error(`it answers '/readyz' with status ${status} and is not dyndns`);
  return { kind: 'not ready', parts };
}

function get(request: typeof httpRequest, options: RequestOptions): Promise<Reply> {
  return new Promise((resolve, reject) => {
    request({ ...options, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.once('error', reject);
    })
      .once('error', reject)
      .end();
  });
}

function reasonOf(error: unknown): string {
  const { name, code, message } = error as NodeJS.ErrnoException;
  if (name === 'AbortError' || name === 'TimeoutError') return 'it does not answer in time';
  const reasons: Partial<Record<string, string>> = {
    ENOENT: 'there is no such socket',
    ECONNREFUSED: 'the connection is refused',
    EACCES: 'this user may not open it',
  };
  return reasons[code ?? ''] ?? message;
}
