/** Who makes a request, from where and through which protocol: what rules and history need besides the request itself. */
import type { IpAddress } from '../../dns/address.ts';
import { MASTER, type Principal } from './principal.ts';

export interface RequestContext {
  readonly principal: Principal;
  /** The client address; undefined if it cannot be trusted or is unknown. */
  readonly caller: IpAddress | undefined;
  /** The name of a client protocol (`original`, `dyndns2`, `duckdns` …), `update` for DNS UPDATE, `cli`. */
  readonly protocol: string;
  /** The User-Agent header; empty without one. */
  readonly userAgent: string;
}

/** The operator at the command line. */
export const OPERATOR: RequestContext = { principal: MASTER, caller: undefined, protocol: 'cli', userAgent: '' };
