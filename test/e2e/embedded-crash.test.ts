// SIGKILL under load against the embedded nameserver, a few rounds of it: `npm run faults` runs two hundred. What is
// checked after each is in bench/kill-campaign.mjs; its exit code says whether all of it was right.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { REPOSITORY } from '../support/installation.ts';
import { runProgram } from '../support/process.ts';

it('kill -9 under load: each acknowledged change is there, none is half applied, the serial does not go back', async () => {
  const campaign = join(REPOSITORY, 'bench/kill-campaign.mjs');
  const { code, stdout, stderr } = await runProgram(process.execPath, [campaign, '3', '1']);
  expect(stdout + stderr).toMatch(
    /3 rounds, \d{3,} acknowledged changes checked: lost 0, half applied 0, serial back 0\n.*: 0 differences; IXFR [1-9]\d* times, .*: 0 faults; refused 0\n$/,
  );
  expect(code).toBe(0);
});
