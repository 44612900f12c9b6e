/** The operations of a running server, over its control socket (socket-server.ts is the other end). */

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type OperationRequest, requestOf } from '../core/admin/operation-routes.ts';
import { type Input, OPERATIONS, type OperationName, type Operations, type Result } from '../core/admin/operations.ts';
import { AppError, ERROR_CODES, type ErrorCode } from '../core/errors.ts';
import { ControlError } from './control-error.ts';

/** The server behind a control socket; undefined if none listens. @throws ControlError if this user must not connect */
export async function findServer(path: string): Promise<Operations | undefined> {
  const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.once('error', resolve);
  });
  if (failure === undefined) return new SocketOperations(path);
  if (failure.code !== 'EACCES' && failure.code !== 'EPERM') return undefined;
  throw new ControlError(
    `Only the server's own user may open the control socket '${path}'. Run the command as that user: sudo -u dyndns dyndns …`,
    { cause: failure },
  );
}

class SocketOperations implements Operations {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async call<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    body?: AsyncIterable<string>,
  ): Promise<Result<Name>> {
    const response = await this.#send(requestOf(name, input), body);
    if (OPERATIONS[name].result === 'zone file') return this.#pieces(response) as Result<Name>;
    return JSON.parse(await readText(response)) as Result<Name>;
  }

  async *#pieces(response: IncomingMessage): AsyncGenerator<string, void, undefined> {
    try {
      yield* response.setEncoding('utf8');
    } catch (cause) {
      throw this.#connectionLost(cause);
    }
  }

  /** @throws AppError as the server reports it, ControlError if the connection ends, and what reading the body throws */
  async #send({ method, target, json }: OperationRequest, body?: AsyncIterable<string>): Promise<IncomingMessage> {
    const request = httpRequest({ socketPath: this.#path, method, path: target, agent: false });
    const replied = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject);
    });
    // Sending may fail because the reply came early: then the reply is what matters.
    replied.catch(() => undefined);
    if (body === undefined) request.end(json && JSON.stringify(json));
    else {
      let readError: unknown;
      const pieces = rememberError(body, (error) => {
        readError = error;
      });
      await pipeline(Readable.from(pieces), request).catch(() => undefined);
      if (readError !== undefined) throw readError;
    }
    const response = await replied.catch((cause: unknown) => Promise.reject(this.#connectionLost(cause)));
    if (response.statusCode === 200 || response.statusCode === 201) return response;
    throw errorOf(await readText(response));
  }

  #connectionLost(cause: unknown): ControlError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new ControlError(
      `The server closed the connection of the control socket '${this.#path}' (${reason}). Its log has the reason.`,
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

async function readText(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of message.setEncoding('utf8')) text += piece;
  return text;
}

function errorOf(text: string): AppError {
  const { code, detail, message, retryAfterSeconds } = JSON.parse(text) as Record<string, unknown>;
  const errorCode = typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'internal';
  // An older server has no `detail`.
  return new AppError(errorCode, String(detail ?? message), {
    ...(typeof retryAfterSeconds === 'number' && { retryAfterSeconds }),
  });
}
