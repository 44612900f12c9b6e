// `npm run faults [-- ROUNDS [SEED]]`: builds, then ends the embedded nameserver by SIGKILL under load, 200 times unless
// told otherwise, and checks each time that nothing acknowledged was lost (bench/kill-campaign.mjs).
import { join } from 'node:path';
import { argv, execPath } from 'node:process';
import { build, install, root, run } from './prepare.mjs';

install();
build();
run(execPath, [join(root, 'bench', 'kill-campaign.mjs'), ...argv.slice(2)]);
