/** The helpers of the tests: children always end, missing programs are named, ports are free. */
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort } from './free-port.ts';
import { runProgram, startProcess, waitUntil } from './process.ts';
import { missingProgramsAdvice } from './programs.ts';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('startProcess', () => {
  it('waits until the child is ready, and stops it', async () => {
    const child = await startProcess({
      command: 'sh',
      args: ['-c', 'echo begin; echo ready; exec sleep 60'],
      ready: (output) => output.includes('ready\n'),
    });
    expect(child.output()).toBe('begin\nready\n');
    expect(isAlive(child.pid)).toBe(true);
    await child.stop();
    expect(isAlive(child.pid)).toBe(false);
  });

  it('shows the output of a child that ends before it is ready', async () => {
    await expect(
      startProcess({ command: 'sh', args: ['-c', 'echo no such zone >&2; exit 3'], ready: () => false }),
    ).rejects.toThrow(/sh ended before it was ready[\s\S]*no such zone/);
  });

  it('stops a child that is never ready', async () => {
    const started = startProcess({
      command: 'sh',
      args: ['-c', 'echo $$; exec sleep 60'],
      ready: () => false,
      readyTimeoutMs: 300,
    });
    const error: Error = await started.then(
      () => new Error('it was ready'),
      (reason: Error) => reason,
    );
    expect(error.message).toContain('Timeout after 300 ms while waiting for: sh to be ready');
    const pid = Number(/^(\d+)$/m.exec(error.message)?.[1]);
    expect(pid).toBeGreaterThan(1);
    expect(isAlive(pid)).toBe(false);
  });

  it('stops a child that is suspended by SIGSTOP', async () => {
    const child = await startProcess({ command: 'sleep', args: ['60'] });
    child.signal('SIGSTOP');
    await child.stop();
    expect(isAlive(child.pid)).toBe(false);
  });
});

it('a failing program is a result with its exit code and output', async () => {
  expect(await runProgram('sh', ['-c', 'cat; echo bad >&2; exit 4'], { input: 'in' })).toEqual({
    code: 4,
    stdout: 'in',
    stderr: 'bad\n',
  });
});

it('waitUntil names the condition in its error', async () => {
  await expect(waitUntil('the moon', () => false, 20)).rejects.toThrow(
    'Timeout after 20 ms while waiting for: the moon',
  );
});

it('missing programs are named with the one command that installs them', () => {
  expect(missingProgramsAdvice([{ command: 'sh', debianPackage: 'dash' }])).toBeUndefined();
  expect(
    missingProgramsAdvice([
      { command: 'sh', debianPackage: 'dash' },
      { command: 'no-such-server', debianPackage: 'no-such-package' },
      { command: '/no/such/file', debianPackage: 'another-package' },
    ]),
  ).toBe('no-such-server, /no/such/file not found: apt-get install -y no-such-package another-package');
});

it('freePort returns a port that can be bound, and a different one each time', async () => {
  const [first, second] = [await freePort(), await freePort()];
  expect(first).not.toBe(second);
  await new Promise<void>((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(first, '127.0.0.1', () => server.close(() => resolve()));
  });
});
