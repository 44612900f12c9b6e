/**
 * The credential of a request: `Authorization` (Basic, Bearer, Token), then `X-Api-Key`, then the protocol's own
 * parameter. The first that is present decides; the others are ignored. The user name of Basic is not part of it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { PARAMETERS, type Parameters } from './update-parameters.ts';

/** @param parameter the protocol's own, from path, query or body */
export function findCredential(headers: IncomingHttpHeaders, parameter: string | undefined): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) return fromAuthorization(authorization);
  const apiKey = headers['x-api-key'];
  if (apiKey !== undefined) return Array.isArray(apiKey) ? apiKey[0] : apiKey;
  return parameter;
}

/** Another scheme is a credential as well, and a wrong one. */
function fromAuthorization(header: string): string | undefined {
  const basic = readScheme('basic', header);
  if (basic !== undefined) return splitBasic(basic)?.password;
  return readScheme('bearer', header) ?? readScheme('token', header);
}

/** The user name of Basic; undefined where there is none. It is not part of the credential, but it may name a host. */
export function findUserName({ authorization }: IncomingHttpHeaders): string | undefined {
  const basic = authorization === undefined ? undefined : readScheme('basic', authorization);
  return basic === undefined ? undefined : splitBasic(basic)?.user;
}

/** The texts that may name the host of a request without one, in order: the user name of Basic, the parameters for a user name. */
export function findUserNames(headers: IncomingHttpHeaders, parameters: Parameters): readonly string[] {
  const names = [findUserName(headers), ...PARAMETERS.user.map((name) => parameters[name])];
  return names.filter((name) => name !== undefined && name !== '') as string[];
}

/** The text behind the scheme, which is compared without case (RFC 9110 §11.1); undefined for another scheme. */
function readScheme(scheme: 'basic' | 'bearer' | 'token', header: string): string | undefined {
  const { length } = scheme;
  for (let at = 0; at < length; at += 1) {
    if ((header.charCodeAt(at) | CASE_BIT) !== scheme.charCodeAt(at)) return undefined;
  }
  if (header.charCodeAt(length) !== SPACE) return undefined;
  const value = header.slice(length).trim();
  return value === '' || /\s/.test(value) ? undefined : value;
}

const CASE_BIT = 0x20;
const SPACE = 0x20;

/** A password may contain colons: only the first one ends the user name (RFC 7617 §2). */
function splitBasic(base64: string): { user: string; password: string } | undefined {
  const pair = decodeBase64(base64);
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

function decodeBase64(base64: string): string {
  if (base64.length > decoded.length) return Buffer.from(base64, 'base64').toString('utf8');
  return decoded.toString('utf8', 0, decoded.write(base64, 'base64'));
}

/** Reused: allocating a Buffer takes longer than decoding into one. */
const decoded = Buffer.alloc(512);
