/** Checks time limits by when a request was sent, so that a slow machine does not fail the test. */
import { expect } from 'vitest';
import { waitUntil } from './process.ts';

/**
 * Expects that a request sent later than one second from now is refused. Sends rounds of requests until one was sent
 * after that second.
 * @param isAccepted sends one round of requests, and returns whether any was accepted
 */
export async function expectEndWithinOneSecond(isAccepted: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 1_000;
  await waitUntil(
    'one second to pass',
    async () => {
      const isLate = performance.now() > endMs;
      if (await isAccepted()) expect(isLate, 'accepted although it was sent a second later').toBe(false);
      return isLate;
    },
    20_000,
  );
}
