// Promises about time, told by when a question was sent: how long the answer took says more of the machine.
import { expect } from 'vitest';
import { waitUntil } from './process.ts';

/**
 * From one second after now, nothing that is sent is accepted any more; until then it may be. Asks without a pause
 * until a whole round of questions was sent after that second.
 * @param isAccepted sends one round of questions and tells whether any was accepted
 */
export async function expectEndWithinOneSecond(isAccepted: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 1_000;
  await waitUntil(
    'one second to go by',
    async () => {
      const isLate = performance.now() > endMs;
      if (await isAccepted()) expect(isLate, 'accepted though it was sent a second later').toBe(false);
      return isLate;
    },
    20_000,
  );
}
