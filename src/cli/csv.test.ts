import { describe, expect, it } from 'vitest';
import { CsvError, formatCsvRow, parseCsv } from './csv.ts';

describe('CSV (RFC 4180)', () => {
  it.each([
    [
      'a,b\r\nc,d\r\n',
      [
        [1, 'a', 'b'],
        [2, 'c', 'd'],
      ],
    ],
    [
      'a,b\nc,d',
      [
        [1, 'a', 'b'],
        [2, 'c', 'd'],
      ],
    ],
    ['\ufeffa,b\n', [[1, 'a', 'b']]],
    ['"a,b","c ""d"""\n', [[1, 'a,b', 'c "d"']]],
    [
      '"two\r\nlines",x\nnext,y\n',
      [
        [1, 'two\r\nlines', 'x'],
        [3, 'next', 'y'],
      ],
    ],
    [
      'a\n\n\r\nb\n',
      [
        [1, 'a'],
        [4, 'b'],
      ],
    ],
    ['a,,\n', [[1, 'a', '', '']]],
    [',\n', [[1, '', '']]],
    ['""\n"",""', [[2, '', '']]],
    ['', []],
    ['\n\n', []],
    ['a', [[1, 'a']]],
    ['"a"', [[1, 'a']]],
  ] as const)('%j', (text, expected) => {
    expect(parseCsv(text).map(({ line, cells }) => [line, ...cells])).toEqual(expected);
  });

  it.each([
    ['a\n"open\nstill', 2, 'is not closed'],
    ['a\nb"c,d', 2, 'must be in quotation marks'],
    ['a\n\n"b"c,d', 3, 'after a closing quotation mark'],
    ['a\rb', 1, 'carriage return'],
  ])('%j is an error with its line', (text, line, message) => {
    expect(() => parseCsv(text)).toThrow(message);
    try {
      parseCsv(text);
    } catch (error) {
      expect([error instanceof CsvError, (error as CsvError).line]).toEqual([true, line]);
    }
  });

  it('what is written is read back', () => {
    const rows = [
      ['a', 'b,c', 'd "e"', 'two\nlines', '', ' space '],
      ['x', '', '', '', '', '"'],
    ];
    const text = rows.map(formatCsvRow).join('');
    expect(parseCsv(text).map(({ cells }) => cells)).toEqual(rows);
  });

  it('a file of ten thousand quotation marks takes a moment', () => {
    const start = performance.now();
    expect(() => parseCsv(`"${'""'.repeat(500_000)}`)).toThrow('not closed');
    expect(parseCsv(`${'"a""b",'.repeat(200_000)}x`)[0]?.cells).toHaveLength(200_001);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
