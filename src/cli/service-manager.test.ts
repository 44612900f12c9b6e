/** The messages to systemd, sent by the real systemd-notify to a datagram socket that a Perl program reads. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startNotifySocket } from '../../test/support/notify-socket.ts';
import { describeWith } from '../../test/support/require-server.ts';
import { ServiceManager } from './service-manager.ts';

const PROGRAMS = [
  { command: 'systemd-notify', debianPackage: 'systemd' },
  { command: 'perl', debianPackage: 'perl' },
];

describeWith(PROGRAMS, 'the service manager', () => {
  it('learns in order that the server is ready, what it does, and that it ends', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'notify-'));
    const socket = await startNotifySocket(join(directory, 'socket'));
    onTestFinished(async () => {
      await socket.stop();
      rmSync(directory, { recursive: true });
    });
    vi.stubEnv('NOTIFY_SOCKET', socket.path);
    onTestFinished(() => void vi.unstubAllEnvs());
    const warnings: string[] = [];
    const manager = new ServiceManager(process.env, (text) => warnings.push(text));
    manager.status('Serves 1 zone.');
    manager.ready();
    manager.status('Serves 2 zones.');
    manager.status('Serves 2 zones.');
    await manager.stopping();
    expect(warnings).toEqual([]);
    expect(socket.messages().filter((line) => !line.startsWith('BARRIER'))).toEqual([
      'READY=1',
      'STATUS=Serves 1 zone.',
      'STATUS=Serves 2 zones.',
      'STATUS=Ends',
      'STOPPING=1',
    ]);
  });
});

it('a missing systemd-notify is one warning, and the server goes on', async () => {
  const warnings: string[] = [];
  const environment = { NOTIFY_SOCKET: '/run/systemd/notify' };
  const manager = new ServiceManager(environment, (text) => warnings.push(text), 'systemd-notify-that-is-missing');
  manager.ready();
  manager.status('Serves 2 zones.');
  await manager.stopping();
  expect(warnings).toEqual([expect.stringContaining('systemd-notify-that-is-missing failed: it is not installed.')]);
});

it('without systemd nothing is sent', async () => {
  const warnings: string[] = [];
  const manager = new ServiceManager({}, (text) => warnings.push(text), 'systemd-notify-that-is-missing');
  manager.ready();
  await manager.stopping();
  expect(warnings).toEqual([]);
});
