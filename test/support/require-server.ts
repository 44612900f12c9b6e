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
  const advice = missingProgramsAdvice(programs);
  if (advice === undefined) {
    describe(title, fn);
  } else if (process.env['CI']) {
    describe(title, () => {
      it('has the programs it needs', () => {
        throw new Error(advice);
      });
    });
  } else {
    describe(title, () => {
      it.skip(advice, () => {});
    });
  }
}
