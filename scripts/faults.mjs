/**
 * `npm run faults [-- ROUNDS [SEED]]`: builds, then ends the embedded nameserver with SIGKILL under load, 200 times by default, and
 * checks each time that no acknowledged change was lost (bench/kill-campaign.mjs).
 */
import { join } from 'node:path';
import { argv, execPath } from 'node:process';
import { build, install, root, run } from './prepare.mjs';

install();
build();
run(execPath, [join(root, 'bench', 'kill-campaign.mjs'), ...argv.slice(2)]);
