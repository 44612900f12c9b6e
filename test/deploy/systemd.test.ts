// deploy/systemd/dyndns.service and its drop-in as they are: systemd's own opinion of them, and the promises that their
// comments make.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { REPOSITORY } from '../support/installation.ts';
import { freshDirectory, writeInto } from '../support/primary-server.ts';
import { removeNow, runProgram } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const UNIT = join(REPOSITORY, 'deploy/systemd/dyndns.service');

/** What dyndns needs to serve zones itself, on port 53. */
const DROP_IN = join(REPOSITORY, 'deploy/systemd/dyndns-embedded.conf');

/** The highest exposure, of 10, that systemd-analyze may find; 1.1 and, with the drop-in, 1.4 with systemd 252. */
const EXPOSURE_LIMIT = 1.5;

/** All values of a setting, in the order of the file. */
function settings(name: string, file = UNIT): readonly string[] {
  return [...readFileSync(file, 'utf8').matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map((match) => match[1] ?? '');
}

/** systemd-analyze on the unit as it would be installed, alone or with a drop-in of this text. */
async function analyze(command: readonly string[], dropIn: string | undefined) {
  const directory = freshDirectory('systemd');
  try {
    const unit = writeInto(directory, 'dyndns.service', readFileSync(UNIT, 'utf8'));
    mkdirSync(`${unit}.d`);
    if (dropIn !== undefined) writeInto(`${unit}.d`, '10-embedded.conf', dropIn);
    const env = { ...process.env, SYSTEMD_UNIT_PATH: `${directory}:` };
    return await runProgram('systemd-analyze', [...command, unit], { env });
  } finally {
    removeNow(directory);
  }
}

async function complaints(dropIn: string | undefined): Promise<readonly string[]> {
  const { code, stdout, stderr } = await analyze(['verify', '--recursive-errors=no'], dropIn);
  // Only the programs that the unit starts may be missing on the machine of the test.
  const found = (stdout + stderr)
    .split('\n')
    .filter((line) => line.includes('dyndns.service') && !/is not executable|Unit .* not found/.test(line));
  expect(code === 0 || found.length > 0 || stderr.includes('is not executable'), stderr).toBe(true);
  return found;
}

describeWith([{ command: 'systemd-analyze', debianPackage: 'systemd' }], 'the systemd unit', () => {
  const dropIn = readFileSync(DROP_IN, 'utf8');

  it.each([
    ['alone', undefined],
    ['with the drop-in for embedded zones', dropIn],
  ])('%s has nothing that systemd does not understand', async (_, text) => {
    expect(await complaints(text)).toEqual([]);
  });

  it('with a drop-in that systemd does not understand is found out', async () => {
    expect(await complaints(dropIn.replace('PrivateUsers', 'PrivateUser'))).toHaveLength(1);
  });

  it.each([
    ['alone', undefined],
    ['with the drop-in for embedded zones', dropIn],
  ])(`%s is exposed to at most ${EXPOSURE_LIMIT} of 10`, async (_, text) => {
    const { stdout, stderr } = await analyze(['security', '--offline=yes', '--no-pager'], text);
    const exposure = /Overall exposure level for dyndns\.service: (\d+\.\d+)/.exec(stdout)?.[1];
    expect(exposure, stderr).toBeDefined();
    expect(Number(exposure)).toBeLessThanOrEqual(EXPOSURE_LIMIT);
    // The drop-in was read, or was not there.
    expect(/ambient capabilities/.test(stdout.replaceAll(/^✓.*$/gm, ''))).toBe(text !== undefined);
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

it('the drop-in gives the one capability that port 53 needs, outside of a user namespace, and state to keep', () => {
  for (const name of ['CapabilityBoundingSet', 'AmbientCapabilities']) {
    expect([name, settings(name, DROP_IN)]).toEqual([name, ['CAP_NET_BIND_SERVICE']]);
  }
  expect(settings('PrivateUsers', DROP_IN)).toEqual(['no']);
  expect(settings('StateDirectory')).toEqual(['dyndns']);
});

it('the drop-in hands over the master secret only', () => {
  expect(settings('LoadCredential', DROP_IN)).toEqual(['', 'secret:/etc/dyndns/secret']);
});

it('the systemd unit reloads by the command that waits for the outcome, with the file of the start', () => {
  const [start = ''] = settings('ExecStart');
  const program = start.replace(/ --[a-z0-9-]+=\d+/g, '').replace(/ serve$/, '');
  expect(settings('ExecReload')).toEqual([`${program} reload`]);
});
