/**
 * Checks the SvcParams of SVCB and HTTPS as BIND does when it transfers a zone: their order and the values of known keys
 * (RFC 9460 §2.2, §7), the keys that `mandatory` lists (RFC 9460 §8), and dohpath (RFC 9461 §5).
 */
import type { WireReader } from './reader.ts';

const MANDATORY = 0;
const ALPN = 1;
const NO_DEFAULT_ALPN = 2;

/** NSD has room for 64 fields, of which priority and target are two. */
const MAX_PARAMS = 62;

/** Reads the rest of the RDATA. @throws WireError */
export function checkSvcParams(reader: WireReader): void {
  const keys = new Set<number>();
  let mandatory: readonly number[] = [];
  let previous = -1;
  while (reader.remaining > 0) {
    const key = reader.u16();
    const value = reader.bytes(reader.u16());
    if (key <= previous) reader.fail('SvcParamKeys are not in increasing order');
    if (VALUES.get(key)?.(value) === false) reader.fail(`a malformed value of SvcParamKey ${key}`);
    if (key === MANDATORY) mandatory = keyList(value);
    keys.add(key);
    previous = key;
  }
  if (keys.size > MAX_PARAMS) reader.fail(`more than ${MAX_PARAMS} SvcParams`);
  if (keys.has(NO_DEFAULT_ALPN) && !keys.has(ALPN)) reader.fail('no-default-alpn without alpn');
  for (const key of mandatory) if (!keys.has(key)) reader.fail(`the mandatory SvcParamKey ${key} is missing`);
}

function keyList(value: Uint8Array): number[] {
  return Array.from({ length: value.length >> 1 }, (_, i) => value[i * 2]! * 256 + value[i * 2 + 1]!);
}

/** Keys in increasing order, without `mandatory` itself (RFC 9460 §8). */
function isMandatory(value: Uint8Array): boolean {
  if (value.length === 0 || value.length % 2 > 0) return false;
  return keyList(value).every((key, i, keys) => key > (keys[i - 1] ?? MANDATORY));
}

function isAlpn(value: Uint8Array): boolean {
  let at = 0;
  while (at < value.length) {
    if (value[at] === 0) return false;
    at += value[at]! + 1;
  }
  return value.length > 0 && at === value.length;
}

const addresses =
  (size: number) =>
  (value: Uint8Array): boolean =>
    value.length > 0 && value.length % size === 0;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Text between expressions, and a variable; an octet in hexadecimal after a percent sign was replaced before. */
const LITERAL = /^[^%}]*$/;
/** BIND does not see a variable behind one with a prefix modifier, so that these are refused. */
const VARIABLE = /^\w+\*?$/;

/** A relative URI template (RFC 6570 §2) with the variable `dns` (RFC 9461 §5). */
function isDohPath(value: Uint8Array): boolean {
  let text: string;
  try {
    text = UTF8.decode(value).replace(/%[0-9a-f]{2}/gi, '_');
  } catch {
    return false;
  }
  const [first = '', ...parts] = text.split('{');
  if (!first.startsWith('/') || !LITERAL.test(first)) return false;
  let hasDns = false;
  for (const part of parts) {
    const close = part.indexOf('}');
    if (close < 0 || !LITERAL.test(part.slice(close + 1))) return false;
    const variables = part.slice('+#./;?&'.includes(part[0]!) ? 1 : 0, close).split(',');
    if (!variables.every((variable) => VARIABLE.test(variable))) return false;
    hasDns ||= variables.some((variable) => variable === 'dns' || variable === 'dns*');
  }
  return hasDns;
}

const VALUES: ReadonlyMap<number, (value: Uint8Array) => boolean> = new Map([
  [MANDATORY, isMandatory],
  [ALPN, isAlpn],
  [NO_DEFAULT_ALPN, (value) => value.length === 0],
  [3, (value) => value.length === 2], // port
  [4, addresses(4)], // ipv4hint
  [5, (value) => value.length > 0], // ech
  [6, addresses(16)], // ipv6hint
  [7, isDohPath],
]);
