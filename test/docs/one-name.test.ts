// docs/operating/one-name.md: its commands, one after the other, with the server that they configure.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MAIN } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { fencedBlocks, REPOSITORY } from '../support/installation.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runProgram, startProcess } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const PAGE = readFileSync(join(REPOSITORY, 'docs/operating/one-name.md'), 'utf8');

describeWith([{ command: 'dig', debianPackage: 'bind9-dnsutils' }], 'the page about one name', () => {
  it('works as it is written', async ({ onTestFinished }) => {
    const directory = freshDirectory('one-name');
    onTestFinished(() => removeNow(directory));
    writeFileSync(join(directory, 'dyndns'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
    chmodSync(join(directory, 'dyndns'), 0o755);
    const [dns, http] = [await freePort(), await freePort()];
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      PATH: `${directory}:${process.env['PATH']}`,
      DYNDNS_DNS_LISTEN: `127.0.0.1:${dns}`,
      DYNDNS_HTTP_LISTEN: `127.0.0.1:${http}`,
    };
    const run = async (word: string, more: NodeJS.ProcessEnv = {}) => {
      const input = fencedBlocks(PAGE, word).join('\n').replace('127.0.0.1:54321', `127.0.0.1:${http}`);
      const ported = input.replace('dig @127.0.0.1', `dig -p ${dns} @127.0.0.1`);
      const { code, stdout, stderr } = await runProgram('sh', ['-e', '-u'], {
        input: ported,
        env: { ...env, ...more },
        cwd: directory,
      });
      if (code !== 0) throw new Error(`"${word}": exit code ${code}\n${stdout}${stderr}`);
      return stdout;
    };
    const printed = await run('init');
    const [record = 'no record'] = /^home\.example\.org\. IN NS .*$/m.exec(PAGE) ?? [];
    expect(printed).toContain(`Add to the zone 'example.org.', at its primary:\n\n  ${record}\n`);
    const server = await startProcess({
      command: process.execPath,
      args: [MAIN, 'serve'],
      cwd: directory,
      env,
      ready: (output) => output.includes('listening on http'),
    });
    onTestFinished(() => server.stop());
    const TOKEN = /^([a-z0-9]{20,})$/m.exec(await run('token'))?.[1];
    expect(await run('update', { TOKEN })).toBe('good 192.0.2.1\n');
    expect(await run('query')).toBe('192.0.2.1\n');
  });
});
