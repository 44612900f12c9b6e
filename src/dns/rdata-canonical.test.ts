/** Equality of RDATA: case is significant except in names. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryRecord } from '../../test/support/arbitrary-message.ts';
import { DomainName } from './name.ts';
import { type Rdata, RRType } from './rdata.ts';
import { rdataKey } from './rdata-canonical.ts';
import { NAME_LAYOUTS } from './rdata-names.ts';
import { encodeRdata } from './wire/rdata-codec.ts';
import { WireWriter } from './wire/writer.ts';

function wire(rdata: Rdata): string {
  const writer = new WireWriter(64, false);
  encodeRdata(writer, rdata);
  return writer.finish().toString('latin1');
}
const name = (text: string): DomainName => DomainName.parse(text);
const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

const soa = { refresh: 0x41414141, retry: 0x42424242, expire: 0x43434343, minimum: 0x44444444 };
const naptr = {
  order: 0x4141,
  preference: 0x4242,
  flags: ascii('U'),
  services: ascii('E2U+sip'),
  regexp: ascii('!A!'),
};
const rrsig = { typeCovered: 1, algorithm: 65, labels: 66, originalTtl: 0x43434343, expiration: 0, inception: 0 };

/** Two spellings of one RDATA; capitals outside names are significant. */
const SAME: readonly [type: number, mixed: Rdata, lower: Rdata][] = [
  [RRType.NS, { kind: 'NS', target: name('NS1.Example.COM') }, { kind: 'NS', target: name('ns1.example.com') }],
  [RRType.CNAME, { kind: 'CNAME', target: name('A.b') }, { kind: 'CNAME', target: name('a.b') }],
  [RRType.DNAME, { kind: 'DNAME', target: name('A.b') }, { kind: 'DNAME', target: name('a.b') }],
  [RRType.PTR, { kind: 'PTR', target: name('A.b') }, { kind: 'PTR', target: name('a.b') }],
  [
    RRType.SOA,
    { kind: 'SOA', mname: name('NS1.x'), rname: name('Host.x'), serial: 0x5a5a5a5a, ...soa },
    { kind: 'SOA', mname: name('ns1.x'), rname: name('host.x'), serial: 0x5a5a5a5a, ...soa },
  ],
  [
    RRType.MX,
    { kind: 'MX', preference: 0x4142, exchange: name('Mail.x') },
    { kind: 'MX', preference: 0x4142, exchange: name('mail.x') },
  ],
  [
    RRType.SRV,
    { kind: 'SRV', priority: 0x4141, weight: 0x4242, port: 0x4343, target: name('A.x') },
    { kind: 'SRV', priority: 0x4141, weight: 0x4242, port: 0x4343, target: name('a.x') },
  ],
  [
    RRType.NAPTR,
    { kind: 'NAPTR', ...naptr, replacement: name('A.x') },
    { kind: 'NAPTR', ...naptr, replacement: name('a.x') },
  ],
  [
    RRType.RRSIG,
    { kind: 'RRSIG', ...rrsig, keyTag: 0x4141, signer: name('X.y'), signature: ascii('ABC') },
    { kind: 'RRSIG', ...rrsig, keyTag: 0x4141, signer: name('x.y'), signature: ascii('ABC') },
  ],
  [
    RRType.NSEC,
    { kind: 'NSEC', next: name('X.y'), types: [1, 7, 65, 70] },
    { kind: 'NSEC', next: name('x.y'), types: [1, 7, 65, 70] },
  ],
  [
    RRType.HTTPS,
    { kind: 'HTTPS', priority: 1, target: name('X.y'), params: [{ code: 1, octets: ascii('\x02H2') }] },
    { kind: 'HTTPS', priority: 1, target: name('x.y'), params: [{ code: 1, octets: ascii('\x02H2') }] },
  ],
];

describe('rdataKey', () => {
  it.each(SAME)(
    'RFC 4034 §6.2: type %d, names are compared without case, everything else with case',
    (type, mixed, lower) => {
      expect(wire(mixed)).not.toBe(wire(lower));
      expect(rdataKey(type, wire(mixed))).toBe(wire(lower));
    },
  );

  it('the key of a name is the key that DomainName has', () => {
    expect(rdataKey(RRType.NS, name('NS1.Example.COM').wireText)).toBe(name('ns1.example.com').key);
  });

  it.each([RRType.A, RRType.AAAA, RRType.TXT, RRType.CAA, 65_280])(
    'type %d has no names: the key is the RDATA',
    (type) => {
      expect(rdataKey(type, 'ABCD\x00Z')).toBe('ABCD\x00Z');
    },
  );

  it('octets that are not of the type give a key as well', () => {
    for (const type of NAME_LAYOUTS.keys()) {
      for (const rdata of ['', 'A', '\xff\xff\xff', '\x3f'.repeat(5), 'ABCDEFGHIJKLMNOPQRSTUVW']) {
        expect(rdataKey(type, rdata)).toHaveLength(rdata.length);
      }
    }
  });

  it('any RDATA: the key differs only in case, and is its own key', () => {
    fc.assert(
      fc.property(arbitraryRecord, ({ type, rdata }) => {
        const text = wire(rdata);
        const key = rdataKey(type, text);
        expect(key.toLowerCase()).toBe(text.toLowerCase());
        expect(rdataKey(type, key)).toBe(key);
      }),
    );
  });
});
