/**
 * dyndns-VERSION.cdx.json: the CycloneDX list of what is inside, with licences and integrity hashes, as `npm sbom` writes it from the
 * lock file. Its serial number and time come from the release instead of chance and the clock.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { productionLock } from './program.mjs';
import { EPOCH, MANIFEST, outputFile, VERSION, withFolder } from './release.mjs';

/**
 * The document as an object. `npm sbom --omit=dev` would leave out packages that development packages use, too, so that npm gets a
 * project without those.
 * @param more components beside the npm packages, such as Node.js in the bundled package
 */
export function sbom(more = []) {
  return withFolder((folder) => {
    const { devDependencies, ...manifest } = MANIFEST;
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(productionLock()));
    return complete(npmSbom(folder), more);
  });
}

function npmSbom(cwd) {
  const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'];
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8', maxBuffer: 1e8 });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed: ${stderr}`);
  return JSON.parse(stdout);
}

function complete(written, more) {
  const { serialNumber: _chance, ...document } = written;
  // npm names the project by its folder.
  document.metadata.component.name = 'dyndns';
  document.metadata.timestamp = new Date(EPOCH * 1000).toISOString();
  document.components.push(...more);
  const hex = createHash('sha256').update(JSON.stringify(document)).digest('hex');
  // A UUID of version 8 (RFC 9562 §5.8): made of the content.
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)];
  return { serialNumber: `urn:uuid:${uuid.join('-')}`, ...document };
}

export async function make() {
  const name = `dyndns-${VERSION}.cdx.json`;
  writeFileSync(outputFile(name), `${JSON.stringify(await sbom(), undefined, 2)}\n`);
  return [name];
}
