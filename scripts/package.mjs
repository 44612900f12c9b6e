/**
 * `npm run package`: makes the artefacts of a release in packages/, with SHA256SUMS.
 * A kind is a file packaging/KIND.mjs that exports `make()`, which writes into OUTPUT and returns the names of its files.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stdout } from 'node:process';
import { readArguments, word } from '../bench/usage.mjs';
import { OUTPUT, outputFile } from '../packaging/release.mjs';
import { install } from './prepare.mjs';

const KINDS = ['tgz', 'deb', 'oci', 'ipk', 'sbom'];
const SUMS = 'SHA256SUMS';

const { values: asked } = readArguments({
  command: 'npm run package --',
  takes: [{ ...word(...KINDS), repeats: true }],
  about: 'Makes the artefacts of a release in packages, with SHA256SUMS; without a kind, all of them.',
});
if (asked.length === 0) rmSync(OUTPUT, { recursive: true, force: true });
install();
for (const kind of asked.length > 0 ? asked : KINDS) {
  const { make } = await import(`../packaging/${kind}.mjs`);
  for (const name of await make())
    stdout.write(`packages/${name} ${(statSync(join(OUTPUT, name)).size / 1e6).toFixed(1)} MB\n`);
}
const sums = readdirSync(OUTPUT)
  .filter((name) => name !== SUMS)
  .sort()
  .map(
    (name) =>
      `${createHash('sha256')
        .update(readFileSync(join(OUTPUT, name)))
        .digest('hex')}  ${name}\n`,
  );
writeFileSync(outputFile(SUMS), sums.join(''));
