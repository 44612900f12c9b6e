/** The image for containers: scripts/image-test.mjs, whose steps are printed as they are. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { root } from '../../scripts/prepare.mjs';

export function imageScenarios() {
  return [{ name: 'the image for containers', run: (step) => step('scripts/image-test.mjs', testImage) }];
}

function testImage() {
  const script = join(root, 'scripts', 'image-test.mjs');
  const { status, stdout } = spawnSync(execPath, [script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(stdout);
  return `\n${stdout.trimEnd()}`;
}
