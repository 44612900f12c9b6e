/**
 * dyndns-VERSION.tgz, for `npm install --global --ignore-scripts`. The packages of the lock file are inside, so that an installation has
 * exactly the versions that were tested. npm-shrinkwrap.json alone would do so only for a package from a registry: npm does not read
 * it in a file.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../scripts/prepare.mjs';
import { ALL_PLATFORMS, normalize, productionLock, stageModules, stageProgram } from './program.mjs';
import { outputFile, VERSION, withFolder } from './release.mjs';

export function make() {
  return withFolder((folder) => {
    stageProgram(folder);
    writeFileSync(join(folder, 'npm-shrinkwrap.json'), `${JSON.stringify(productionLock(), undefined, 2)}\n`);
    stageModules(folder, ALL_PLATFORMS);
    const manifest = join(folder, 'package.json');
    const entries = JSON.parse(readFileSync(manifest, 'utf8'));
    // `true` would leave the optional ones out.
    const bundleDependencies = Object.keys({ ...entries.dependencies, ...entries.optionalDependencies });
    writeFileSync(manifest, `${JSON.stringify({ ...entries, bundleDependencies }, undefined, 2)}\n`);
    normalize(folder);
    const name = `dyndns-${VERSION}.tgz`;
    // npm gives every file the same time and owner.
    run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', dirname(outputFile(name))], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return [name];
  });
}
