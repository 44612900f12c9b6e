/** Static records: set by the configuration beside dynamic data, and their conflicts. */
import { describe, expect, it } from 'vitest';
import { SOA_OPTIONS } from '../../../test/support/edited-zone.ts';
import { zoneRecords } from '../../../test/support/zone-records.ts';
import { DomainName } from '../../dns/name.ts';
import { type Rdata, type ResourceRecord, RRType } from '../../dns/rdata.ts';
import { ZoneDraft } from './draft.ts';
import { newVersion, replaceStatics, StaticConflict, type StaticContent } from './static-records.ts';
import { nameOf, type ZoneVersion } from './zone-version.ts';

const apex = DomainName.parse('dyn.example.com');
const at = (label: string) => (label === '@' ? apex : DomainName.parse(label, apex));

function record(label: string, type: number, rdata: Rdata, ttl = 300): ResourceRecord {
  return { ownerName: at(label), type, class: 1, ttl, rdata };
}
const a = (label: string, address: string, ttl?: number) => record(label, RRType.A, { kind: 'A', address }, ttl);
const cname = (label: string, target: string) =>
  record(label, RRType.CNAME, { kind: 'CNAME', target: DomainName.parse(target) });

function content(records: readonly ResourceRecord[], ns = ['ns1.example.net']): StaticContent {
  return { apex, ns: ns.map((name) => DomainName.parse(name)), contact: at('hostmaster'), ...SOA_OPTIONS, records };
}

function replace(version: ZoneVersion, configured: StaticContent): ZoneVersion {
  const draft = new ZoneDraft(version);
  replaceStatics(draft, configured);
  return draft.seal()?.version ?? version;
}

function addHost(version: ZoneVersion, label: string): ZoneVersion {
  const draft = new ZoneDraft(version);
  draft.setRRset(at(label), { type: RRType.A, ttl: 60, rdatas: ['\xc0\0\x02\x09'] });
  return draft.seal()!.version;
}

const names = (version: ZoneVersion) => [...version.statics.keys()].map((key) => nameOf(key).toString()).sort();

describe('static records', () => {
  it('are added and removed with the configuration, in one serial step', () => {
    const first = replace(newVersion(content([]), 7), content([a('www', '192.0.2.1'), a('old', '192.0.2.2')]));
    expect(first.serial).toBe(8);
    const second = replace(first, content([a('www', '192.0.2.3', 60)]));
    expect(second.serial).toBe(9);
    expect(zoneRecords(second).filter((line) => line.includes(' 1 '))).toEqual(['www.dyn.example.com. 60 1 c0000203']);
    expect(names(second)).toEqual(['dyn.example.com.', 'www.dyn.example.com.']);
  });

  it('do not change serial and version if nothing differs', () => {
    const configured = content([a('www', '192.0.2.1'), a('www', '192.0.2.2')]);
    const first = replace(newVersion(configured, 7), configured);
    expect(replace(first, configured)).toBe(first);
    expect(replace(first, content([a('www', '192.0.2.2'), a('www', '192.0.2.1')]))).toBe(first);
  });

  it('do not change dynamic data, also if a static RRset beside it is removed', () => {
    const first = addHost(replace(newVersion(content([]), 1), content([cname('alias', 'x.example.net')])), 'home');
    const second = replace(first, content([]));
    expect(zoneRecords(second).filter((line) => !/ [26] /.test(line))).toEqual(['home.dyn.example.com. 60 1 c0000209']);
  });

  it('preserve the serial when nameservers or contact change', () => {
    const first = replace(newVersion(content([]), 40), content([]));
    const second = replace(first, content([], ['ns2.example.net', 'ns3.example.net']));
    expect(second.serial).toBe(first.serial + 1);
    const soa = zoneRecords(second).find((line) => line.includes(' 6 '));
    expect(soa).toContain('036e73320765');
  });

  it.each([
    ['the same RRset', [a('home', '192.0.2.1')], "A RRset of 'home.dyn.example.com.' conflicts with dynamic data"],
    [
      'a CNAME over it',
      [cname('home', 'x.example.net')],
      "At 'home.dyn.example.com.' there is a CNAME beside other data",
    ],
  ])('do not take the place of dynamic data: %s', (_, records, words) => {
    const version = addHost(replace(newVersion(content([]), 1), content([])), 'home');
    expect(() => replace(version, content(records))).toThrow(StaticConflict);
    expect(() => replace(version, content(records))).toThrow(words);
  });

  it('are refused below a delegation, except glue', () => {
    const ns = record('sub', RRType.NS, { kind: 'NS', target: at('ns.sub') });
    const start = newVersion(content([]), 1);
    expect(zoneRecords(replace(start, content([ns, a('ns.sub', '192.0.2.5')])))).toContain(
      'ns.sub.dyn.example.com. 300 1 c0000205',
    );
    expect(() => replace(start, content([ns, a('www.sub', '192.0.2.5')]))).toThrow("below 'sub.dyn.example.com.'");
  });
});
