/**
 * Every benchmark, campaign and fuzzer runs, with the least load that shows it: what nobody runs breaks unseen. Targets of
 * speed decide nothing here (`--smoke`); other faults (a wrong reply, a lost change) fail as ever.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { REPOSITORY } from '../support/installation.ts';
import { runProgram } from '../support/process.ts';
import { describeWith, type RequiredProgram } from '../support/require-server.ts';

const PROGRAMS: readonly RequiredProgram[] = [
  { command: 'named', debianPackage: 'bind9' },
  { command: 'dig', debianPackage: 'bind9-dnsutils' },
  { command: 'knotd', debianPackage: 'knot' },
  { command: 'pdns_server', debianPackage: 'pdns-server' },
  { command: 'initdb', debianPackage: 'postgresql' },
  { command: 'dnsperf', debianPackage: 'dnsperf' },
  { command: 'wrk', debianPackage: 'wrk' },
];

interface SmokeRun {
  /** `npm run SCRIPT -- ARGUMENTS`. */
  readonly script: string;
  readonly args: readonly string[];
  readonly output: RegExp;
}

/** By file of bench/ that is a program; the other files are parts of these. */
const RUNS: Readonly<Record<string, SmokeRun>> = {
  'codec.mjs': { script: 'bench', args: ['codec', '--smoke'], output: /decode: [\d,]+\/s, dns-packet/ },
  'update-rate.mjs': { script: 'bench', args: ['updates', '--smoke'], output: /(?:(?:met {3}|MISSED) .*\n){9}/ },
  'nameserver.mjs': { script: 'bench', args: ['nameserver', '--smoke'], output: /(?:(?:met {3}|MISSED) .*\n){8}/ },
  'tokens.mjs': { script: 'bench', args: ['tokens', '--smoke'], output: /(?:(?:met {3}|MISSED) .*\n){6}/ },
  'site.mjs': { script: 'bench', args: ['site', '--smoke'], output: /(?:met {3}|MISSED) the embedded nameserver/ },
  'compare.mjs': { script: 'bench', args: ['compare', '--smoke'], output: /(?:(?:met {3}|MISSED) .*\n){6}/ },
  'fuzz-codec.mjs': { script: 'fuzz', args: ['codec', '20000', '1'], output: /done in \d+ s/ },
  'fuzz-nameserver.mjs': { script: 'fuzz', args: ['nameserver', '2000', '1'], output: /no fault\n$/ },
  'reload-campaign.mjs': { script: 'faults', args: ['reload', '--smoke'], output: /in force in 4 of 4 bursts/ },
  'kill-campaign.mjs': { script: 'faults', args: ['1', '2'], output: /lost 0, half applied 0, serial back 0/ },
};

const PARTS = ['damage.mjs', 'dns-client.mjs', 'lab.mjs', 'nameserver-corpus.mjs', 'peers.mjs', 'tcp-cuts.mjs'];

it('every file of bench/ is a program that is run here, or a part of one', () => {
  expect(readdirSync(join(REPOSITORY, 'bench')).sort()).toEqual([...Object.keys(RUNS), ...PARTS].sort());
});

describeWith(PROGRAMS, 'a smoke run', () => {
  for (const [file, { script, args, output }] of Object.entries(RUNS)) {
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
