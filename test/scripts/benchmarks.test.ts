/** Every benchmark runs. */
import { describeSmokeRuns, type SmokeRun } from '../support/smoke-runs.ts';

/** By file of bench/; campaigns.test.ts has the others, and checks that none is missing. */
const BENCHMARKS: Readonly<Record<string, SmokeRun>> = {
  'codec.mjs': { script: 'bench', args: ['codec', '--smoke'], output: /decode: [\d,]+\/s, dns-packet/ },
  'update-rate.mjs': { script: 'bench', args: ['updates', '--smoke'], output: /(?:(?:met {3}|MISSED) .*\n){9}/ },
  'nameserver.mjs': { script: 'bench', args: ['nameserver', '--smoke'], output: /(?:(?:met {3}|MISSED) .*\n){8}/ },
  'tokens.mjs': { script: 'bench', args: ['tokens', '--smoke'], output: /(?:(?:met {3}|MISSED) .*\n){6}/ },
  'site.mjs': { script: 'bench', args: ['site', '--smoke'], output: /(?:met {3}|MISSED) the embedded nameserver/ },
  'sizes.mjs': { script: 'bench', args: ['sizes', '--smoke'], output: /(?:(?:met {3}|MISSED) .*\n){5}/ },
  'receipts.mjs': {
    script: 'bench',
    args: ['receipts', '--smoke'],
    output: /(?: {2}\w+: median \d+ ms, 99 % \d+ ms\n(?:met {3}|MISSED) continuous updates, .*\n){3}/,
  },
  'powerdns.mjs': { script: 'bench', args: ['powerdns', '--smoke'], output: /(?:(?:met {3}|MISSED) .*\n){4}/ },
  'stream.mjs': { script: 'bench', args: ['stream', '--smoke'], output: /(?:(?:met {3}|MISSED) .*\n){6}/ },
  'page.mjs': { script: 'bench', args: ['page', '--smoke'], output: /(?:(?:met {3}|MISSED) .*\n){4}/ },
  'waits.mjs': {
    script: 'bench',
    args: ['waits', '--smoke'],
    output:
      /(?:.*, this: .* ms \(longest\)\n.*, with a thread: .* ms \(longest\)\n){4}memory, this: .*\nmemory, with a thread: .*\n(?:met {3}|MISSED) /,
  },
  'queries.mjs': {
    script: 'bench',
    args: ['queries', '--smoke'],
    output:
      /BIND, \d+ threads: [\d,]+ queries\/s.*\n(?:\d threads: [\d,]+ queries\/s = .*\n){2,3}\n(?:(?:signed zone, .*\n){4}(?:(?:met {3}|MISSED) .*\n){2}){2}(?:met {3}|MISSED) /,
  },
  'signed.mjs': {
    script: 'bench',
    args: ['signed', '--smoke'],
    output: /(?:\d+ names, first signing: .*\n[\s\S]*?(?:(?:met {3}|MISSED) .*\n.*\n?){3}){2}/,
  },
  'reconnect.mjs': {
    script: 'bench',
    args: ['reconnect', '--smoke'],
    output: /300 acknowledged, 0 refused, 0 failed\n[\s\S]*(?:(?:met {3}|MISSED) .*\n){8}/,
  },
  'growth.mjs': {
    script: 'bench',
    args: ['growth', '1', '1', '2', 'knot', '--smoke'],
    output: /2 move: \d+\/s[\s\S]*(?:(?:met {3}|MISSED) Knot: .*\n){6}met {4}Knot: failed requests: 0\.00/,
  },
  'compare.mjs': { script: 'bench', args: ['compare', '--smoke'], output: /(?:(?:met {3}|MISSED) .*\n){6}/ },
};

describeSmokeRuns(BENCHMARKS);
