/** Every fuzzer and fault campaign runs, and each file of bench/ is run by a test or is a part of one that is. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { REPOSITORY } from '../support/installation.ts';
import { describeSmokeRuns, type SmokeRun } from '../support/smoke-runs.ts';

const CAMPAIGNS: Readonly<Record<string, SmokeRun>> = {
  'fuzz-codec.mjs': {
    script: 'fuzz',
    args: ['codec', '20000', '1'],
    output:
      /done in \d+ s[\s\S]*\n[1-9][\d,]* valid signatures, [1-9][\d,]* others; key files: [1-9]\d* read, [1-9]\d* refused\n/,
  },
  'fuzz-nameserver.mjs': { script: 'fuzz', args: ['nameserver', '2000', '1'], output: /no fault\n$/ },
  'fuzz-updates.mjs': {
    script: 'fuzz',
    args: ['updates', '300', '1'],
    output:
      /300 UPDATEs in \d+ s: \d+ records, 3 of 3 secondaries hold them[\s\S]*our RCODEs: .*NOERROR \d+[\s\S]*: 0 classes of findings\n$/,
  },
  'fuzz-signed.mjs': {
    script: 'fuzz',
    args: ['signed', '100', '1'],
    output:
      /nsec3: 100 changes at BIND[\s\S]*Knot: [1-9]\d* IXFR, 0 AXFR[\s\S]*nsec: 100 changes at[\s\S]*: 0 faults\n$/,
  },
  'fuzz-growth.mjs': { script: 'fuzz', args: ['growth', '101'], output: /no parser grows more than 3 times\n$/ },
  'reload-campaign.mjs': { script: 'faults', args: ['reload', '40', '--smoke'], output: /in force in 40 of 40 bursts/ },
  'connection-campaign.mjs': {
    script: 'faults',
    args: ['connections', '--smoke'],
    output: /120 of 14 kinds.*, 0 left after[\s\S]*no fault/,
  },
  'damage-campaign.mjs': {
    script: 'faults',
    args: ['damage', '12', '1'],
    output: /12 cases: [\s\S]*silent losses 0, ends without advice 0, serials back 0, stuck 0;/,
  },
  'servers-campaign.mjs': {
    script: 'faults',
    args: ['servers', '1', 'bind', '--smoke'],
    output:
      /200 acknowledged in [\d.]+ s, one chain of 200, 0 failed\n\d{3,} acknowledged changes: lost 0, replies that were not true 0, needless failures 0\n$/,
  },
  'reader-campaign.mjs': {
    script: 'faults',
    args: ['readers', '3', '1', '1000', '1'],
    output: /answers, \d+ times none, 0 faults\n$/,
  },
  'kill-campaign.mjs': {
    script: 'faults',
    args: ['3', '1'],
    output:
      /3 rounds, \d{3,} acknowledged changes checked: lost 0, half applied 0, serial back 0\n.*: 0 differences; IXFR [1-9]\d* times, .*: 0 faults; refused 0\n$/,
  },
};

const PARTS = [
  'commands.mjs',
  'damage.mjs',
  'dns-client.mjs',
  'dns-waits.mjs',
  'growth-dnssec.mjs',
  'growth-parsers.mjs',
  'growth-routes.mjs',
  'growth-texts.mjs',
  'kept-signatures.mjs',
  'lab.mjs',
  'nameserver-corpus.mjs',
  'peers.mjs',
  'postgres.mjs',
  'raw-transfer.mjs',
  'signed-changes.mjs',
  'signed-corpus.mjs',
  'store-tokens.mjs',
  'tcp-cuts.mjs',
  'update-corpus.mjs',
  'update-differences.mjs',
  'update-peers.mjs',
  'update-rdata.mjs',
  'usage.mjs',
  'zone-validators.mjs',
];

it('every file of bench/ is run, or is a part of one that is', () => {
  const benchmarks = readFileSync(join(REPOSITORY, 'test/scripts/benchmarks.test.ts'), 'utf8');
  const run = [...benchmarks.matchAll(/^ {2}'([\w-]+\.mjs)': /gm)].map((match) => match[1]!);
  expect(readdirSync(join(REPOSITORY, 'bench')).sort()).toEqual([...run, ...Object.keys(CAMPAIGNS), ...PARTS].sort());
});

/** Campaigns that are run a second time, otherwise. */
const VARIANTS: Readonly<Record<string, SmokeRun>> = {
  'kill-campaign.mjs of a signed zone': {
    script: 'faults',
    args: ['signed', '2', '1'],
    output:
      /lost 0, half applied 0, serial back 0\n.*: 0 differences; IXFR [1-9]\d* times, .*: 0 faults; refused 0\nsignatures of [1-9][\d,]* unchanged RRsets compared, 1 times three validators: 0 faults\n$/,
  },
};

describeSmokeRuns({ ...CAMPAIGNS, ...VARIANTS });
