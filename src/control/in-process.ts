/** The operations of the administration in this process: for the control socket, the HTTP API, and commands without a server. */

import { NO_BODY, OPERATOR_CALLER } from '../core/admin/caller.ts';
import { type AdminChange, Dispatcher } from '../core/admin/dispatch.ts';
import type { Input, OperationName, Operations, Result } from '../core/admin/operations.ts';
import { readHost } from './domain-values.ts';
import { handlersOf, type OperationParts } from './handlers.ts';

export type { OperationParts, ServerCalls } from './handlers.ts';

/** @param audit see DispatchOptions */
export function dispatcherOf(parts: OperationParts, audit?: (change: AdminChange) => Promise<void>): Dispatcher {
  return new Dispatcher({
    handlers: handlersOf(parts),
    readHost,
    access: {
      hostAccess: async ({ user }, host) => (await parts.administration()).hosts.accessOf(user.id, host),
      ownsToken: async ({ user }, name) => (await parts.administration()).tokens.belongsTo(name, user.id),
    },
    audit,
  });
}

/** For the operator, who has every right. @param audit see DispatchOptions */
export function operationsInProcess(parts: OperationParts, audit?: (change: AdminChange) => Promise<void>): Operations {
  const dispatcher = dispatcherOf(parts, audit);
  return {
    call<Name extends OperationName>(name: Name, input: Input<Name>, body = NO_BODY): Promise<Result<Name>> {
      return dispatcher.call(name, input, { caller: OPERATOR_CALLER, body });
    },
  };
}
