/** The version of this package, as package.json says, and the commit that it was built from. */
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export const VERSION: string = manifest.version;

/** With the commit, if the build wrote it (scripts/commit.mjs): "3.0.0 (0123456789ab)". */
export function versionWithCommit(): string {
  try {
    return `${VERSION} (${readFileSync(new URL('../commit', import.meta.url), 'utf8').trim()})`;
  } catch {
    return VERSION;
  }
}
