/**
 * Orders a certificate in a thread of its own (ordering-thread.ts): queries and updates are answered while the packages
 * for it load, whatever it waits for can be ended, and its memory is given back.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { ChallengeValue } from './challenges.ts';
import type { CertificateOrder, FromThread, KeyAndChain, ThreadStart, ToThread } from './thread-messages.ts';

/** A certificate could not be had; the text says why. */
export class AcmeError extends Error {
  override readonly name = 'AcmeError';
}

/** An order that takes longer has hung. */
const MAX_ORDER_MS = 15 * 60_000;

/** @throws AcmeError where the packages are not installed */
export function requirePackages(): void {
  const { resolve } = createRequire(import.meta.url);
  for (const name of ['acme-client', '@peculiar/x509']) {
    try {
      resolve(name);
    } catch (cause) {
      const advice = 'install the packages again without omitting optional ones';
      throw new AcmeError(`http.tls.acme: the package ${name} is not installed: ${advice}`, { cause });
    }
  }
}

/**
 * @param publish makes records visible to the authority
 * @throws AcmeError, and what `publish` and the signal throw
 */
export function orderCertificate(
  order: CertificateOrder,
  publish: (challenges: readonly ChallengeValue[]) => Promise<void>,
  signal: AbortSignal,
): Promise<KeyAndChain> {
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(MAX_ORDER_MS)]);
  return run({ kind: 'order', ...order }, publish, inTime);
}

/** A key and a certificate that nobody has signed but itself. @throws AcmeError */
export function makeSelfSigned(names: readonly string[]): Promise<KeyAndChain> {
  const nothing = () => Promise.reject(new Error('nothing is to be published'));
  return run({ kind: 'self-signed', names }, nothing, AbortSignal.timeout(MAX_ORDER_MS));
}

async function run(
  start: ThreadStart,
  publish: (challenges: readonly ChallengeValue[]) => Promise<void>,
  signal: AbortSignal,
): Promise<KeyAndChain> {
  signal.throwIfAborted();
  const thread = new Worker(threadUrl(), { workerData: start, execArgv: [] });
  thread.unref();
  try {
    return await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      thread.once('error', (cause) => reject(new AcmeError(cause.message, { cause })));
      thread.once('exit', () => reject(new AcmeError('the thread of the order has ended')));
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
            reject(new AcmeError(message.why));
            break;
        }
      });
    });
  } finally {
    await thread.terminate();
  }
}

/** From `src`, as under vitest, it is the built one: Node.js 20 runs no `.ts` file. */
function threadUrl(): URL {
  const here = import.meta.url;
  return new URL(here.endsWith('.ts') ? '../../dist/acme/ordering-thread.js' : './ordering-thread.js', here);
}
