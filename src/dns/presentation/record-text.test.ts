import { describe, expect, it } from 'vitest';
import { parseRRType } from '../rdata.ts';
import { formatRdata } from './rdata-text.ts';
import { readRecordText } from './record-text.ts';

describe('RDATA in a request', () => {
  it.each([
    ['A', '192.0.2.1', '192.0.2.1'],
    ['A', '\\# 4 C0000201', '192.0.2.1'],
    ['AAAA', '2001:DB8:0::1', '2001:db8::1'],
    ['TXT', '"a b" "c"', '"a b" "c"'],
    ['TXT', '""', '""'],
    ['TXT', `"${'x'.repeat(256)}"`, `"${'x'.repeat(255)}" "x"`],
    ['TXT', '"\\"quoted\\" \\195\\164"', '"\\"quoted\\" \\195\\164"'],
    ['CNAME', 'Www.Example.com.', 'Www.Example.com.'],
    ['MX', '0 .', '0 .'],
    ['CAA', '128 issue ";"', '128 issue ";"'],
    ['HTTPS', '1 . alpn=h2,h3 ipv4hint=192.0.2.1', '1 . alpn=h2,h3 ipv4hint=192.0.2.1'],
  ])('%s %s', (type, text, expected) => {
    const code = parseRRType(type)!;
    expect(formatRdata(code, readRecordText(code, text))).toBe(expected);
  });

  it.each([
    ['A', '192.0.2.1\n192.0.2.2', /control character/],
    ['A', '192.0.2.1\u0000', /control character/],
    ['A', '', /missing/],
    ['A', '192.0.2.1 x', /after the last field/],
    ['TXT', 'plain', /must be quoted/],
    ['TXT', '"a" b', /must be quoted/],
    ['TXT', '', /must be quoted/],
    ['TXT', '"open', /not closed/],
    ['TXT', `"${'x'.repeat(64_500)}"`, /octets/],
    ['CNAME', 'www', /relative/],
    ['CNAME', '@', /relative/],
    ['MX', '10 mail.example', /relative/],
    ['SRV', '1 2 3 x', /relative/],
    ['HTTPS', '1 svc', /relative/],
    ['TLSA', '3 1 1 00', /TLSA/],
    ['SSHFP', '1 1 00', /SSHFP/],
    ['SVCB', '1 . mandatory=port', /SVCB/],
  ])('refuses %s %j', (type, text, reason) => {
    expect(() => readRecordText(parseRRType(type)!, text)).toThrow(reason);
  });
});
