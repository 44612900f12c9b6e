/**
 * Ends `dyndns setup` with the service of an installed package: systemd starts it under its own user, to whom the databases
 * then belong. The administrator is stored through the control socket.
 */
import { execFile } from 'node:child_process';
import { findServer } from '../control/socket-client.ts';
import { setFirstPassword } from '../setup/first-password.ts';
import type { StartedServer, StartRequest } from '../setup/wizard.ts';
import { CommandError } from './output.ts';

const UNIT = 'dyndns';

export interface ServiceFile {
  /** Puts the configuration file in place. */
  install(): void;
  remove(): void;
  /** The control socket of the running service. */
  control(): string | undefined;
}

/** @throws CommandError; the service is then disabled and its file removed */
export async function startService(
  administrator: StartRequest['administrator'],
  file: ServiceFile,
): Promise<StartedServer> {
  file.install();
  try {
    // Type=notify: it returns when the server serves.
    await systemctl('enable', '--now', UNIT);
    const control = file.control();
    const server = control === undefined ? undefined : await findServer(control);
    if (server === undefined) throw new CommandError(`The service runs, but nothing listens on its socket ${control}.`);
    const { http } = await server.call('status', {});
    const { name, password } = administrator;
    await server.call('createUser', { name, role: 'admin' });
    const newFragment = async () => new URL((await server.call('createLink', { user: name })).url).hash.slice(1);
    await setFirstPassword(http, await newFragment(), password);
    return { addresses: http, fragment: await newFragment() };
  } catch (error) {
    await systemctl('disable', '--now', UNIT).catch(() => undefined);
    file.remove();
    throw error;
  }
}

/** @throws CommandError with where the log is */
function systemctl(...args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('systemctl', args, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else {
        const text = `'systemctl ${args.join(' ')}' failed: ${stderr.trim() || error.message}. The log says why: journalctl -u ${UNIT} -n 20`;
        reject(new CommandError(text));
      }
    });
  });
}
