/** Every command of docs/api/README.md, in its order, against a real server; and the example of an error is a real one. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiLab, startApiLab } from '../support/api-lab.ts';
import { MAIN } from '../support/dyndns.ts';
import { runProgram } from '../support/process.ts';

const PAGE = readFileSync(new URL('../../docs/api/README.md', import.meta.url), 'utf8');
const COMMANDS = [...PAGE.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.trimEnd().split('\n'));

let lab: ApiLab;
let key = '';

beforeAll(async () => {
  lab = await startApiLab();
});
afterAll(() => lab?.stop());

/** Runs a line as a shell does, with `dyndns` for the program of this checkout, and failures of curl as failures. */
function run(command: string) {
  const line = command
    .replace(/^dyndns /, `'${process.execPath}' '${MAIN}' --config '${lab.server.dyndns.configFile}' `)
    .replace(/^curl -s /, 'curl -s --fail-with-body ');
  const env = { ...process.env, KEY: key, URL: `http://127.0.0.1:${lab.server.dyndns.port}` };
  return runProgram('sh', ['-c', line], { env });
}

describe('docs/api/README.md', () => {
  it.each(COMMANDS)('%s', async (command) => {
    const { code, stdout, stderr } = await run(command);
    expect([code, stdout, stderr], stdout).toMatchObject([0, expect.any(String), '']);
    const [made] = /dyn_[a-z2-7]{32}/.exec(stdout) ?? [];
    if (made !== undefined) key = made;
    if (command.startsWith('curl') && !command.includes('/file"')) expect(JSON.parse(stdout)).toBeTypeOf('object');
  });

  it('has an error as the server answers it', async () => {
    const [, shown = ''] = /```json\n(.*)\n```/.exec(PAGE) ?? [];
    const { stdout } = await run(
      `curl -s -H "Authorization: Bearer $KEY" --request PATCH --data '{"ttl":-1}' "$URL/v1/hosts/home.dyn.example.com"`,
    );
    expect({ ...JSON.parse(stdout), requestId: '' }).toEqual({ ...JSON.parse(shown), requestId: '' });
  });
});
