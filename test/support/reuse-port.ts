/** Whether this Node.js can have several answering threads. Without it their tests are skipped, and the refusal is tested. */
import { describe } from 'vitest';
import { hasReusePort } from '../../src/config/resolve/state.ts';

export const CAN_SHARE_PORTS = hasReusePort(process.versions.node);

/** A vitest `describe` for tests of several answering threads. */
export function describeShared(title: string, tests: () => void): void {
  if (CAN_SHARE_PORTS) describe(title, tests);
  else describe.skip(`${title} (needs Node.js 22.12 or later)`, tests);
}
