/** multipart/form-data (RFC 7578): what clients send, and malformed bodies. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MultipartError, multipartBoundary, parseMultipart } from './multipart.ts';

const part = (headers: string, value: string) => `--b\r\n${headers}\r\n\r\n${value}\r\n`;
const field = (name: string, value: string) => part(`Content-Disposition: form-data; name="${name}"`, value);
const parse = (text: string, boundary = 'b') => ({ ...parseMultipart(Buffer.from(text), boundary) });

describe('the boundary', () => {
  it.each([
    [
      'multipart/form-data; boundary=------------------------d74496d66958873e',
      '------------------------d74496d66958873e',
    ],
    ['multipart/form-data; charset=utf-8; Boundary="a b:c"', 'a b:c'],
    ['multipart/form-data;boundary=x;charset=utf-8', 'x'],
    ['multipart/form-data', undefined],
    ['multipart/form-data; boundary=', undefined],
    ['multipart/form-data; boundary=""', undefined],
    ['multipart/form-data; boundary="x "', undefined],
    [`multipart/form-data; boundary=${'x'.repeat(71)}`, undefined],
    ['multipart/form-data; boundary=a\u0000b', undefined],
    ['multipart/form-data; boundary=x ', 'x'],
    ['multipart/form-data; x="; boundary=a"; boundary=b', 'b'],
    ['multipart/form-data; boundary=a b', undefined],
    ['multipart/form-data; boundary="a', undefined],
    ['multipart/form-data; boundary="a"b', undefined],
  ])('of %j is %j', (type, boundary) => expect(multipartBoundary(type)).toBe(boundary));
});

describe('fields', () => {
  it('are in order, and a repeated name has a list', () => {
    const text = `${field('hostname', 'a.example.com')}${field('h[]', '1')}${field('h[]', '2')}${field('h[]', '3')}--b--\r\n`;
    expect(parse(text)).toEqual({ hostname: 'a.example.com', 'h[]': ['1', '2', '3'] });
  });

  it('may be empty, and contain line ends, texts like a boundary, and UTF-8', () => {
    const value = 'ü\r\n--\r\nb\r\n--';
    expect(parse(`${field('a', '')}${field('b', value)}--b--`)).toEqual({ a: '', b: value });
  });

  it('come after a preamble and before an epilogue', () => {
    expect(parse(`preamble\r\n${field('a', '1')}--b--\r\nepilogue\r\n--b\r\n`)).toEqual({ a: '1' });
  });

  it('may have more headers and parameters, in any case; a name may lack quotes', () => {
    const headers = 'Content-Type: text/plain; charset=utf-8\r\nCONTENT-DISPOSITION:form-data; x="y"; name=myip';
    expect(parse(`${part(headers, '192.0.2.1')}--b--`)).toEqual({ myip: '192.0.2.1' });
  });

  it('a file is ignored', () => {
    const file = part('Content-Disposition: form-data; name="f"; filename="x.txt"', 'secret');
    expect(parse(`${file}${field('a', '1')}--b--`)).toEqual({ a: '1' });
  });

  it('a name of Object.prototype is an ordinary name', () => {
    const fields = parseMultipart(Buffer.from(`${field('__proto__', 'x')}${field('toString', 'y')}--b--`), 'b');
    expect(Object.entries(fields)).toEqual([
      ['__proto__', 'x'],
      ['toString', 'y'],
    ]);
  });
});

describe('an invalid form', () => {
  it.each([
    ['nothing', ''],
    ['no boundary', 'a=1&b=2'],
    ['another boundary', field('a', '1').replace('--b', '--c')],
    ['no end', field('a', '1')],
    ['no headers', '--b\r\n\r\nvalue\r\n--b--'],
    ['headers without an end', '--b\r\nContent-Disposition: form-data; name="a"\r\n--b--'],
    ['more in the line of a boundary', '--bx\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--'],
    ['no disposition', `${part('Content-Type: text/plain', '1')}--b--`],
    ['no name', `${part('Content-Disposition: form-data', '1')}--b--`],
    ['a name in another parameter', `${part('Content-Disposition: form-data; x="; name=a"', '1')}--b--`],
    ['a name that does not end', `${part('Content-Disposition: form-data; name="a', '1')}--b--`],
    ['another disposition', `${part('Content-Disposition: attachment; name="a"', '1')}--b--`],
    ['line feeds alone', `${field('a', '1')}--b--`.replaceAll('\r', '')],
    ['101 parts', `${field('a', '1').repeat(101)}--b--`],
  ])('%s', (_, text) => expect(() => parse(text)).toThrow(MultipartError));

  it('100 parts are allowed', () => expect(parse(`${field('a', '1').repeat(100)}--b--`)['a']).toHaveLength(100));

  it('any octets give fields or a MultipartError in bounded time', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.constantFrom(
          '--b',
          '\r\n',
          '--b--',
          'Content-Disposition: form-data; name="a"',
          '; filename=x',
          '\r\n\r\n',
          ' ',
        ),
        fc.string({ maxLength: 8 }),
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(pieces, (list) => {
        try {
          parseMultipart(Buffer.from(list.join('')), 'b');
        } catch (error) {
          expect(error).toBeInstanceOf(MultipartError);
        }
      }),
      { numRuns: 2000 },
    );
    const startMs = performance.now();
    for (const unit of ['--b', '\r\n', '\r\n--', ';', ' ', '--b\r\n'])
      expect(() =>
        parse(`--b\r\nContent-Disposition: form-data;${unit.repeat(Math.floor(65_000 / unit.length))}`),
      ).toThrow();
    expect(performance.now() - startMs).toBeLessThan(1000);
  });
});
