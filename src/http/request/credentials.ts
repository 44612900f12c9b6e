/**
 * The candidates for the credential of a request, in order: the password of Basic and its user name (or `Bearer`, `Token`),
 * `X-Api-Key`, the protocol's own place (the path, for example), the parameters. The first that is a credential decides, because
 * routers fill in dummy user names, and proxies put their own `Authorization` in front of a right token.
 *
 * Left out: other schemes (Digest, Negotiate). They are no candidates, and do not hide one.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Candidate } from '../../core/access/authenticate.ts';
import { PARAMETERS, type Parameters } from './update-parameters.ts';

/** Candidates of one request; later ones are ignored. */
export const MAX_CANDIDATES = 6;

/**
 * @param parameters query and form; undefined where only headers may have a credential
 * @param own the texts in the places that the protocol alone has, in order
 */
export function findCandidates(
  headers: IncomingHttpHeaders,
  parameters: Parameters | undefined,
  ...own: readonly (string | undefined)[]
): Candidate[] {
  const found: Candidate[] = [];
  const { authorization } = headers;
  if (authorization !== undefined) addAuthorization(found, authorization);
  const apiKey = headers['x-api-key'];
  if (apiKey !== undefined) add(found, headerText(Array.isArray(apiKey) ? apiKey[0] : apiKey), false);
  for (const text of own) add(found, text, false);
  if (parameters !== undefined && hasCredential(parameters)) {
    for (const name of PARAMETERS.credential) add(found, parameters[name], false);
  }
  return found;
}

/** The candidate in a header of its own, where a request may have its credential nowhere else. */
export function headerCandidate(header: string | readonly string[] | undefined): Candidate | undefined {
  const found: Candidate[] = [];
  add(found, headerText(typeof header === 'string' ? header : header?.[0]), false);
  return found[0];
}

const CREDENTIAL_NAMES: ReadonlySet<string> = new Set(PARAMETERS.credential);

/** Most requests have a few parameters, and none of these: faster than to look for each. */
function hasCredential(parameters: Parameters): boolean {
  for (const name in parameters) if (CREDENTIAL_NAMES.has(name)) return true;
  return false;
}

function add(found: Candidate[], text: string | undefined, isUserName: boolean): void {
  if (!text) return;
  for (let at = 0; at < found.length; at += 1) {
    if (found[at]!.text !== text) continue;
    // It stands in another place, too, where the master secret counts.
    if (!isUserName) found[at] = { text, isUserName };
    return;
  }
  if (found.length < MAX_CANDIDATES) found.push({ text, isUserName });
}

function addAuthorization(found: Candidate[], header: string): void {
  const basic = readScheme('basic', header);
  if (basic === undefined) {
    add(found, headerText(readScheme('bearer', header) ?? readScheme('token', header)), false);
    return;
  }
  const { user, password } = splitBasic(basic);
  add(found, password, false);
  add(found, user, true);
}

/**
 * The texts that may name the host of a request without one, in order: the user name of Basic, the parameter for a user name, and
 * `token`, in which inadyn's plugin for ipv64.net sends the host.
 */
export function findUserNames(headers: IncomingHttpHeaders, parameters: Parameters): readonly string[] {
  const names = [findUserName(headers), ...PARAMETERS.user.map((name) => parameters[name]), parameters['token']];
  return names.filter((name) => name !== undefined && name !== '') as string[];
}

/** The user name of Basic; undefined where there is none. It may name a host. */
export function findUserName({ authorization }: IncomingHttpHeaders): string | undefined {
  const basic = authorization === undefined ? undefined : readScheme('basic', authorization);
  return basic === undefined ? undefined : splitBasic(basic).user;
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

/**
 * A password may contain colons: only the first one ends the user name (RFC 7617 §2). Without a colon all is the user name.
 * Padding may be missing, and base64url is read, too.
 */
function splitBasic(base64: string): { user: string; password: string } {
  const pair = decodeBase64(base64);
  const colon = pair.indexOf(':');
  return colon < 0 ? { user: pair, password: '' } : { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

function decodeBase64(base64: string): string {
  const octets = base64.length > decoded.length ? Buffer.from(base64, 'base64') : decoded;
  const length = octets === decoded ? decoded.write(base64, 'base64') : octets.length;
  const text = octets.toString('utf8', 0, length);
  return text.includes(REPLACEMENT) ? decodePair(octets.subarray(0, length)) : text;
}

/** Stands for octets that are not UTF-8. */
const REPLACEMENT = '\ufffd';

/** Decodes user name and password each by itself: one of them may be latin-1, which old clients send. */
function decodePair(octets: Buffer): string {
  const colon = octets.indexOf(':');
  if (colon < 0) return decodeText(octets);
  return `${decodeText(octets.subarray(0, colon))}:${decodeText(octets.subarray(colon + 1))}`;
}

/** UTF-8, else latin-1. */
function decodeText(octets: Buffer): string {
  const text = octets.toString('utf8');
  return Buffer.from(text, 'utf8').equals(octets) ? text : octets.toString('latin1');
}

/** The text of a header: node reads each octet as latin-1, and many clients send UTF-8. */
function headerText(value: string | undefined): string | undefined {
  return value !== undefined && /[\x80-\xff]/.test(value) ? decodeText(Buffer.from(value, 'latin1')) : value;
}

/** Reused: allocating a Buffer takes longer than decoding into one. */
const decoded = Buffer.alloc(512);
