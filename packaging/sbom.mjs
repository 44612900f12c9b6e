/**
 * dyndns-VERSION.cdx.json: the CycloneDX list of what is inside, with licences and integrity hashes, as `npm sbom` writes it from the
 * lock file. Its serial number and time come from the release instead of chance and the clock.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/prepare.mjs';
import { EPOCH, OUTPUT, VERSION } from './release.mjs';

/** The document as an object. @param more components beside the npm packages, such as Node.js in the bundled package */
export function sbom(more = []) {
  const args = ['sbom', '--sbom-format=cyclonedx', '--omit=dev', '--package-lock-only'];
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 1e8 });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed: ${stderr}`);
  const { serialNumber: _chance, ...document } = JSON.parse(stdout);
  // npm names the project by its folder.
  document.metadata.component.name = 'dyndns';
  document.metadata.timestamp = new Date(EPOCH * 1000).toISOString();
  document.components.push(...more);
  const hex = createHash('sha256').update(JSON.stringify(document)).digest('hex');
  // A UUID of version 8 (RFC 9562 §5.8): made of the content.
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)];
  return { serialNumber: `urn:uuid:${uuid.join('-')}`, ...document };
}

export function make() {
  const name = `dyndns-${VERSION}.cdx.json`;
  writeFileSync(join(OUTPUT, name), `${JSON.stringify(sbom(), undefined, 2)}\n`);
  return [name];
}
