/** Who makes a request, from where and by which protocol: what rules and history need beside the request itself. */
import type { IpAddress } from '../../dns/address.ts';
import type { UpdateOrigin } from '../update-origin.ts';
import { MASTER, type Principal } from './principal.ts';

export interface RequestContext {
  readonly principal: Principal;
  /** Where the request comes from, as far as that can be trusted. */
  readonly caller: IpAddress | undefined;
  /** The other end of the connection: limits count a caller who is unknown under it. Absent or undefined on a unix socket. */
  readonly peer?: IpAddress | undefined;
  /** The name of a client protocol (`original`, `dyndns2`, `duckdns` …), `update` for DNS UPDATE, `cli`. */
  readonly protocol: string;
  /** As the client calls itself; empty if it does not. */
  readonly userAgent: string;
  readonly origin: UpdateOrigin;
}

/** The operator at the command line. */
export const OPERATOR: RequestContext = {
  principal: MASTER,
  caller: undefined,
  protocol: 'cli',
  userAgent: '',
  origin: 'operator',
};
