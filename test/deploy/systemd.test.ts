// deploy/systemd/dyndns.service, its drop-in and the template of several servers as they are: systemd's own opinion of them, and the promises that their
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

/** The unit of one of several servers: of the instance `a` here. */
const TEMPLATE = join(REPOSITORY, 'deploy/systemd/dyndns@.service');

/** The highest exposure, of 10, that systemd-analyze may find; 1.3 and, with the drop-in, 1.6 with systemd 252. */
const EXPOSURE_LIMIT = 1.7;

/** All values of a setting, in the order of the file. */
function settings(name: string, file = UNIT): readonly string[] {
  return [...readFileSync(file, 'utf8').matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map((match) => match[1] ?? '');
}

/** systemd-analyze on a unit as it would be installed, alone or with a drop-in of this text. */
async function analyze(command: readonly string[], dropIn: string | undefined, name = 'dyndns.service', file = UNIT) {
  const directory = freshDirectory('systemd');
  try {
    const unit = writeInto(directory, name, readFileSync(file, 'utf8'));
    mkdirSync(`${unit}.d`);
    if (dropIn !== undefined) writeInto(`${unit}.d`, '10-embedded.conf', dropIn);
    const env = { ...process.env, SYSTEMD_UNIT_PATH: `${directory}:` };
    return await runProgram('systemd-analyze', [...command, unit], { env });
  } finally {
    removeNow(directory);
  }
}

/**
 * Programs that the unit starts may be missing on the machine of the test, and systemd before version 254 ignores two settings, as
 * the unit says.
 */
const EXPECTED =
  /is not executable|Unit .* not found|Unknown key '(RestartSteps|RestartMaxDelaySec)' in section \[Service\]/;

async function complaints(
  dropIn: string | undefined,
  name = 'dyndns.service',
  file = UNIT,
): Promise<readonly string[]> {
  const { code, stdout, stderr } = await analyze(['verify', '--recursive-errors=no'], dropIn, name, file);
  const found = (stdout + stderr).split('\n').filter((line) => line.includes(name) && !EXPECTED.test(line));
  expect(code === 0 || found.length > 0 || EXPECTED.test(stderr), stderr).toBe(true);
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

  it('of several servers has nothing that systemd does not understand', async () => {
    expect(await complaints(undefined, 'dyndns@a.service', TEMPLATE)).toEqual([]);
    expect(await complaints('[Service]\nPrivateUser=yes\n', 'dyndns@a.service', TEMPLATE)).toHaveLength(1);
  });

  it(`of several servers is exposed to at most ${EXPOSURE_LIMIT} of 10`, async () => {
    const command = ['security', '--offline=yes', '--no-pager'];
    const { stdout, stderr } = await analyze(command, undefined, 'dyndns@a.service', TEMPLATE);
    const exposure = /Overall exposure level for dyndns@a\.service: (\d+\.\d+)/.exec(stdout)?.[1];
    expect(exposure, stderr).toBeDefined();
    expect(Number(exposure)).toBeLessThanOrEqual(EXPOSURE_LIMIT);
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

it('a credential whose file is missing is empty, so that the unit starts without it; the drop-in changes none of them', () => {
  for (const file of [UNIT, TEMPLATE]) {
    const names = settings('LoadCredential', file).map((value) => value.split(':')[0]);
    expect(settings('SetCredential', file)).toEqual(names.map((name) => `${name}:\\n`));
  }
  expect(settings('LoadCredential', DROP_IN)).toEqual([]);
});

it('the systemd unit reloads by the command that waits for the outcome, with the file of the start', () => {
  const [start = ''] = settings('ExecStart');
  const program = start.replace(/ --[a-z0-9-]+=\d+/g, '').replace(/ serve$/, '');
  expect(settings('ExecReload')).toEqual([`${program} reload`]);
});

/** The settings of a unit in their order, without comments. */
function lines(file: string): readonly string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

it('the unit of several servers differs from that of one in the instance and the store', () => {
  const ofInstance = (line: string) =>
    line
      .replace('/etc/dyndns.yml', '/etc/dyndns/%i.yml')
      .replace(/^((?:Runtime|State)Directory=dyndns)$/, '$1-%i')
      .replace('over HTTP', 'over HTTP (%i)')
      .replace('debian-bind.md', 'several-servers.md')
      .replace('After=network.target', 'After=network-online.target postgresql.service');
  const more = ['Wants=network-online.target', 'LoadCredential=store:/etc/dyndns/store', 'SetCredential=store:\\n'];
  const template = lines(TEMPLATE);
  expect(template.filter((line) => !more.includes(line))).toEqual(lines(UNIT).map(ofInstance));
  for (const line of more) expect(template).toContain(line);
});

it('the unit of several servers hands over exactly the secrets that deploy/several-servers.yml names, in its own directories', () => {
  const configuration = readFileSync(join(REPOSITORY, 'deploy/several-servers.yml'), 'utf8');
  const named = [...configuration.matchAll(/\{file: \/run\/credentials\/dyndns@a\.service\/(\w+)\}/g)].map((m) => m[1]);
  const handedOver = settings('LoadCredential', TEMPLATE).map((value) => value.split(':')[0]);
  expect(handedOver.toSorted()).toEqual(named.toSorted());
  const [directory = ''] = settings('RuntimeDirectory', TEMPLATE);
  for (const socket of ['http.sock', 'control.sock'])
    expect(configuration).toContain(`unix:/run/${directory.replace('%i', 'a')}/${socket}`);
});

it.each([
  ['of one server', UNIT],
  ['of several servers', TEMPLATE],
])('the unit %s is started again for as long as it takes, but not with an invalid configuration', (_, file) => {
  const only = (name: string) => settings(name, file).join();
  expect([only('Restart'), only('RestartPreventExitStatus')]).toEqual(['on-failure', '2']);
  expect([only('StartLimitIntervalSec'), only('RestartSec')]).toEqual(['0', '5']);
  expect([only('Type'), only('NotifyAccess')]).toEqual(['notify', 'all']);
});
