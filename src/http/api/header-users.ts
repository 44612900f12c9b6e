/**
 * Users whom a reverse proxy names in a header (`Remote-User`), because it signs them in itself. A header is what anyone may send, so
 * it counts only with a secret of the proxy next to it, from a peer that is trusted, and exactly once.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { tokenSha256 } from '../../core/access/token.ts';
import { AppError } from '../../core/errors.ts';
import type { UserStore } from '../../core/users/user-store.ts';
import type { IpPrefix } from '../../dns/address.ts';
import { isTrusted } from '../app/client-address.ts';
import type { ProxyUsers } from './api-routes.ts';

export interface HeaderUsersOptions {
  /** In lower case. */
  readonly header: string;
  readonly secret: string;
  readonly trustedProxies: readonly IpPrefix[];
  readonly users: Pick<UserStore, 'get'>;
}

const SECRET_HEADER = 'x-dyndns-proxy-secret';

export function headerUsers({ header, secret, trustedProxies, users }: HeaderUsersOptions): ProxyUsers {
  return {
    async userOf(request, peer) {
      const names = valuesOf(request, header);
      const secrets = valuesOf(request, SECRET_HEADER);
      if (names.length === 0 && secrets.length === 0) return undefined;
      const isFromProxy = peer === undefined || isTrusted(peer, trustedProxies);
      if (!isFromProxy) throw refused('it comes from an address that is not in `http.trusted_proxies`');
      if (secrets.length !== 1 || !isSame(secrets[0]!, secret))
        throw refused('the secret of the proxy is missing or wrong');
      if (names.length === 0) return undefined;
      if (names.length > 1) throw refused('it is there twice: the proxy must replace what a client sends');
      const user = await users.get(names[0]!.trim().toLowerCase());
      if (user !== undefined && user.disabledMs === undefined) return user;
      throw new AppError('not-permitted', 'The proxy names a user whom this server does not know, or who is disabled.');
    },
  };
}

/** Each value as it was sent: `headers` would join or drop some. */
function valuesOf({ rawHeaders }: IncomingMessage, name: string): readonly string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === name);
}

function isSame(sent: string, secret: string): boolean {
  return timingSafeEqual(Buffer.from(tokenSha256(sent)), Buffer.from(tokenSha256(secret)));
}

function refused(why: string): AppError {
  return new AppError('not-permitted', `The header that names a user is refused: ${why}.`);
}
