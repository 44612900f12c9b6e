/**
 * The credential of a request: `Authorization` (Basic, Bearer, Token), then `X-Api-Key`, then the protocol's own
 * parameter. The first that is present decides; later ones are not tried. The user name of Basic is not part of it.
 */
import type { IncomingHttpHeaders } from 'node:http';

/** @param parameter the protocol's own, from path, query or body */
export function findCredential(headers: IncomingHttpHeaders, parameter: string | undefined): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) return fromAuthorization(authorization);
  const apiKey = headers['x-api-key'];
  if (apiKey !== undefined) return Array.isArray(apiKey) ? apiKey[0] : apiKey;
  return parameter;
}

/** Schemes are compared without case (RFC 9110 §11.1). Something else than these is present, and wrong. */
function fromAuthorization(header: string): string | undefined {
  const match = /^(basic|bearer|token)\s+(\S+)\s*$/i.exec(header);
  if (match === null) return undefined;
  return match[1]!.toLowerCase() === 'basic' ? splitBasic(match[2]!)?.password : match[2];
}

/** The user name of Basic; undefined where there is none. It is no part of the credential, but it may name a host. */
export function findUserName({ authorization }: IncomingHttpHeaders): string | undefined {
  const match = authorization === undefined ? null : /^basic\s+(\S+)\s*$/i.exec(authorization);
  return match === null ? undefined : splitBasic(match[1]!)?.user;
}

/** A password may hold colons: only the first one ends the user name (RFC 7617 §2). */
function splitBasic(base64: string): { user: string; password: string } | undefined {
  const pair = Buffer.from(base64, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}
