import { expect, it } from 'vitest';
import { formatTable, printable } from './table.ts';

it('columns are as wide as they must be, without spaces at the ends of lines', () => {
  expect(
    formatTable(
      ['A', 'BB'],
      [
        ['xyz', ''],
        ['-', 'q'],
      ],
    ),
  ).toBe('A    BB\nxyz\n-    q\n');
});

it('what a stranger wrote cannot steer the terminal', () => {
  expect(printable('a\u001b[2Jb\u009bc\u202ed\ne')).toBe('a?[2Jb?c?d?e');
});
