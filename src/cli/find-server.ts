/** The running server of a configuration, behind its control socket. */
import { realpathSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { findServer } from '../control/socket-client.ts';

/**
 * Undefined where none is running. The default socket in the runtime directory may belong to a server with another
 * configuration, which must not run this one's commands; one beside the data belongs to the server of that data.
 * @throws ControlError
 */
export async function findServerOf(config: Config): ReturnType<typeof findServer> {
  const { control, controlIsDefault, store, dns, file } = config;
  const server = control === undefined ? undefined : await findServer(control);
  if (server === undefined || !controlIsDefault || store?.kind === 'sqlite' || dns !== undefined) return server;
  const { configFile } = await server.status();
  if (configFile !== undefined && file !== undefined && realPath(configFile) === realPath(file)) return server;
  const reads = configFile === undefined ? 'another configuration' : `the configuration '${configFile}'`;
  process.stderr.write(
    `WARNING: The server at '${control}' has ${reads}, not '${file}', and is not used. Set 'control' in both files.\n`,
  );
  return undefined;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
