/**
 * dyndns-VERSION.tgz, for `npm install --global --ignore-scripts`. It carries npm-shrinkwrap.json, the production part of the lock
 * file, so that an installation has exactly the versions that were tested.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../scripts/prepare.mjs';
import { normalize, productionPackages, stageProgram } from './program.mjs';
import { OUTPUT, VERSION, withFolder } from './release.mjs';

/** The lock file without development packages. npm installs it together with the package, also globally. */
function shrinkwrap() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const { devDependencies, bin, ...project } = lock.packages[''];
  // Development packages want some of these too, which is of no interest here.
  const packages = productionPackages().map(([path, { devOptional, ...entry }]) => [path, entry]);
  return { ...lock, packages: { '': project, ...Object.fromEntries(packages) } };
}

export function make() {
  return withFolder((folder) => {
    stageProgram(folder);
    writeFileSync(join(folder, 'npm-shrinkwrap.json'), `${JSON.stringify(shrinkwrap(), undefined, 2)}\n`);
    normalize(folder);
    // npm gives every file the same time and owner.
    run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', OUTPUT], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return [`dyndns-${VERSION}.tgz`];
  });
}
