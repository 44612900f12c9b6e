/** Every YAML block of the documents is a valid configuration. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { REPOSITORY } from '../support/installation.ts';

const MISSING = 'nameserver: 127.0.0.1\n';

for (const [page, count] of [
  ['docs/configuration.md', 1],
  ['docs/protocols/original.md', 1],
] as const) {
  it(`${page}: its configurations are valid`, () => {
    const blocks = [...readFileSync(join(REPOSITORY, page), 'utf8').matchAll(/^```yaml( \w+)?\n([\s\S]*?)^```$/gm)];
    expect(blocks.length).toBe(count);
    for (const [, word, block] of blocks) {
      // A block with an info string lacks the address of the primary, as its page says.
      const text = word === undefined ? block! : `${block}    tsig_key: tPyvZA==\n${MISSING}`;
      expect(parseConfig(text, page, {}).config.warnings).toEqual([]);
    }
  });
}
