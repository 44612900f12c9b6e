/** Sends operations as HTTP requests, to the control socket of a server or to its HTTP API, and reads the replies. */
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type OperationRequest, requestOf } from '../core/admin/operation-routes.ts';
import { type Input, OPERATIONS, type OperationName, type Operations, type Result } from '../core/admin/operations.ts';
import { AppError, ERROR_CODES, type ErrorCode, type FieldError, InputError } from '../core/errors.ts';

/** Of a reply that is JSON, in octets: a batch of 10,000 tokens has about five million. */
const MAX_REPLY = 64 * 1024 * 1024;

export interface Transport {
  request(options: Pick<RequestOptions, 'method' | 'path' | 'headers'>): ClientRequest;
  /** The error for a connection that failed, before or after the request was sent. */
  connectionLost(cause: unknown): Error;
  /** The error for a reply that is not one of the server's own; undefined: it may be one. */
  refuseReply?(response: IncomingMessage): Error | undefined;
}

export class OperationClient implements Operations {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** @throws AppError as the server reports it, the errors of the transport, and what reading the body throws */
  async call<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    body?: AsyncIterable<string>,
  ): Promise<Result<Name>> {
    const response = await this.#send(requestOf(name, input), body);
    if (OPERATIONS[name].result === 'zone file') return this.#pieces(response) as Result<Name>;
    return (await this.#readJson(response)) as Result<Name>;
  }

  async *#pieces(response: IncomingMessage): AsyncGenerator<string, void, undefined> {
    try {
      yield* response.setEncoding('utf8');
    } catch (cause) {
      throw this.#transport.connectionLost(cause);
    }
  }

  async #send({ method, target, json }: OperationRequest, body?: AsyncIterable<string>): Promise<IncomingMessage> {
    const text = body === undefined && json !== undefined ? JSON.stringify(json) : undefined;
    const headers = {
      ...(text !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
      ...(body !== undefined && { 'Content-Type': 'text/dns' }),
    };
    const request = this.#transport.request({ method, path: target, headers });
    const replied = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject);
    });
    // Sending may fail because the reply came early: then the reply is what matters.
    replied.catch(() => undefined);
    if (body === undefined) request.end(text);
    else {
      let readError: unknown;
      const pieces = rememberError(body, (error) => {
        readError = error;
      });
      await pipeline(Readable.from(pieces), request).catch(() => undefined);
      if (readError !== undefined) throw readError;
    }
    const response = await replied.catch((cause: unknown) => Promise.reject(this.#transport.connectionLost(cause)));
    const refusal = this.#transport.refuseReply?.(response);
    if (refusal !== undefined) {
      response.destroy();
      throw refusal;
    }
    if (response.statusCode === 200 || response.statusCode === 201) return response;
    throw errorOf(await this.#readJson(response));
  }

  async #readJson(response: IncomingMessage): Promise<object> {
    const pieces: Buffer[] = [];
    let octets = 0;
    try {
      for await (const piece of response as AsyncIterable<Buffer>) {
        octets += piece.length;
        if (octets > MAX_REPLY) throw new Error(`the reply is longer than ${MAX_REPLY} octets`);
        pieces.push(piece);
      }
      const value: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'));
      if (typeof value !== 'object' || value === null) throw new Error('the reply is not a JSON object');
      return value;
    } catch (cause) {
      throw this.#transport.connectionLost(cause);
    }
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

function errorOf(document: object): Error {
  const { code, detail, message, retryAfterSeconds, errors } = document as Record<string, unknown>;
  const errorCode = typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'internal';
  // An older server has no `detail`.
  const text = withoutControls(String(detail ?? message ?? 'The server gave no reason.'));
  const fields = fieldErrors(errors);
  if (fields.length > 0) return new InputError(fields, text, errorCode);
  return new AppError(errorCode, text, { ...(typeof retryAfterSeconds === 'number' && { retryAfterSeconds }) });
}

/** A problem of the path or the query has a `parameter` in place of the pointer. */
function fieldErrors(errors: unknown): readonly FieldError[] {
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((error: unknown) => {
    if (typeof error !== 'object' || error === null) return [];
    const { pointer, parameter, detail } = error as Record<string, unknown>;
    if (typeof detail !== 'string') return [];
    const place = typeof pointer === 'string' ? pointer : typeof parameter === 'string' ? `/${parameter}` : '';
    return [{ pointer: place, detail: withoutControls(detail) }];
  });
}

/** Texts of a server are shown on a terminal. */
function withoutControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (sign) => (sign === '\n' ? sign : '?'));
}
