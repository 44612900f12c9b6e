/** The operations of a running server, over its control socket (socket-server.ts is the other end). */

import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import type { Operations } from '../core/admin/operations.ts';
import { errorText } from '../core/errors.ts';
import { ControlError } from './control-error.ts';
import { OperationClient } from './operation-client.ts';

/** The server behind a control socket; undefined if none listens. @throws ControlError if this user must not connect */
export async function findServer(path: string): Promise<Operations | undefined> {
  const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.once('error', resolve);
  });
  if (failure === undefined) return socketClient(path);
  if (failure.code !== 'EACCES' && failure.code !== 'EPERM') return undefined;
  throw new ControlError(
    `Only the server's own user may open the control socket '${path}'. Run the command as that user: sudo -u dyndns dyndns …`,
    { cause: failure },
  );
}

function socketClient(socketPath: string): Operations {
  return new OperationClient({
    request: (options) => httpRequest({ socketPath, agent: false, ...options }),
    connectionLost: (cause) => {
      const reason = errorText(cause);
      return new ControlError(
        `The server closed the connection of the control socket '${socketPath}' (${reason}). Its log has the reason.`,
        { cause },
      );
    },
  });
}
