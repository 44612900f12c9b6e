/**
 * Calls operations of the HTTP API. Their names are method and path, as in docs/api: `call('GET /v1/hosts/{host}', { host })`. The
 * fields of the path, the query and the body are given together; types come from api-types.ts.
 */
import type { Operations, ProblemView } from './api-types.ts';
import type { SetupOperations } from './setup-types.ts';

export type AllOperations = Operations & SetupOperations;
export type OperationKey = keyof AllOperations & string;
export type Input<Key extends OperationKey> = AllOperations[Key]['input'];
export type Result<Key extends OperationKey> = AllOperations[Key]['result'];

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** The entity tag that the object must have still: otherwise the call fails with status 412. */
  readonly ifMatch?: string | undefined;
  /** In place of JSON: a zone file. The other fields are in the query then. */
  readonly text?: string | undefined;
}

export interface Reply<Key extends OperationKey> {
  readonly result: Result<Key>;
  /** The entity tag, without its quotes. */
  readonly tag: string | undefined;
}

/** A request that failed: a problem document of the server (RFC 9457), or no reply at all (`status` 0). */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly document: Partial<ProblemView>;

  constructor(status: number, document: Partial<ProblemView>) {
    super(document.detail ?? document.title ?? `status ${status}`);
    this.status = status;
    this.code = document.code ?? (status === 0 ? 'no-reply' : 'unknown');
    this.document = document;
  }
}

/** @throws Problem; where the session has ended, the sign-in screen appears, too */
export async function call<Key extends OperationKey>(
  key: Key,
  input: Input<Key>,
  options: CallOptions = {},
): Promise<Result<Key>> {
  return (await send(key, input, options)).result;
}

/** As `call`, with the entity tag of the result. @throws Problem */
export async function send<Key extends OperationKey>(
  key: Key,
  input: Input<Key>,
  { signal, ifMatch, text }: CallOptions = {},
): Promise<Reply<Key>> {
  const [method = 'GET', pattern = ''] = key.split(' ');
  const fields: Record<string, unknown> = { ...input };
  const path = pattern.replace(/\{(\w+)\}/g, (_match, name: string) => {
    const value = String(fields[name] ?? '');
    delete fields[name];
    return encodeURIComponent(value);
  });
  const isQuery = method === 'GET' || method === 'DELETE' || text !== undefined;
  const body = text ?? (isQuery ? undefined : JSON.stringify(fields));
  const response = await fetchOrFail(apiUrl(path, isQuery ? fields : {}), {
    method,
    credentials: 'same-origin',
    headers: {
      Accept: 'application/json, application/problem+json, text/dns',
      ...(body !== undefined && { 'Content-Type': text === undefined ? 'application/json' : 'text/dns' }),
      ...(ifMatch !== undefined && { 'If-Match': `"${ifMatch}"` }),
    },
    ...(body !== undefined && { body }),
    ...(signal !== undefined && { signal }),
  });
  const type = response.headers.get('Content-Type') ?? '';
  if (!response.ok) throw await problemOf(response, type, pattern);
  const result = type.includes('json') ? await response.json() : await response.text();
  const tag = response.headers.get('ETag')?.replace(/^(?:W\/)?"(.*)"$/, '$1');
  return { result: result as Result<Key>, tag };
}

/** The URL of a path of the API: relative to the page, so that a prefix of a proxy stays. */
export function apiUrl(path: string, query: Readonly<Record<string, unknown>> = {}): string {
  const url = new URL(`..${path}`, document.baseURI);
  url.hash = '';
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '') continue;
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one));
  }
  return url.href;
}

async function fetchOrFail(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0, {});
  }
}

let signedOut: () => void = () => undefined;

/** @param callback called when a reply says that there is no session */
export function whenSignedOut(callback: () => void): void {
  signedOut = callback;
}

/** Their 401 is about what was sent with them. */
const WITHOUT_SESSION = /^\/v1\/(?:sign-in|invitations:|setup\/session)/;

async function problemOf(response: Response, type: string, pattern: string): Promise<Problem> {
  const document = type.includes('json') ? ((await response.json().catch(() => ({}))) as Partial<ProblemView>) : {};
  if (response.status === 401 && !WITHOUT_SESSION.test(pattern)) signedOut();
  return new Problem(response.status, document);
}

export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
