/** The caller's address where a request cannot be answered without it. */
import type { IpAddress } from '../../dns/address.ts';
import { AppError } from '../errors.ts';

/**
 * The caller's address. It is unknown behind a trusted proxy that does not name it: the proxy's own must not be used instead.
 * @throws AppError caller-unknown
 */
export function requireCaller(caller: IpAddress | undefined): IpAddress {
  if (caller !== undefined) return caller;
  throw new AppError(
    'caller-unknown',
    "The client's address is unknown: the trusted proxy in front of this server did not name it. " +
      'See the options http.client_address_header, http.trusted_proxies, and proxy_protocol in http.listen.',
  );
}
