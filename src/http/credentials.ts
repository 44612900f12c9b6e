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
  if (match[1]!.toLowerCase() !== 'basic') return match[2];
  // A password may hold colons: only the first one ends the user name (RFC 7617 §2).
  const pair = Buffer.from(match[2]!, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : pair.slice(colon + 1);
}
