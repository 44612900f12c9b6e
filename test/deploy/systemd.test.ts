// deploy/systemd/dyndns.service as it is: systemd's own opinion of it, and the promises that its comments make.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { REPOSITORY } from '../support/installation.ts';
import { runProgram } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const UNIT = join(REPOSITORY, 'deploy/systemd/dyndns.service');

/** The highest exposure, of 10, that systemd-analyze may find; 1.1 with systemd 252. */
const EXPOSURE_LIMIT = 1.5;

/** All values of a setting, in the order of the file. */
function settings(name: string): readonly string[] {
  return [...readFileSync(UNIT, 'utf8').matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map((match) => match[1] ?? '');
}

describeWith([{ command: 'systemd-analyze', debianPackage: 'systemd' }], 'the systemd unit', () => {
  it('has nothing that systemd does not understand', async () => {
    const { code, stdout, stderr } = await runProgram('systemd-analyze', ['verify', '--recursive-errors=no', UNIT]);
    // Only the programs that the unit starts may be missing on the machine of the test.
    const complaints = (stdout + stderr)
      .split('\n')
      .filter((line) => line.includes('dyndns.service') && !/is not executable|Unit .* not found/.test(line));
    expect(complaints).toEqual([]);
    expect(code === 0 || stderr.includes('is not executable')).toBe(true);
  });

  it(`is exposed to at most ${EXPOSURE_LIMIT} of 10`, async () => {
    const { stdout, stderr } = await runProgram('systemd-analyze', ['security', '--offline=yes', '--no-pager', UNIT]);
    const exposure = /Overall exposure level for dyndns\.service: (\d+\.\d+)/.exec(stdout)?.[1];
    expect(exposure, stderr).toBeDefined();
    expect(Number(exposure)).toBeLessThanOrEqual(EXPOSURE_LIMIT);
  });
});

it('the systemd unit leaves writable executable memory allowed, which the compiler of V8 needs', () => {
  expect(settings('MemoryDenyWriteExecute')).toEqual(['no']);
});

it('the systemd unit hands over exactly the secrets that deploy/dyndns.yml names', () => {
  const configuration = readFileSync(join(REPOSITORY, 'deploy/dyndns.yml'), 'utf8');
  const named = [...configuration.matchAll(/\{file: \/run\/credentials\/dyndns\.service\/(\w+)\}/g)].map((m) => m[1]);
  const handedOver = settings('LoadCredential').map((value) => value.split(':')[0]);
  expect(handedOver.toSorted()).toEqual(named.toSorted());
  expect(settings('LoadCredential').map((value) => value.split(':')[1])).toEqual([
    '/etc/dyndns/secret',
    '/etc/dyndns/tsig_key',
  ]);
});

it('the socket of deploy/dyndns.yml lies in the directory that systemd makes for the group of nginx', () => {
  const configuration = readFileSync(join(REPOSITORY, 'deploy/dyndns.yml'), 'utf8');
  const site = readFileSync(join(REPOSITORY, 'deploy/nginx/dyndns.conf'), 'utf8');
  const socket = `unix:/run/${settings('RuntimeDirectory')[0]}/http.sock`;
  expect(configuration).toContain(`listen: ['${socket}']`);
  expect(configuration).toContain("socket_mode: '664'");
  expect(site).toContain(`server ${socket};`);
  expect(settings('Group')).toEqual(['www-data']);
  expect(settings('RuntimeDirectoryMode')).toEqual(['0750']);
});
