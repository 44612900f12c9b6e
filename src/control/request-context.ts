/** The context of a change of addresses or records that an operation of the administration makes. */

import { OPERATOR, type RequestContext } from '../core/access/request-context.ts';
import { type AdminCaller, identified } from '../core/admin/caller.ts';

/** What the caller may do with the host was checked before. */
export function contextOf(anyCaller: AdminCaller): RequestContext {
  const caller = identified(anyCaller);
  if (caller.kind === 'operator') return OPERATOR;
  const { user, source, userAgent } = caller;
  return { ...OPERATOR, principal: { kind: 'master', user }, caller: source, protocol: 'api', userAgent };
}
