// docs/operating/tokens.md: its commands as they are, one after the other, with a server that runs and with none.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, type TestContext } from 'vitest';
import { MAIN } from '../support/dyndns.ts';
import { startEmbedded } from '../support/embedded-server.ts';
import { fencedBlocks, REPOSITORY } from '../support/installation.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runProgram } from '../support/process.ts';

const PAGE = readFileSync(join(REPOSITORY, 'docs/operating/tokens.md'), 'utf8');
const ZONE = 'dyndns.example.com';
const STORE = /^```yaml store\nstore: (sqlite:)\/var\/lib\/dyndns\/(\S+)\n```$/m.exec(PAGE)!;

async function open({ onTestFinished }: TestContext) {
  const server = await startEmbedded({ zone: ZONE, config: { store: `${STORE[1]}${STORE[2]}` } });
  onTestFinished(() => server.stop());
  const directory = freshDirectory('tokens-page');
  onTestFinished(() => removeNow(directory));
  writeFileSync(
    join(directory, 'dyndns'),
    `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' -c '${server.dyndns.configFile}' "$@"\n`,
  );
  chmodSync(join(directory, 'dyndns'), 0o755);

  async function run(word: string): Promise<string> {
    const input = fencedBlocks(PAGE, word).join('\n');
    const env = { ...process.env, PATH: `${directory}:${process.env['PATH']}` };
    const { code, stdout, stderr } = await runProgram('sh', ['-e', '-u'], {
      ...{ input, env, cwd: directory },
      // A block has many commands, each of which starts a program; the test has a limit of its own.
      timeoutMs: 110_000,
    });
    if (code !== 0) throw new Error(`"${word}": exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  }
  return { server, run, directory };
}

it.for([true, false])(
  'the page works as it is written, server running: %s',
  { timeout: 120_000 },
  async (running, context) => {
    const { server, run, directory } = await open(context);
    if (!running) await server.dyndns.process.stop();
    expect(existsSync(join(server.dyndns.directory, STORE[2]!))).toBe(true);
    const created = await run('create');
    expect(created).toContain(`@dyndns.example.com/nic/update?hostname=home.${ZONE}\n`);
    expect(created.match(/shown this once/g)).toHaveLength(5);
    const device = await run('device');
    expect(device).toMatch(/^ {2}Update URL {3}https:\/\/dyndns\.example\.com\/nic\/update\?hostname=<domain>/m);
    expect(device).toContain("\toption domain 'box.dyndns.example.com'\n");
    const listed = await run('list');
    for (const name of ['router1', 'lab', 'office', 'camera', 'guest'])
      expect(listed).toMatch(new RegExp(`^${name} `, 'm'));
    const [, shops = ''] = /^```csv batch\n([\s\S]*?)^```$/m.exec(PAGE) ?? [];
    writeFileSync(join(directory, 'shops.csv'), shops);
    const batch = await run('batch');
    expect(batch).toMatch(
      /^name,host,owner,secret\nshop1,shop1\.dyndns\.example\.com,,[a-z2-7]{32}\nshop2,\S+ till\.\S+,,\w+\n$/,
    );
    const rotated = await run('rotate');
    expect(rotated).toContain("The token 'router1' may change");
    expect(rotated).toContain("The token 'lab' was revoked.");
    expect(await run('print')).toContain(`tokens:\n  - name: printer\n`);
    const host = await run('host');
    expect(host).toMatch(/^ {2}ttl {8}60 s$/m);
    expect(host).toContain('were removed');
    if (running) {
      const target = `/update-by-query?fqdn=home.${ZONE}&ipv4=192.0.2.1`;
      await server.dyndns.ask(target, { headers: { Authorization: `Bearer ${server.secret}` } });
    }
    expect(await run('history')).toContain(running ? 'A none -> 192.0.2.1' : 'There are no events');
    expect(await run('purge')).toBe(
      `${running ? '1 event' : '0 events'} of 'home.${ZONE}.' ${running ? 'was' : 'were'} deleted.\n`,
    );
  },
);
