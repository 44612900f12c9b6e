/** Zone files: the syntax of RFC 1035 §5, complete error messages, round trips of any records. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: $GENERATE has them
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryName, arbitraryRecord } from '../../../test/support/arbitrary-message.ts';
import { plainValue } from '../../../test/support/wire-vectors.ts';
import { DomainName } from '../name.ts';
import { formatRdata } from '../presentation/rdata-text.ts';
import { formatRRType, isMetaType, type ResourceRecord, RRClass } from '../rdata.ts';
import { parseZoneFile, ZoneFileError, type ZoneFileOptions } from './zone-file.ts';
import { formatZoneFile } from './zone-file-format.ts';

const origin = DomainName.parse('example.com');
const options: ZoneFileOptions = { origin, defaultTtl: 300 };

const recordText = ({ ownerName, ttl, type, rdata }: ResourceRecord): string =>
  `${ownerName} ${ttl} ${formatRRType(type)} ${formatRdata(type, rdata)}`;
const read = (text: string, more: Partial<ZoneFileOptions> = {}): string[] =>
  parseZoneFile(text, { ...options, ...more }).map(recordText);

/** The message of the ZoneFileError for a file. */
function problem(text: string, more: Partial<ZoneFileOptions> = {}): string {
  try {
    read(text, more);
  } catch (error) {
    if (error instanceof ZoneFileError) return error.message;
    throw error;
  }
  return 'none';
}

describe('names', () => {
  it('RFC 1035 §5.1: @ is the origin, names without a final dot are relative to it, also in the data', () => {
    expect(read('@ NS ns\nwww CNAME www.example.net.\nx MX 10 @\n')).toEqual([
      'example.com. 300 NS ns.example.com.',
      'www.example.com. 300 CNAME www.example.net.',
      'x.example.com. 300 MX 10 example.com.',
    ]);
  });

  it('RFC 1035 §5.1: a line that begins with white space has the last owner name, also after $ORIGIN', () => {
    expect(read('a A 192.0.2.1\n\tA 192.0.2.2\n\n ; comment\n$ORIGIN sub\n  A 192.0.2.3\nb A 192.0.2.4')).toEqual([
      'a.example.com. 300 A 192.0.2.1',
      'a.example.com. 300 A 192.0.2.2',
      'a.example.com. 300 A 192.0.2.3',
      'b.sub.example.com. 300 A 192.0.2.4',
    ]);
  });

  it('$ORIGIN is relative to the one before, or whole; the same word is another name afterwards', () => {
    expect(
      read('a A 192.0.2.1\n$ORIGIN sub\na A 192.0.2.2\n$ORIGIN example.org.\na A 192.0.2.3\n@ A 192.0.2.4'),
    ).toEqual([
      'a.example.com. 300 A 192.0.2.1',
      'a.sub.example.com. 300 A 192.0.2.2',
      'a.example.org. 300 A 192.0.2.3',
      'example.org. 300 A 192.0.2.4',
    ]);
  });

  it('tokens that look like a TTL, class or type are owner names at the start of a line', () => {
    expect(
      read(
        'IN A 192.0.2.1\n3600 A 192.0.2.2\nA A 192.0.2.3\n\\@ A 192.0.2.4\n\\$x A 192.0.2.5\na\\.b\\032c A 192.0.2.6',
      ),
    ).toEqual([
      'IN.example.com. 300 A 192.0.2.1',
      '3600.example.com. 300 A 192.0.2.2',
      'A.example.com. 300 A 192.0.2.3',
      '\\@.example.com. 300 A 192.0.2.4',
      '\\$x.example.com. 300 A 192.0.2.5',
      'a\\.b\\032c.example.com. 300 A 192.0.2.6',
    ]);
  });
});

describe('class and TTL', () => {
  it('RFC 1035 §5.1: are allowed in either order and may be omitted', () => {
    const text =
      'a IN A 192.0.2.1\na 60 A 192.0.2.1\na in 60 A 192.0.2.1\na 60 IN A 192.0.2.1\na 1h30m CLASS1 TYPE1 192.0.2.1';
    expect(read(text).map((line) => line.split(' ')[1])).toEqual(['300', '60', '60', '60', '5400']);
  });

  const soa = (ttl: string): string => `@ ${ttl} SOA ns h 1 2 3 4 1h`;
  const ttls = (text: string): (number | undefined)[] => parseZoneFile(text, { origin }).map((record) => record.ttl);

  it('RFC 2308 §4: $TTL holds for the records after it that have none', () => {
    expect(ttls('$TTL 1d\na A 192.0.2.1\na 5 A 192.0.2.1\na A 192.0.2.1\n$TTL 2\na A 192.0.2.1')).toEqual([
      86_400, 5, 86_400, 2,
    ]);
  });

  it('RFC 1035 §5.1: without $TTL it is the last TTL', () => {
    expect(ttls(`${soa('7')}\na A 192.0.2.1\na 5 A 192.0.2.1\na A 192.0.2.1`)).toEqual([7, 7, 5, 5]);
  });

  it('without any it is the MINIMUM of the SOA', () => {
    expect(ttls(`${soa('')}\na A 192.0.2.1\na 5 A 192.0.2.1\na A 192.0.2.1`)).toEqual([3600, 3600, 5, 3600]);
  });
});

describe('entries', () => {
  it('RFC 1035 §5.1: parentheses continue an entry over lines, with comments between', () => {
    const text =
      '@ SOA ns hostmaster ( ; comment (\n  2026010100 ; serial\n\n1h\t2m 3w\r\n4 ) ; end\n(a\n 60 ) A (192.0.2.1)\n';
    expect(read(text)).toEqual([
      'example.com. 300 SOA ns.example.com. hostmaster.example.com. 2026010100 3600 120 1814400 4',
      'a.example.com. 60 A 192.0.2.1',
    ]);
  });

  it('quotes protect special characters', () => {
    expect(read('a TXT "a;b" c\\;d "(" "x" \\"\n')).toEqual(['a.example.com. 300 TXT "a;b" "c;d" "(" "x" "\\""']);
    expect(read('a TXT "b""c"d\n')).toEqual(['a.example.com. 300 TXT "b" "c" "d"']);
  });

  it('lines may end in CR LF, the last one without; a byte order mark is passed over', () => {
    expect(read('\ufeffa A 192.0.2.1\r\n\r\n A 192.0.2.2')).toEqual([
      'a.example.com. 300 A 192.0.2.1',
      'a.example.com. 300 A 192.0.2.2',
    ]);
    expect(read('')).toEqual([]);
    expect(read('; nothing')).toEqual([]);
  });

  it('RFC 3597 §5: types and classes by number, data of any type as octets', () => {
    expect(read('a CLASS1 TYPE1 192.0.2.1\na IN TYPE65280 \\# 2 (\n0A\n0B)\na A \\# 4 C0000201')).toEqual([
      'a.example.com. 300 A 192.0.2.1',
      'a.example.com. 300 TYPE65280 \\# 2 0A0B',
      'a.example.com. 300 A 192.0.2.1',
    ]);
  });

  it('reports the place of a record', () => {
    const records = parseZoneFile('\na A 192.0.2.1\nb (\n) A 192.0.2.1', { ...options, fileName: 'z', firstLine: 10 });
    expect(records.map(({ file, line }) => `${file}:${line}`)).toEqual(['z:11', 'z:12']);
  });
});

describe('$INCLUDE', () => {
  const files: Readonly<Record<string, string>> = {
    b: '@ A 192.0.2.2\n$ORIGIN deep\n  A 192.0.2.3\nx A 192.0.2.4\n',
    self: '$INCLUDE self',
    circle: '$INCLUDE "circle 2"',
    'circle 2': '$INCLUDE circle',
    bad: 'a A 192.0.2.1\nb A 192.0.2',
    twice: Array.from({ length: 40 }, () => '$INCLUDE many').join('\n'),
    many: Array.from({ length: 40 }, () => '$INCLUDE b').join('\n'),
  };
  const include = (name: string): string => {
    if (files[name] === undefined) throw new Error('no such file');
    return files[name];
  };

  it('RFC 1035 §5.1: includes another file without changing origin and owner name of this one', () => {
    expect(read('a A 192.0.2.1\n$INCLUDE b\n  A 192.0.2.5\nc A 192.0.2.6\n$INCLUDE b sub', { include })).toEqual([
      'a.example.com. 300 A 192.0.2.1',
      'example.com. 300 A 192.0.2.2',
      'example.com. 300 A 192.0.2.3',
      'x.deep.example.com. 300 A 192.0.2.4',
      'a.example.com. 300 A 192.0.2.5',
      'c.example.com. 300 A 192.0.2.6',
      'sub.example.com. 300 A 192.0.2.2',
      'sub.example.com. 300 A 192.0.2.3',
      'x.deep.sub.example.com. 300 A 192.0.2.4',
    ]);
  });

  it.each<[string, string]>([
    ['$INCLUDE', 'zone:1: $INCLUDE needs a file name and, optionally, an origin'],
    ['$INCLUDE none', "zone:1: cannot read 'none': no such file"],
    ['\n$INCLUDE self', "self:1: 'self' includes itself"],
    ['$INCLUDE circle', "circle 2:1: 'circle' includes itself"],
    ['$INCLUDE bad', "bad:2: A: '192.0.2' is not an IPv4 address"],
    ['$INCLUDE twice', 'many:15: too many files are included: at most 1000 in total and 16 nested are allowed'],
  ])('%j', (text, message) => {
    expect(problem(text, { include, fileName: 'zone' })).toBe(message);
  });

  it('is an error where it is not allowed', () => {
    expect(() => read('$INCLUDE b')).toThrow(
      'line 1: $INCLUDE is not supported here: replace it by the records of the file',
    );
  });
});

describe('$GENERATE', () => {
  it.each<[string, string[]]>([
    [
      '$GENERATE 1-2 host-$ A 192.0.2.$',
      ['host-1.example.com. 300 A 192.0.2.1', 'host-2.example.com. 300 A 192.0.2.2'],
    ],
    [
      '$GENERATE 0-4/2 ${1,3,d} 60 IN CNAME x${-0,2,x}',
      [
        '001.example.com. 60 CNAME x00.example.com.',
        '003.example.com. 60 CNAME x02.example.com.',
        '005.example.com. 60 CNAME x04.example.com.',
      ],
    ],
    ['$GENERATE 10-10 \\$$ MX "$ mail-${0,4,X}"', ['\\$10.example.com. 300 MX 10 mail-000A.example.com.']],
    ['$GENERATE 291-291 ${0,7,n} PTR a$$.${0,0,o}', ['3.2.1.0.example.com. 300 PTR a\\$.443.example.com.']],
    ['$GENERATE 10-10 ${0,6,n}ip6 PTR ${0,1,N}', ['a.0.0.ip6.example.com. 300 PTR A.example.com.']],
    ['$GENERATE 1-1 a TXT "one $" "two;"', ['a.example.com. 300 TXT "one 1" "two;"']],
  ])('%s', (text, lines) => {
    expect(read(text)).toEqual(lines);
  });

  it('creates at most 65,536 records per file', () => {
    expect(read('$GENERATE 0-65535 h$ A 192.0.2.1')).toHaveLength(65_536);
    expect(() => read('$GENERATE 0-65536 h$ A 192.0.2.1')).toThrow(
      'line 1: $GENERATE creates more than 65536 records in this file',
    );
    expect(() => read('$GENERATE 0-65535 h$ A 192.0.2.1\n$GENERATE 1-1 x A 192.0.2.1')).toThrow(
      'line 2: $GENERATE creates more',
    );
  });
});

describe('a refused line', () => {
  it.each<[string, string]>([
    ['a A 192.0.2.1\nb A 192.0.2.', "line 2: A: '192.0.2.' is not an IPv4 address"],
    ['  A 192.0.2.1', 'line 1: the first record has no owner name: start its line with a name or @'],
    ['a', 'line 1: the record has no type and no data'],
    ['a 60 IN', 'line 1: the record has no type and no data'],
    [
      'a 60 60 A 192.0.2.1',
      "line 1: '60' is not a known RR type: write TYPE and its number, or check that the line starts with the owner name",
    ],
    [
      'a b A 192.0.2.1',
      "line 1: 'b' is not a known RR type: write TYPE and its number, or check that the line starts with the owner name",
    ],
    ['a CH TXT x', 'line 1: class CH is not supported: write IN or no class'],
    ['a CLASS3 TXT x', 'line 1: class CLASS3 is not supported: write IN or no class'],
    ['a ANY x', 'line 1: a zone cannot have data of type ANY'],
    ['a TYPE0 \\# 0', 'line 1: a zone cannot have data of type TYPE0'],
    ['a OPT \\# 0', 'line 1: a zone cannot have data of type OPT'],
    ['a 2147483648 A 192.0.2.1', 'line 1: a TTL is at most 2147483647 seconds (RFC 2181 §8)'],
    ['"a" A 192.0.2.1', 'line 1: the owner name must not be quoted'],
    [`${'a'.repeat(64)} A 192.0.2.1`, 'line 1: A label has more than 63 octets'],
    ['a..b A 192.0.2.1', 'line 1: A domain name has an empty label'],
    ['\n@ SOA a b ( 1 2 3\n4 5', "line 2: the parenthesis '(' is not closed"],
    ['a A 192.0.2.1 )', "line 1: ')' without a '('"],
    ['\na TXT "x\ny"', 'line 2: the quoted string is not closed on this line'],
    ['a TXT x\\', 'line 1: a backslash at the end of the line escapes nothing'],
    ['$TTL', 'line 1: $TTL needs a time, such as $TTL 3600 or $TTL 1h'],
    ['$TTL 1y', 'line 1: $TTL needs a time, such as $TTL 3600 or $TTL 1h'],
    ['$TTL 9999w9999w', 'line 1: a TTL is at most 2147483647 seconds (RFC 2181 §8)'],
    ['$ORIGIN', 'line 1: $ORIGIN needs one name'],
    ['$FOO bar', 'line 1: unknown directive $FOO: use $ORIGIN, $TTL, $INCLUDE or $GENERATE'],
    [' $TTL 60', 'line 1: the first record has no owner name: start its line with a name or @'],
    ['a A 192.0.2.1\n $TTL 60', 'line 2: $TTL must be at the start of its line'],
    ['$GENERATE 1-2 a', 'line 1: $GENERATE must look like $GENERATE 1-254 host-$ A 192.0.2.$'],
    ['$GENERATE 2-1 a A 192.0.2.$', "line 1: the range of $GENERATE must look like 1-254 or 0-254/2; it is '2-1'"],
    [
      '$GENERATE 1-2 a A 192.0.2.${1,2,z}',
      "line 1: '${1,2,z}' must be ${offset,width,base} with a base of d, o, x, X, n or N",
    ],
    ['$GENERATE 1-2 a A 192.0.2.${1', "line 1: a '${' has no '}' within 30 characters"],
    ['$GENERATE 1-2 a A 192.0.2.${-2}', "line 1: '${-2}' gives a negative number"],
  ])('%j', (text, message) => {
    expect(problem(text)).toBe(message);
  });

  it('a record without any TTL', () => {
    expect(() => parseZoneFile('a A 192.0.2.1', { origin })).toThrow(
      'line 1: the record has no TTL: add a line such as $TTL 3600 before it',
    );
  });

  it('any text is records or a ZoneFileError', () => {
    const word = fc.oneof(
      fc.constantFrom(
        ' ',
        '\n',
        '@',
        'a',
        'IN',
        '60',
        'A',
        '192.0.2.1',
        'TXT',
        '"',
        '(',
        ')',
        ';',
        '\\',
        '$ORIGIN',
        '$TTL',
        '$GENERATE',
        '1-3',
        '${0,2,n}',
        '$',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), (words) => {
        try {
          parseZoneFile(words.join(' '), options);
        } catch (error) {
          expect(error).toBeInstanceOf(ZoneFileError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('writing', () => {
  it('starts with $ORIGIN, $TTL and the SOA; names are in canonical order (RFC 4034 §6.1)', () => {
    const text = [
      'z A 192.0.2.1',
      '*.z A 192.0.2.1',
      'Z.a A 192.0.2.1',
      '\\200.z A 192.0.2.1',
      '@ TXT t',
      'yljkjljk.a A 192.0.2.1',
      'zABC.a 60 A 192.0.2.1',
      '@ A 192.0.2.9',
      '\\001.z A 192.0.2.1',
      '@ SOA ns h 1 2 3 4 5',
      'a A 192.0.2.1',
      ' AAAA 2001:db8::1',
    ];
    const lines = [...formatZoneFile(origin, parseZoneFile(text.join('\n'), options))].join('');
    expect(lines).toBe(
      `$ORIGIN example.com.
$TTL 300
@                               IN SOA     ns h 1 2 3 4 5
                                IN A       192.0.2.9
                                IN TXT     "t"
a                               IN A       192.0.2.1
                                IN AAAA    2001:db8::1
yljkjljk.a                      IN A       192.0.2.1
Z.a                             IN A       192.0.2.1
zABC.a                  60      IN A       192.0.2.1
z                               IN A       192.0.2.1
\\001.z                          IN A       192.0.2.1
*.z                             IN A       192.0.2.1
\\200.z                          IN A       192.0.2.1
`,
    );
  });

  it('RFC 4034 §6.1: octets 0 and 1 take their places in the order, below the end of a label', () => {
    const names = [
      'a',
      'x.a',
      'a\\000',
      'x.a\\000',
      'a\\000\\000',
      'a\\000b',
      'a\\001',
      'x.a\\001',
      'a\\001\\000',
      'a\\002',
      'ab',
    ];
    const text = [...names].reverse().map((name) => `${name} A 192.0.2.1\n`);
    const [, , ...lines] = formatZoneFile(origin, parseZoneFile(text.join(''), options));
    expect(lines.map((line) => line.split(' ')[0])).toEqual(names);
    const sorted = names.map((name) => DomainName.parse(name)).sort(DomainName.compare);
    expect(sorted.map(String)).toEqual(names.map((name) => `${name}.`));
  });

  it('no records are a file without records', () => {
    expect([...formatZoneFile(origin, [])]).toEqual(['$ORIGIN example.com.\n']);
  });

  it('any records are the same after they were written and read', () => {
    const record = arbitraryRecord
      .filter(({ rdata, type }) => rdata.kind !== 'empty' && type !== 0 && !isMetaType(type))
      .map((record): ResourceRecord => ({ ...record, class: RRClass.IN, ttl: record.ttl % 2 ** 31 }));
    fc.assert(
      fc.property(arbitraryName, fc.array(record, { maxLength: 8 }), (apex, records) => {
        const text = [...formatZoneFile(apex, records)].join('');
        const again = parseZoneFile(text, { origin });
        const plain = (list: readonly ResourceRecord[]): string[] =>
          list
            .map(({ ownerName, type, ttl, rdata }) => JSON.stringify(plainValue({ ownerName, type, ttl, rdata })))
            .sort();
        expect(plain(again)).toEqual(plain(records));
        expect(again.map(({ ownerName }) => ownerName.key)).toEqual(
          records
            .map(({ ownerName }) => ownerName)
            .sort(DomainName.compare)
            .map(({ key }) => key),
        );
      }),
      { numRuns: 1000 },
    );
  });
});
