// The default control socket in the runtime directory of the service: found by commands, and never a reason not to start.
import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type RunningDyndns, runDyndns, startDyndns } from '../support/dyndns.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';

const ZONE = { name: 'dyn.example.com', nameserver: '127.0.0.1', tsig_key: 'dGVzdA==' };
const CONFIG = { secret: 'masterSecretOfTests', zones: [ZONE] };
const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function runtimeDirectory(): string {
  const directory = freshDirectory('runtime');
  ends.push(() => removeNow(directory));
  return directory;
}

async function startIn(directory: string): Promise<RunningDyndns> {
  const server = await startDyndns(CONFIG, { env: { RUNTIME_DIRECTORY: directory } });
  ends.push(() => server.stop());
  return server;
}

const messages = (server: RunningDyndns) => server.log().map(({ msg }) => msg);

it('is opened with mode 0600, and a command with the same variable finds the server', async () => {
  const directory = runtimeDirectory();
  const server = await startIn(directory);
  const socket = join(directory, 'control.sock');
  expect(messages(server)).toContain(`admin commands at unix:${socket}`);
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  const env = { RUNTIME_DIRECTORY: directory };
  const status = await runDyndns(['-c', server.configFile, 'status', '--json'], { env: { ...process.env, ...env } });
  expect(JSON.parse(status.stdout)).toMatchObject({ pid: server.process.pid, configFile: server.configFile });
  const config = await runDyndns(['-c', server.configFile, 'config'], { env: { ...process.env, ...env } });
  expect(config.stdout).toMatch(
    new RegExp(`^control: 'unix:${socket}' +# default \\(in the runtime directory\\)$`, 'm'),
  );
});

it('is left out with a warning where the directory does not exist or the path is taken by a file', async () => {
  const directory = runtimeDirectory();
  const missing = await startIn(join(directory, 'missing'));
  expect(messages(missing)).toContainEqual(expect.stringMatching(/does not exist\. The server runs without a control/));
  expect(messages(missing)).not.toContainEqual(expect.stringContaining('admin commands at'));
  mkdirSync(join(directory, 'taken', 'control.sock'), { recursive: true });
  chmodSync(join(directory, 'taken'), 0o700);
  const taken = await startIn(join(directory, 'taken'));
  expect(messages(taken)).toContainEqual(expect.stringMatching(/^Cannot listen .* The server runs without a control/));
});

it('belongs to the first of two servers; commands of the other one leave it alone', async () => {
  const directory = runtimeDirectory();
  const env = { ...process.env, RUNTIME_DIRECTORY: directory };
  const first = await startIn(directory);
  const second = await startIn(directory);
  expect(messages(second)).toContainEqual(expect.stringMatching(/another dyndns .*The server runs without a control/));
  const ofSecond = await runDyndns(['-c', second.configFile, 'status'], { env });
  expect(ofSecond.code).toBe(1);
  expect(ofSecond.stderr).toContain(
    `WARNING: The server at '${join(directory, 'control.sock')}' has the configuration '${first.configFile}', not '${second.configFile}', and is not used. Set 'control' in both files.\n`,
  );
  await second.process.stop();
  expect(existsSync(join(directory, 'control.sock'))).toBe(true);
  expect((await runDyndns(['-c', first.configFile, 'status'], { env })).code).toBe(0);
});
