/** `npm run lab`: the commands that it prints work, and it takes everything along when it ends. */
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { REPOSITORY } from '../support/installation.ts';
import { runProgram, startProcess } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith, KNOT_PROGRAMS, POWERDNS_PROGRAMS } from '../support/require-server.ts';

const OTHERS = [
  { command: 'pebble', debianPackage: 'pebble' },
  { command: 'curl', debianPackage: 'curl' },
];

describeWith([...BIND_PROGRAMS, ...KNOT_PROGRAMS, ...POWERDNS_PROGRAMS, ...OTHERS], 'the laboratory', () => {
  it('prints commands that work, and leaves nothing behind', { timeout: 120_000 }, async () => {
    const lab = await startProcess({
      command: process.execPath,
      args: ['scripts/lab.mjs'],
      cwd: REPOSITORY,
      ready: (output) => output.includes('Ctrl-C stops everything'),
      readyTimeoutMs: 60_000,
    });
    const commands = [...lab.output().matchAll(/^ {2}((?:curl|dig) .*)$/gm)].map((match) => match[1]!);
    const directories = [...lab.output().matchAll(/ in (\/\S+)$/gm)].map((match) => match[1]!);
    expect([commands.length, directories.length]).toEqual([8, 3]);
    for (const command of commands) {
      const { stdout } = await runProgram('sh', ['-c', command]);
      expect(stdout, command).toMatch(command.startsWith('curl') ? /^UPDATED: / : /^192\.0\.2\.1\n$/);
    }
    const status = /^Commands: node (.*)$/m.exec(lab.output())?.[1]?.split(' ') ?? [];
    expect((await runProgram(process.execPath, status, { cwd: REPOSITORY })).stdout).toContain('own.example.com');
    lab.signal('SIGINT');
    expect(await lab.ended).toBe(0);
    expect(directories.filter((directory) => existsSync(directory))).toEqual([]);
  });
});
