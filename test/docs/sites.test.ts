/** docs/operating/sites.md: its configuration and its commands, unchanged, on a whole server with an embedded zone. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { MAIN } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { fencedBlocks, REPOSITORY } from '../support/installation.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runProgram } from '../support/process.ts';

const PAGE = readFileSync(join(REPOSITORY, 'docs/operating/sites.md'), 'utf8');
const ZONE = 'dyndns.example.com';

let server: EmbeddedServer;
let directory: string;
beforeAll(async () => {
  const { hosts } = parse(/^```yaml site\n([\s\S]*?)^```$/m.exec(PAGE)![1]!);
  server = await startEmbedded({ zone: ZONE, config: { store: 'sqlite:dyndns.db', hosts } });
  directory = freshDirectory('sites-page');
  writeFileSync(
    join(directory, 'dyndns'),
    `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' -c '${server.dyndns.configFile}' "$@"\n`,
  );
  chmodSync(join(directory, 'dyndns'), 0o755);
});
afterAll(async () => {
  await server.stop();
  removeNow(directory);
});

async function run(word: string): Promise<string> {
  const [block = ''] = fencedBlocks(PAGE, word);
  const env = { ...process.env, PATH: `${directory}:${process.env['PATH']}`, TOKEN: server.secret };
  const input = block.replaceAll(':54321/', `:${server.dyndns.port}/`);
  const { code, stdout, stderr } = await runProgram('sh', ['-e', '-u'], { input, env, cwd: directory });
  if (code !== 0) throw new Error(`"${word}": exit code ${code}\n${stdout}${stderr}`);
  return stdout;
}

/** The output that the page shows below the commands with this info string. */
const shown = (word: string) =>
  new RegExp(`^\`\`\`sh ${word}\\n[\\s\\S]*?^\`\`\`\\n\\n(?:.*\\n)*?\`\`\`\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(PAGE)![1];

it('the site moves as the page says', async () => {
  expect(await run('move')).toBe(shown('move'));
  expect(await run('try')).toBe(shown('try'));
});

it('members are made, listed and removed', async () => {
  const output = await run('members');
  expect(output).toContain("'printer.lab.dyndns.example.com' moves with 'lab.dyndns.example.com.'");
  expect(output).toMatch(/^camera\.lab\.dyndns\.example\.com\. +- +00:11:22:33:44:66 +1$/m);
  expect(output).toMatch(/^printer\.lab\.dyndns\.example\.com\. +::20 +- +0$/m);
  expect(output).toContain("'camera.lab.dyndns.example.com' is no longer a member.");
});
