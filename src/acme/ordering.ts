/**
 * Orders a certificate in a thread (ordering-thread.ts): loading the packages does not block queries and updates, an
 * order can be aborted at any point, and its memory is freed afterwards.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { ChallengeValue } from './challenges.ts';
import type { CertificateOrder, FromThread, KeyAndChain, ThreadStart, ToThread } from './thread-messages.ts';

/** An order failed, or cannot be made; the message has the reason. */
export class AcmeError extends Error {
  override readonly name = 'AcmeError';
}

/** An order that takes longer has hung. */
const MAX_ORDER_MS = 15 * 60_000;

/** @throws AcmeError if an optional package is not installed */
export function requirePackages(): void {
  const { resolve } = createRequire(import.meta.url);
  for (const name of ['acme-client', '@peculiar/x509']) {
    try {
      resolve(name);
    } catch (cause) {
      const advice = 'Install the packages again without omitting optional ones.';
      throw new AcmeError(`http.tls.acme: The package ${name} is not installed. ${advice}`, { cause });
    }
  }
}

/**
 * @param publish resolves when the authority can see the records
 * @throws AcmeError, and what `publish` and the signal throw
 */
export function orderCertificate(
  order: CertificateOrder,
  publish: (challenges: readonly ChallengeValue[]) => Promise<void>,
  signal: AbortSignal,
): Promise<KeyAndChain> {
  return run({ kind: 'order', ...order }, publish, AbortSignal.any([signal, AbortSignal.timeout(MAX_ORDER_MS)]));
}

/** Makes a key and a self-signed certificate. @throws AcmeError */
export function makeSelfSigned(names: readonly string[]): Promise<KeyAndChain> {
  const publish = () => Promise.reject(new Error('A self-signed certificate needs no challenge.'));
  return run({ kind: 'self-signed', names }, publish, AbortSignal.timeout(MAX_ORDER_MS));
}

async function run(
  start: ThreadStart,
  publish: (challenges: readonly ChallengeValue[]) => Promise<void>,
  signal: AbortSignal,
): Promise<KeyAndChain> {
  signal.throwIfAborted();
  // Its outputs (warnings of Node.js) are not connected: one that stalls or fails would block or end the server.
  const thread = new Worker(threadUrl(), { workerData: start, execArgv: [], stdout: true, stderr: true });
  thread.unref();
  try {
    return await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      thread.once('error', (cause) => reject(new AcmeError(cause.message, { cause })));
      thread.once('exit', () => reject(new AcmeError('The ordering thread ended unexpectedly.')));
      thread.on('message', (message: FromThread) => {
        switch (message.kind) {
          case 'publish':
            publish(message.challenges).then(
              () => thread.postMessage({ kind: 'published' } satisfies ToThread),
              reject,
            );
            break;
          case 'done':
            resolve({ key: message.key, chain: message.chain });
            break;
          case 'failed':
            reject(new AcmeError(message.reason));
            break;
        }
      });
    });
  } finally {
    await thread.terminate();
  }
}

/** Under vitest, which runs `src`, it is the built file: Node.js 20 cannot run a `.ts` file. */
function threadUrl(): URL {
  const here = import.meta.url;
  return new URL(here.endsWith('.ts') ? '../../dist/acme/ordering-thread.js' : './ordering-thread.js', here);
}
