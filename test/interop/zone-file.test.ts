/**
 * Zone files against BIND: named-compilezone parses what we format and formats what we parse. Its raw format is compared
 * octet by octet, independent of our presentation form.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: $GENERATE has them

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { formatRdata } from '../../src/dns/presentation/rdata-text.ts';
import { formatRRType, type Rdata, type ResourceRecord, RRClass, RRType } from '../../src/dns/rdata.ts';
import { encodeRdata } from '../../src/dns/wire/rdata-codec.ts';
import { WireWriter } from '../../src/dns/wire/writer.ts';
import { parseZoneFile, ZoneFileError } from '../../src/dns/zone-file/zone-file.ts';
import { formatZoneFile } from '../../src/dns/zone-file/zone-file-format.ts';
import { zoneFileText } from '../../src/dns/zone-file/zone-file-octets.ts';
import { arbitraryRecord } from '../support/arbitrary-message.ts';
import { type FinishedProgram, removeAtExit, removeNow, runProgram } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const COMPILER = [{ command: 'named-compilezone', debianPackage: 'bind9-utils' }];
const ALL_TYPES = readFileSync(new URL('../vectors/all-types.zone', import.meta.url), 'utf8');

/** Types without a structure here, in the presentation form of named. */
const MORE_TYPES = `
mb MB a.example.net.
mg MG a.example.net.
mr MR a.example.net.
minfo MINFO a b.example.net.
rp RP a.b text
afsdb AFSDB 1 host
x25 X25 "311061700956"
isdn ISDN "150862028003217" "004"
rt RT 10 relay
px PX 50 map822 mapx400
gpos GPOS "-32.6882" "116.8652" "10.0"
loc LOC 52 22 23.000 N 4 53 32 E -2m 0m 10000m 10m
loc LOC 0 S 180 W 42849672.95m
kx KX 1 host
cert CERT PKIX 1 RSASHA256 AQIDBA==
dhcid DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=
smimea SMIMEA 3 1 1 D2ABDE24 0D7CD3EE
openpgpkey OPENPGPKEY AQIDBA==
csync CSYNC 66 3 A NS AAAA
zonemd ZONEMD 1 240 240 0102030405060708090A0B0C
spf SPF "v=spf1" "-all"
nid NID 10 0014:4fff:ff20:ee64
l32 L32 10 192.0.2.1
l64 L64 10 2001:0DB8:1140:1000
lp LP 10 l64
eui48 EUI48 00-00-5e-00-53-2a
eui64 EUI64 00-00-5e-ef-10-00-00-2a
uri URI 10 1 "https://example.com/a\\"b"
avc AVC "text"
apl APL 1:192.0.2.0/24 !2:2001:db8::/32 !1:0.0.0.0/0
apl2 APL
ipseckey IPSECKEY 10 0 2 . AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==
ipseckey IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47 usntb102uFJtugbo6BSGvgqt4AQ==
ipseckey IPSECKEY 10 2 2 2001:db8::38 AQIDBA==
ipseckey IPSECKEY 10 3 2 mygateway AQIDBA==
hip HIP 2 200100107B1A74DF365639CC39F1D578 AQIDBA==
hip HIP 2 200100107B1A74DF365639CC39F1D578 AQIDBA== rvs b.example.net.
amtrelay AMTRELAY 10 0 0 .
amtrelay AMTRELAY 10 1 1 203.0.113.15
amtrelay AMTRELAY 10 0 2 2001:db8::15
amtrelay AMTRELAY 128 1 3 amtrelays
dsync DSYNC CDS NOTIFY 5359 scanner
dsync DSYNC TYPE65280 2 0 .
`;

function wireOctets(rdata: Rdata): Uint8Array {
  const writer = new WireWriter(64, false);
  encodeRdata(writer, rdata);
  return writer.finish();
}

describeWith(COMPILER, 'zone files and BIND', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zone-file-'));
  removeAtExit(directory);
  afterAll(() => removeNow(directory));

  async function compile(
    text: string | Buffer,
    format: 'text' | 'raw',
    zone: string,
  ): Promise<FinishedProgram & { out: Buffer }> {
    writeFileSync(join(directory, 'in'), text);
    const out = join(directory, `out.${format}`);
    writeFileSync(out, '');
    // Disables semantic checks: only syntax is tested here.
    const lenient = [
      '-i',
      'none',
      ...['-k', '-n', '-m', '-r', '-M', '-S', '-T', '-W'].flatMap((rule) => [rule, 'ignore']),
    ];
    const args = [...lenient, '-w', directory, '-s', 'full', '-F', format, '-o', out, zone, 'in'];
    const finished = await runProgram('named-compilezone', args);
    return { ...finished, out: readFileSync(out) };
  }

  /** Without the header, which has the creation time. */
  async function compiledOctets(text: string, zone: string): Promise<string> {
    const { code, stdout, stderr, out } = await compile(text, 'raw', zone);
    expect(code, `${stdout}${stderr}`).toBe(0);
    expect(out.readUInt32BE(0)).toBe(2);
    return out.subarray(24).toString('hex');
  }

  const lines = (records: readonly ResourceRecord[]): string[] =>
    records
      .map(({ ownerName, ttl, type, rdata }) => `${ownerName} ${ttl} ${formatRRType(type)} ${formatRdata(type, rdata)}`)
      .sort();

  const asLowerCase = (list: readonly string[]): string[] => list.map((line) => line.toLowerCase()).sort();

  async function compare(text: string, zone = 'example.com'): Promise<readonly ResourceRecord[]> {
    const origin = DomainName.parse(zone);
    const records = parseZoneFile(text, { origin, include: (name) => readFileSync(join(directory, name), 'utf8') });
    // named uses the case of the first record for all records of a name.
    const printed = await compile(text, 'text', zone);
    expect(printed.code, printed.stdout).toBe(0);
    expect(asLowerCase(lines(parseZoneFile(printed.out.toString('latin1'), { origin: DomainName.root })))).toEqual(
      asLowerCase(lines(records)),
    );
    const written = [...formatZoneFile(origin, records)].join('');
    expect(await compiledOctets(written, zone)).toBe(await compiledOctets(text, zone));
    return records;
  }

  it('every type with a structure: the same octets from the file and from our text, and the text of BIND is parsed unchanged', async () => {
    const records = await compare(ALL_TYPES);
    const types = new Set(records.map(({ type }) => type));
    const meta: number[] = [RRType.OPT, RRType.TSIG, RRType.IXFR, RRType.AXFR, RRType.ANY];
    expect(Object.values(RRType).filter((type) => !types.has(type) && !meta.includes(type))).toEqual([]);
  });

  it('other types with a presentation form', async () => {
    const records = await compare(`$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS .\n${MORE_TYPES}`);
    expect(records.filter(({ type }) => /^TYPE/.test(formatRRType(type)))).toEqual([]);
  });

  it('RFC 3597 §5: every type formatted as octets gives the same zone', async () => {
    const origin = DomainName.parse('example.com');
    const records = parseZoneFile(`${ALL_TYPES}${MORE_TYPES}`, { origin });
    const octets = records.map(({ ownerName, ttl, type, rdata }) => {
      const unknown = formatRdata(65_280, { kind: 'unknown', octets: wireOctets(rdata) });
      return `${ownerName} ${ttl} CLASS1 TYPE${type} ${unknown}`;
    });
    expect(lines(parseZoneFile(octets.join('\n'), { origin }))).toEqual(lines(records));
    expect(await compiledOctets(octets.join('\n'), 'example.com')).toBe(
      await compiledOctets([...formatZoneFile(origin, records)].join(''), 'example.com'),
    );
  });

  it('origins, TTLs, parentheses, comments, $INCLUDE and $GENERATE have the same meaning', async () => {
    writeFileSync(join(directory, 'included'), '@ A 192.0.2.7\n$ORIGIN deep\nx A 192.0.2.8\n');
    await compare(`
$TTL 1h30m
@ 1D IN SOA ns hostmaster ( 2026010100 ; serial
   1h 15m 2w ; times
   5 ) ; the end
   NS ns
ns 60 IN A 192.0.2.1
   IN 60 AAAA 2001:db8::1
(
)
a  A ( 192.0.2.3 )
$ORIGIN sub
b  TXT a"b c"d "e;f" g\\;h "\\"" \\097
$ORIGIN sub2.example.com.
@  MX 10 @
$TTL 5
c  MX 10 c
$INCLUDE included
   A 192.0.2.9
$INCLUDE included inc.example.com.
$GENERATE 1-3 host-$ A 192.0.2.$
$GENERATE 0-20/10 \${1,3,d} CNAME x\${0,4,x}-\${0,4,X}-\${7,3,o}
$GENERATE 10-12 \${0,8,n}ip6 PTR \${0,6,n}
$GENERATE 10-12 \${0,7,n} PTR \${0,1,N}.\${4096,7,N}.\${0,2,n}
$GENERATE 1-2 m$ MX "1$ mail-$"
d\\.e\\032f A 192.0.2.4
\\@ A 192.0.2.5
3600 A 192.0.2.6
IN A 192.0.2.6
`);
    await compare('@ SOA ns h 1 2 3 4 55\n NS .\na 7 A 192.0.2.1\nb A 192.0.2.2\n');
    await compare('@ 9 SOA ns h 1 2 3 4 55\n NS .\na 7 A 192.0.2.1\nb A 192.0.2.2\n');
    await compare('@ 0 SOA . . 1 2 3 4 55\n NS a\na A 192.0.2.1\n', '.');
  });

  it('any records', async () => {
    // named accepts every value of these types.
    const kinds = ['A', 'AAAA', 'NS', 'DNAME', 'PTR', 'MX', 'TXT', 'SRV', 'CAA', 'SOA', 'NSEC3PARAM', 'unknown'];
    const record = arbitraryRecord.filter(({ type, rdata }) => {
      return kinds.includes(rdata.kind) && (rdata.kind !== 'unknown' || (type > 1000 && type < 32_768));
    });
    const apex = DomainName.parse('example.com');
    const made = fc.sample(record, { numRuns: 600, seed: 1035 }).filter(({ rdata }) => rdata.kind !== 'SOA');
    const records = made.map((each, i): ResourceRecord => {
      const ownerName = DomainName.parse(`r${i}.example.com`);
      return { ...each, ownerName, class: RRClass.IN, ttl: each.ttl % 2 ** 31 };
    });
    expect(new Set(records.map(({ rdata }) => rdata.kind)).size).toBe(kinds.length - 1);
    const head = '@ 1 SOA ns h 1 2 3 4 5\n@ 1 NS .\n';
    const text = `${head}${[...formatZoneFile(apex, records)].join('')}`;
    expect(await compiledOctets(text, 'example.com')).not.toBe('');
    await compare(text);
  });

  it.each([
    'a TXT google-site-verification="x"',
    'a TXT a="b c"d',
    'a TXT "a"b',
    'a TXT k="a\\"b"',
    'a TXT k=\\"ab',
    'a TXT ="x"',
    'a SPF v="spf1"',
    'a HINFO a="b c"',
    'a SVCB 1 . alpn="h2"',
    'a SVCB 1 . alpn="h2"port=1',
    'a SVCB 1 . key667="h\\"2 x" port="53"',
    'a SVCB 1 . key667=h\\"2 port=1',
    'a SVCB 1 . key667= port=1',
    'a DS 1 RSASHA256 SHA-256 D2ABDE240D7CD3EE6B4B28C54DF034B97983A1D16E8A410E4561CB106618E971',
    'a DSYNC 1 1 1 a',
    '$GENERATE 1-2 a$ TXT "\\${0"',
    '$GENERATE 1-2 a${+1} A 192.0.2.$',
    '$GENERATE 1-2 a$ SVCB "1 . key667=\\"x y$\\""',
  ])('both read %s alike', async (line) => {
    await compare(`$TTL 1\n@ SOA ns h 1 2 3 4 5\n@ NS .\n${line}\n`);
  });

  it('RFC 1035 §5.1: a file keeps its octets, whether they are UTF-8 or not', async () => {
    const head = '$TTL 1\n@ SOA ns h 1 2 3 4 5\n@ NS .\n';
    for (const encoding of ['latin1', 'utf8'] as const) {
      const octets = Buffer.from(`${head}caf\u00e9 TXT "caf\u00e9" \\\u00e9 ; \u00e9\n`, encoding);
      const records = parseZoneFile(zoneFileText(octets), { origin: DomainName.parse('example.com') });
      const { code, out } = await compile(octets, 'text', 'example.com');
      expect(code).toBe(0);
      expect(asLowerCase(lines(parseZoneFile(out.toString('latin1'), { origin: DomainName.root })))).toEqual(
        asLowerCase(lines(records)),
      );
      const name = encoding === 'latin1' ? 'caf\\233' : 'caf\\195\\169';
      expect(records.at(-1)?.ownerName.toString()).toBe(`${name}.example.com.`);
    }
  });

  it.each([
    ['an address that is none', 'a A 192.0.2.256'],
    ['a quote after a text of CAA', 'a CAA 0 issue ca="x"'],
    ['a quote after a text of NAPTR', 'a NAPTR 1 1 "s" a="b" "" .'],
    ['a quote in an owner name', 'p="x" A 192.0.2.1'],
    ['a parameter in quotes', 'a SVCB 1 . "alpn=h2"'],
    ['a quote behind a value', 'a SVCB 1 . alpn=h2"x"'],
    ['a key in upper case', 'a SVCB 1 . ALPN=h2'],
    ['a URI without quotes', 'a URI 1 1 https://example.com/'],
    ['a gateway of type 0 that is not a dot', 'a IPSECKEY 1 0 2 a AQ=='],
    ['a relay of an unknown type', 'a AMTRELAY 1 0 4 .'],
    ['a HIT of odd digits', 'a HIP 2 201 AQ=='],
    ['a prefix that is too long', 'a APL 1:192.0.2.0/33'],
    ['an unknown address family', 'a APL 3:192.0.2.0/24'],
    ['$GENERATE without a closing brace', '$GENERATE 1-2 a${0 A 192.0.2.1'],
    ['$GENERATE without a closing brace, with a width', '$GENERATE 1-2 a${0,2 A 192.0.2.1'],
    ['$GENERATE without a closing brace in the data', '$GENERATE 1-2 a$ TXT ${0'],
    ['$GENERATE without a closing brace in quotes', '$GENERATE 1-2 a$ TXT "${0"'],
    ['$GENERATE without a number', '$GENERATE 1-2 a${} A 192.0.2.1'],
    ['a quoted owner name of $GENERATE', '$GENERATE 1-2 "a$" A 192.0.2.1'],
    ['an octet with a leading zero', 'a A 192.0.02.1'],
    ['data too much', 'a A 192.0.2.1 192.0.2.2'],
    ['data too little', 'a MX 10'],
    ['a label of 64 octets', `${'a'.repeat(64)} A 192.0.2.1`],
    ['an empty label', 'a..b A 192.0.2.1'],
    ['an unknown type', 'a FOO bar'],
    ['another class', 'a CH TXT x'],
    ['an open parenthesis', 'a A ( 192.0.2.1'],
    ['a closing parenthesis', 'a A 192.0.2.1 )'],
    ['an open quote', 'a TXT "x\ny"'],
    ['a string of 256 octets', `a TXT "${'x'.repeat(256)}"`],
    ['an escape above 255', 'a TXT \\256'],
    ['odd hexadecimal digits', 'a DS 1 8 2 ABC'],
    ['a wrong number of octets', 'a TYPE65280 \\# 3 0102'],
    ['a key twice', 'a SVCB 1 . port=1 port=2'],
    ['a bad key', 'a SVCB 1 . foo=1'],
    ['a bad directive', '$FOO bar'],
    ['a file that is not there', '$INCLUDE none'],
    ['a range backwards', '$GENERATE 2-1 a$ A 192.0.2.1'],
    ['a TTL beyond 31 bits', '$TTL 9999999w'],
  ])('both refuse %s, and name the line', async (_, line) => {
    const text = `$TTL 1\n@ SOA ns h 1 2 3 4 5\n@ NS .\n${line}\n`;
    const include = (name: string): string => readFileSync(join(directory, name), 'utf8');
    expect(() => parseZoneFile(text, { origin: DomainName.parse('example.com'), include })).toThrow(ZoneFileError);
    expect(() => parseZoneFile(text, { origin: DomainName.parse('example.com'), include })).toThrow(/^line 4: /);
    const { code } = await compile(text, 'text', 'example.com');
    expect(code).not.toBe(0);
  });
});
