import { describe, expect, it } from 'vitest';
import { UsageError } from './output.ts';
import { type BatchFormat, readBatchFile } from './token-batch-file.ts';

const csv = (text: string) => readBatchFile(text, 'csv', 'b.csv');
const json = (value: unknown) => readBatchFile(JSON.stringify(value), 'json', 'b.json');

function message(text: string, format: BatchFormat = 'csv'): string {
  try {
    readBatchFile(text, format, `b.${format}`);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  throw new Error('the file was accepted');
}

describe('a batch as CSV', () => {
  it('has a row for each token, and an empty cell is a field that is not there', () => {
    const text = `Name,Host,Owner,Type,Addresses,From,Expires,Max_Unused_Days,Register
c1,"c1.example.com, nas.c1.example.com",alice,A AAAA,own,192.0.2.0/24;2001:db8::/32,2099-12-31,90,
c2,*.c2.example.com,,,,,,,true
`;
    expect(csv(text).tokens).toEqual([
      {
        name: 'c1',
        hosts: ['c1.example.com', 'nas.c1.example.com'],
        owner: 'alice',
        types: ['A', 'AAAA'],
        addresses: ['own'],
        sources: ['192.0.2.0/24', '2001:db8::/32'],
        expires: '2099-12-31',
        maxUnusedDays: '90',
      },
      { name: 'c2', hosts: ['*.c2.example.com'], register: 'true' },
    ]);
  });

  it.each([
    ['', 'b.csv is empty'],
    ['name,host\n', 'b.csv has no tokens.'],
    ['name\nc1\n', "b.csv, line 1: the column 'host' is missing"],
    ['c1,c1.example.com\n', "b.csv, line 1: there is no column 'c1'"],
    [
      'name,host,ownr\n',
      "there is no column 'ownr'; the nearest one is owner. The columns are name, host, owner, type,",
    ],
    ['name,host,hosts\nc1,a.example.com,b.example.com\n', "there are two columns for 'hosts'"],
    ['name,host\nc1\n', 'b.csv, line 2: it has 1 cells, and the first line has 2.'],
    ['name,host\nc1,"a', 'b.csv, line 2: a quotation mark is not closed.'],
    ['name,host\n,c1.example.com\n', "b.csv, line 2, column name: 'name' is missing."],
    ['name,host\nc1,\n', "b.csv, line 2, column host: 'hosts' is missing."],
    ['token,host\nc1,-\n', 'b.csv, line 2, column host: '],
    [
      'name,host\nc1,a.example.com\n\nc1,b.example.com\n',
      'b.csv, line 4, column name: the token is in line 2 already.',
    ],
    ['name,host,expires\nc1,a.example.com,tomorrow\n', 'column expires: '],
    ['name,host,from\nc1,a.example.com,192.0.2.300\n', 'b.csv, line 2, column from: '],
    ['name,host,owner\nc1,a.example.com,Alice Smith\n', 'b.csv, line 2, column owner: '],
    ['name,host,type\nc1,a.example.com,NS\n', 'b.csv, line 2, column type: '],
    ['name,host,max_unused_days\nc1,a.example.com,0\n', 'b.csv, line 2, column max_unused_days: '],
    ['name,host,register\nc1,a.example.com,maybe\n', 'b.csv, line 2, column register: '],
  ])('%j is refused', (text, expected) => expect(message(text)).toContain(expected));

  it('of many errors the first 20 are listed, with their number', () => {
    const rows = Array.from({ length: 30 }, (_, index) => `c${index},-\n`).join('');
    const lines = message(`name,host\n${rows}`).split('\n');
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([22, 'Nothing was created.', 'and 10 more']);
    expect(lines[20]).toMatch(/^b\.csv, line 21, column host: /);
  });

  it('more than one request can have is refused before it is sent', () => {
    const rows = Array.from({ length: 10_001 }, (_, index) => `c${index},c${index}.example.com\n`).join('');
    expect(message(`name,host\n${rows}`)).toBe(
      'b.csv has 10001 tokens, and one request at most 10000: split the file.',
    );
    const started = performance.now();
    expect(csv(`name,host\n${rows.replace('c0,c0.example.com\n', '')}`).tokens).toHaveLength(10_000);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('an error of the server has the line and the column', () => {
    const file = csv('name,host,owner\nc1,c1.example.com,bob\n\n"c2",c2.example.com,bob\n');
    const describe_ = (pointer: string) => file.describe({ pointer, detail: 'It is taken.' });
    expect(describe_('/tokens/1/hosts/0')).toBe('b.csv, line 4, column host: It is taken.');
    expect(describe_('/tokens/0/name')).toBe('b.csv, line 2, column name: It is taken.');
    expect(describe_('/tokens/0')).toBe('b.csv, line 2: It is taken.');
    expect([describe_('/tokens/9/name'), describe_('/createOwners'), describe_('')]).toEqual(
      Array.from({ length: 3 }, () => 'It is taken.'),
    );
  });
});

describe('a batch as JSON', () => {
  const token = { name: 'c1', hosts: ['c1.example.com'], owner: 'alice' };

  it('is a list, or an object as the HTTP API takes it', () => {
    expect(json([token]).tokens).toEqual([token]);
    expect(json({ tokens: [token] }).tokens).toEqual([token]);
  });

  it.each([
    ['{', 'is not valid JSON'],
    ['"c1"', "must be a list of tokens, or an object with the list 'tokens'"],
    ['null', 'must be a list of tokens'],
    ['[]', 'has no tokens'],
    ['["c1"]', 'b.json, entry 1: It must be an object'],
    ['[{"name":"c1"}]', "b.json, entry 1, 'hosts': 'hosts' is missing."],
    [
      '[{"name":"c1","hosts":["c1.example.com"],"expire":"2099-12-31"}]',
      "b.json, entry 1, 'expire': There is no field",
    ],
    [
      '[{"name":"c1","hosts":["c1.example.com"],"state":"valid"}]',
      "b.json, entry 1, 'state': There is no field 'state'",
    ],
    ['[{"name":"c1","hosts":"c1.example.com"}]', "b.json, entry 1, 'hosts': 'hosts' must be a list"],
  ])('%s is refused', (text, expected) => expect(message(text, 'json')).toContain(expected));
});
