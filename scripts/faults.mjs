/** `npm run faults [-- NAME] [ARGUMENTS…]`: builds, and runs a campaign of bench/commands.mjs; without a name, the one with SIGKILL. */
import { join } from 'node:path';
import { execPath } from 'node:process';
import { FAULTS } from '../bench/commands.mjs';
import { readCommand } from '../bench/usage.mjs';
import { build, install, root, run } from './prepare.mjs';

const { name, rest } = readCommand(FAULTS, 'kill');
install();
build();
const options = name === 'signed' ? ['--signed'] : [];
run(execPath, [join(root, 'bench', FAULTS[name].file), ...rest, ...options]);
