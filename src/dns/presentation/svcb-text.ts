/**
 * SvcParams in presentation form (RFC 9460 §2.1, §7, appendix A): `alpn=h2,h3 port=443 key667="any octets"`.
 *
 * A value that is malformed for its key is formatted as `key3="…"`. wire/svcb-check.ts checks what zones may have.
 */

import { formatIpv4, formatIpv6, ipv4Octets, ipv6Octets, parseIpAddress } from '../address.ts';
import { excerpt } from '../excerpt.ts';
import type { TextField } from './text-fields.ts';
import { PresentationError, quoteText, unescapeText } from './text-tokens.ts';

interface ParamSyntax {
  readonly key: string;
  /** @param value undefined without `=` */
  read(value: Buffer | undefined): Uint8Array;
  /** The text after `=`; empty if there is no `=`; undefined if the octets are malformed for the key. */
  print(octets: Uint8Array): string | undefined;
}

const SAFE_TEXT = /^[\w.:/+,-]+$/;
const latin1 = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1');

function listItems(key: string, value: Buffer | undefined): string[] {
  if (value === undefined || value.length === 0) throw new PresentationError(`${key} needs a value: ${key}=…`);
  return value.toString('latin1').split(',');
}

/** Splits a list whose commas and backslashes inside items are escaped by a backslash (RFC 9460 appendix A.1). */
function escapedItems(value: Buffer): string[] {
  const items: string[] = [''];
  for (const [part, escaped] of value.toString('latin1').matchAll(/\\(.)|,|[^\\,]+|\\$/gs)) {
    if (escaped !== undefined) items[items.length - 1] += escaped;
    else if (part === ',') items.push('');
    else items[items.length - 1] += part;
  }
  return items;
}

function addresses(key: string, family: 4 | 6): ParamSyntax {
  const size = family === 4 ? 4 : 16;
  return {
    key,
    read: (value) =>
      Buffer.concat(
        listItems(key, value).map((text) => {
          if (parseIpAddress(text)?.family !== family) {
            throw new PresentationError(`'${excerpt(text)}' in ${key} is not an IPv${family} address`);
          }
          return family === 4 ? ipv4Octets(text) : ipv6Octets(text);
        }),
      ),
    print: (octets) => {
      if (octets.length === 0 || octets.length % size !== 0) return undefined;
      const texts: string[] = [];
      for (let at = 0; at < octets.length; at += size) {
        texts.push(family === 4 ? formatIpv4(octets, at) : formatIpv6(octets, at));
      }
      return texts.join(',');
    },
  };
}

const SYNTAX = new Map<number, ParamSyntax>([
  [
    0,
    {
      key: 'mandatory',
      read: (value) => {
        const codes = listItems('mandatory', value)
          .map(keyCode)
          .sort((a, b) => a - b);
        if (codes[0] === 0) throw new PresentationError('mandatory must not list itself (RFC 9460 §8)');
        if (new Set(codes).size !== codes.length) throw new PresentationError('mandatory lists a key twice');
        return Uint8Array.from(codes.flatMap((code) => [code >> 8, code & 0xff]));
      },
      print: (octets) => {
        if (octets.length === 0 || octets.length % 2 !== 0) return undefined;
        const codes = Array.from({ length: octets.length / 2 }, (_, i) => octets[i * 2]! * 256 + octets[i * 2 + 1]!);
        return codes.every((code, i) => code > (codes[i - 1] ?? 0)) ? codes.map(keyText).join(',') : undefined;
      },
    },
  ],
  [
    1,
    {
      key: 'alpn',
      read: (value) => {
        const ids = escapedItems(value ?? Buffer.alloc(0));
        if (ids.some((id) => id.length < 1 || id.length > 255)) {
          throw new PresentationError('alpn needs protocol ids of 1 to 255 octets, such as alpn=h2,h3');
        }
        return Buffer.from(ids.map((id) => String.fromCharCode(id.length) + id).join(''), 'latin1');
      },
      print: (octets) => {
        const ids: string[] = [];
        for (let at = 0; at < octets.length; at += octets[at]! + 1) {
          if (octets[at] === 0 || at + octets[at]! >= octets.length) return undefined;
          ids.push(latin1(octets.subarray(at + 1, at + 1 + octets[at]!)));
        }
        if (ids.length === 0) return undefined;
        const text = ids.map((id) => id.replace(/[,\\]/g, '\\$&')).join(',');
        return SAFE_TEXT.test(text) ? text : quoteText(Buffer.from(text, 'latin1'));
      },
    },
  ],
  [
    2,
    {
      key: 'no-default-alpn',
      read: (value) => {
        if (value !== undefined) throw new PresentationError('no-default-alpn has no value');
        return new Uint8Array();
      },
      print: (octets) => (octets.length === 0 ? '' : undefined),
    },
  ],
  [
    3,
    {
      key: 'port',
      read: (value) => {
        const text = value?.toString('latin1') ?? '';
        if (!/^\d{1,5}$/.test(text) || Number(text) > 0xffff) {
          throw new PresentationError(`port must be a number from 0 to 65535; it is '${excerpt(text)}'`);
        }
        return Uint8Array.of(Number(text) >> 8, Number(text) & 0xff);
      },
      print: (octets) => (octets.length === 2 ? String(octets[0]! * 256 + octets[1]!) : undefined),
    },
  ],
  [4, addresses('ipv4hint', 4)],
  [
    5,
    {
      key: 'ech',
      read: (value) => {
        const text = value?.toString('latin1') ?? '';
        if (text.length % 4 !== 0 || !/^[a-z0-9+/]+={0,2}$/i.test(text)) {
          throw new PresentationError(`ech must be base64; it is '${excerpt(text)}'`);
        }
        return Buffer.from(text, 'base64');
      },
      print: (octets) => Buffer.from(octets).toString('base64') || undefined,
    },
  ],
  [6, addresses('ipv6hint', 6)],
  [
    7,
    {
      key: 'dohpath',
      read: (value) => value ?? new Uint8Array(),
      print: (octets) => (octets.length === 0 ? undefined : quoteText(octets)),
    },
  ],
]);

const CODES = new Map([...SYNTAX].map(([code, { key }]) => [key, code]));

function keyText(code: number): string {
  return SYNTAX.get(code)?.key ?? `key${code}`;
}

function keyCode(text: string): number {
  const code = CODES.get(text);
  if (code !== undefined) return code;
  const digits = /^key(0|[1-9]\d{0,4})$/.exec(text)?.[1];
  if (digits === undefined || Number(digits) > 0xffff) {
    throw new PresentationError(`'${excerpt(text)}' is not a known SvcParamKey: write key and its number`);
  }
  return Number(digits);
}

/** All SvcParams up to the end. Encoded in the order of their numbers, as RFC 9460 §2.2 requires. */
export const svcParams: TextField = {
  read: (tokens, writer) => {
    const params: { readonly code: number; readonly octets: Uint8Array }[] = [];
    const codes = new Set<number>();
    while (!tokens.done) {
      const text = tokens.word('a SvcParam');
      const equals = text.indexOf('=');
      const key = equals < 0 ? text : text.slice(0, equals);
      let raw = equals < 0 ? undefined : text.slice(equals + 1);
      // key="value" (RFC 9460 §2.1).
      if (raw === '') raw = tokens.attachedQuote() ?? raw;
      const value = raw === undefined ? undefined : unescapeText(raw);
      const code = keyCode(key);
      const syntax = /^key\d/.test(key) ? undefined : SYNTAX.get(code);
      const octets = syntax === undefined ? (value ?? new Uint8Array()) : syntax.read(value);
      if (codes.has(code)) throw new PresentationError(`the key ${key} occurs twice`);
      codes.add(code);
      params.push({ code, octets });
    }
    for (const { code, octets } of params.sort((a, b) => a.code - b.code)) {
      writer.u16(code);
      if (octets.length > 0xffff) throw new PresentationError(`the value of ${keyText(code)} is too long`);
      writer.u16(octets.length);
      writer.bytes(octets);
    }
  },
  print: (reader) => {
    const texts: string[] = [];
    while (reader.remaining > 0) {
      const code = reader.u16();
      const octets = reader.bytes(reader.u16());
      const syntax = SYNTAX.get(code);
      const text = syntax?.print(octets);
      if (text === '') texts.push(syntax!.key);
      else if (text !== undefined) texts.push(`${syntax!.key}=${text}`);
      else texts.push(octets.length === 0 ? `key${code}` : `key${code}=${quoteText(octets)}`);
    }
    return texts.join(' ');
  },
};
