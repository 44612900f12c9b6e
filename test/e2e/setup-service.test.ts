/**
 * `dyndns setup` by root on a machine with the package: the last step writes /etc/dyndns.yml for the group of the service and starts
 * the unit. Folders of the system are those of a mount namespace, and systemctl is a script that starts the server as the unit does.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAIN } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { waitUntil } from '../support/process.ts';
import { type SetupLab, startSetupLab } from '../support/setup-lab.ts';

const ADMINISTRATOR = { name: 'alice', password: 'a password for tests' };

let directory: string;
let lab: SetupLab | undefined;
const pathOf = (name: string) => join(directory, name);
const servicePid = () => Number(readFileSync(pathOf('pid'), 'utf8'));

beforeEach(() => {
  directory = freshDirectory('setup-service');
  mkdirSync(pathOf('etc'));
  mkdirSync(pathOf('bin'));
  for (const name of ['passwd', 'group']) {
    const others = readFileSync(`/etc/${name}`, 'utf8').replace(/^dyndns:.*\n/m, '');
    const own = name === 'passwd' ? 'dyndns:x:990:991::/:/bin/false\n' : 'dyndns:x:991:\n';
    writeFileSync(pathOf(`etc/${name}`), others + own);
  }
  const systemctl = `#!/bin/sh
echo "$*" >>${pathOf('calls')}
case $1 in
  enable)
    if [ -e ${pathOf('broken')} ]; then echo 'Job for dyndns.service failed.' >&2; exit 1; fi
    RUNTIME_DIRECTORY=/run/dyndns ${process.execPath} ${MAIN} -c /etc/dyndns.yml serve >${pathOf('service.log')} 2>&1 &
    echo $! >${pathOf('pid')}
    until [ -S /var/lib/dyndns/control.sock ] && grep -q 'listening on http' ${pathOf('service.log')}; do sleep 0.1; done
    ;;
esac
`;
  writeFileSync(pathOf('bin/systemctl'), systemctl);
  chmodSync(pathOf('bin/systemctl'), 0o755);
});
afterEach(async () => {
  if (existsSync(pathOf('pid'))) process.kill(servicePid());
  await lab?.stop();
  lab = undefined;
});

async function open(): Promise<void> {
  const script = `mount --bind ${pathOf('etc')} /etc
mount -t tmpfs tmpfs /run && mkdir /run/dyndns
mount -t tmpfs tmpfs /var/lib && mkdir /var/lib/dyndns
exec "$@"`;
  lab = await startSetupLab({
    directory,
    file: '/etc/dyndns.yml',
    env: { PATH: `${pathOf('bin')}:${process.env['PATH']}` },
    wrapper: ['unshare', '--mount', 'sh', '-e', '-c', script, 'sh'],
  });
  await lab.signIn();
  await lab.call('PUT /v1/setup/administrator', ADMINISTRATOR);
  await lab.call('PUT /v1/setup/zone', { kind: 'embedded', zone: 'dyn.example.com', addresses: '192.0.2.1' });
  await lab.call('PUT /v1/setup/listen', { dns: `127.0.0.1:${await freePort()}` });
}

describe.skipIf(process.getuid?.() !== 0 || MAIN.startsWith('/home/'))('setup as root with the package', () => {
  it('starts the service, where the administrator can sign in by the link and by the password; the setup ends', async () => {
    await open();
    const { url } = await lab!.call<{ url: string }>('POST /v1/setup/finish', {});
    expect(readFileSync(pathOf('calls'), 'utf8')).toBe('enable --now dyndns\n');
    const { uid, gid, mode } = statSync(pathOf('etc/dyndns.yml'));
    expect([uid, gid, mode & 0o777]).toEqual([0, 991, 0o640]);
    expect(readFileSync(pathOf('etc/dyndns.yml'), 'utf8')).toContain("store: 'sqlite:/var/lib/dyndns/dyndns.db'\n");
    const link = /^\.\/#link=(.*)$/.exec(url)?.[1];
    expect((await lab!.send('POST /v1/sign-in', { link })).status).toBe(200);
    const { name: user, password } = ADMINISTRATOR;
    expect((await lab!.send('POST /v1/sign-in', { user, password })).status).toBe(200);
    expect(await lab!.process.ended).toBe(0);
  });

  it('that does not start is disabled again, the file is removed, and the page says where the log is', async () => {
    await open();
    writeFileSync(pathOf('broken'), '');
    const failed = await lab!.send('POST /v1/setup/finish', {});
    expect([failed.status, JSON.parse(failed.body)]).toMatchObject([
      409,
      { detail: expect.stringMatching(/Job for dyndns\.service failed\..*journalctl -u dyndns/s) },
    ]);
    expect(readFileSync(pathOf('calls'), 'utf8')).toBe('enable --now dyndns\ndisable --now dyndns\n');
    expect(existsSync(pathOf('etc/dyndns.yml'))).toBe(false);
    expect(existsSync(pathOf('etc/dyndns.yml.new'))).toBe(false);
    await waitUntil('the setup to answer again', async () => (await lab!.send('GET /v1/setup')).status === 200);
  });
});
