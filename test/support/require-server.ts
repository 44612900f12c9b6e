/**
 * Decides whether tests against real programs (BIND, Knot, PowerDNS, nginx, …) can run here. A missing program is a
 * reported skip on a developer's machine and a failure where CI is set.
 */
import { describe, it } from 'vitest';
import { missingProgramsAdvice, type RequiredProgram } from './programs.ts';

export {
  BIND_PROGRAMS,
  findProgram,
  KNOT_PROGRAMS,
  missingProgramsAdvice,
  POWERDNS_PROGRAMS,
  POWERDNS_SCHEMA,
  type RequiredProgram,
} from './programs.ts';

/** A vitest `describe` for tests that need real programs. */
export function describeWith(programs: readonly RequiredProgram[], title: string, fn: () => void): void {
  describeUnless(missingProgramsAdvice(programs), 'has the programs it needs', title, fn);
}

/**
 * A vitest `describe` for tests that need something of the machine. Without it they are a skip with the advice, and where CI is set a
 * failure with it.
 * @param advice what is missing; undefined: nothing @param need the name of the test that fails
 */
export function describeUnless(advice: string | undefined, need: string, title: string, fn: () => void): void {
  describe(title, () => {
    if (advice === undefined) fn();
    else if (process.env['CI']) {
      it(need, () => {
        throw new Error(advice);
      });
    } else it.skip(advice, () => {});
  });
}
