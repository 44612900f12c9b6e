/** Programs of bench/ as `npm run` starts them, with the least load that shows that they work. */
import { expect, it } from 'vitest';
import { REPOSITORY } from './installation.ts';
import { runProgram } from './process.ts';
import { describeWith, type RequiredProgram } from './require-server.ts';

export interface SmokeRun {
  /** `npm run SCRIPT -- ARGUMENTS`. */
  readonly script: string;
  readonly args: readonly string[];
  readonly output: RegExp;
}

const PROGRAMS: readonly RequiredProgram[] = [
  { command: 'named', debianPackage: 'bind9' },
  { command: 'dig', debianPackage: 'bind9-dnsutils' },
  { command: 'knotd', debianPackage: 'knot' },
  { command: 'nsd', debianPackage: 'nsd' },
  { command: 'pdns_server', debianPackage: 'pdns-server' },
  { command: 'initdb', debianPackage: 'postgresql' },
  { command: 'dnsperf', debianPackage: 'dnsperf' },
  { command: 'wrk', debianPackage: 'wrk' },
  { command: 'chromium-headless-shell', debianPackage: 'chromium-headless-shell' },
];

/** Targets of speed decide nothing in a smoke run; any other fault fails. */
export function describeSmokeRuns(runs: Readonly<Record<string, SmokeRun>>): void {
  describeWith(PROGRAMS, 'a smoke run', () => {
    for (const [file, { script, args, output }] of Object.entries(runs)) {
      it(`bench/${file}`, { timeout: 180_000 }, async () => {
        const { code, stdout, stderr } = await runProgram('npm', ['run', '--silent', script, '--', ...args], {
          cwd: REPOSITORY,
          timeoutMs: 170_000,
        });
        expect(stdout + stderr).toMatch(output);
        expect(code).toBe(0);
      });
    }
  });
}
