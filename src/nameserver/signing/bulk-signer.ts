/** Signs many names in threads (signing-thread.ts), each with the keys of the zone. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SigningKey } from '../../dns/dnssec/signing-key.ts';
import type { SignedNames, SigningJob, ThreadStart } from './signing-messages.ts';

/** One processor is left to the main thread. */
const MAX_THREADS = 4;
/** Jobs that a thread has, so that it need not wait for the next one. */
const JOBS = 2;

interface Waiter {
  readonly resolve: (names: SignedNames) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  /** Of its jobs, which it does in order. */
  readonly waiters: Waiter[];
}

export class BulkSigner {
  readonly #threads: readonly Thread[];
  #failure: Error | undefined;

  /** @param keys at least one, of one zone */
  constructor(keys: readonly SigningKey[]) {
    const count = Math.max(1, Math.min(MAX_THREADS, availableParallelism() - 1));
    const workerData: ThreadStart = {
      apex: Uint8Array.from(keys[0]!.zone.octets),
      keys: keys.map(({ privateKey, dnskey }) => ({ privateKey, flags: dnskey.flags })),
    };
    this.#threads = Array.from({ length: count }, () => this.#start(workerData));
  }

  /** Jobs that may be in flight: with more, they wait. */
  get jobs(): number {
    return JOBS * this.#threads.length;
  }

  #start(workerData: ThreadStart): Thread {
    // Its outputs are not connected to those of the process: one that fails or stalls would end or block it.
    const worker = new Worker(threadUrl(), { workerData, execArgv: [], stdout: true, stderr: true });
    const thread: Thread = { worker, waiters: [] };
    worker.on('message', (names: SignedNames) => thread.waiters.shift()!.resolve(names));
    worker.on('error', (cause) => this.#fail(cause));
    worker.on('exit', () => this.#fail(new Error('a thread that signs has ended')));
    return thread;
  }

  #fail(failure: Error): void {
    this.#failure ??= failure;
    for (const { waiters } of this.#threads) {
      for (const { reject } of waiters.splice(0)) reject(this.#failure);
    }
  }

  /** @param job its octets are given to the thread @throws Error if a thread died, or after `close` */
  sign(job: SigningJob): Promise<SignedNames> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      const [first, ...others] = this.#threads;
      const thread = others.reduce(
        (least, each) => (each.waiters.length < least.waiters.length ? each : least),
        first!,
      );
      thread.waiters.push({ resolve, reject });
      thread.worker.postMessage(job, [job.octets.buffer as ArrayBuffer]);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }
}

/** Under vitest, which runs `src`, it is the built file: Node.js 20 cannot run a `.ts` file. */
function threadUrl(): URL {
  const here = import.meta.url;
  return new URL(
    here.endsWith('.ts') ? '../../../dist/nameserver/signing/signing-thread.js' : './signing-thread.js',
    here,
  );
}
