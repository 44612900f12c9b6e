/** What the differential test against BIND cannot see: the name that rate limiting uses for an answer. */
import { describe, expect, it } from 'vitest';
import { editedZone } from '../../../test/support/edited-zone.ts';
import { DomainName } from '../../dns/name.ts';
import { type Rdata, RRType } from '../../dns/rdata.ts';
import { answerQuestion } from './answer.ts';

const APEX = 'dyn.example.com';
const at = (label: string) => DomainName.parse(label, DomainName.parse(APEX));

function add(label: string, type: number, rdata: Rdata) {
  return { kind: 'add-to-rrset', rrset: { ownerName: at(label), type, ttl: 60, rdatas: [rdata] } } as const;
}

const zone = editedZone(APEX, {
  edits: [
    add('host', RRType.A, { kind: 'A', address: '192.0.2.1' }),
    add('*.wild', RRType.A, { kind: 'A', address: '192.0.2.2' }),
    add('*.alias', RRType.CNAME, { kind: 'CNAME', target: DomainName.parse('far.example.net') }),
    add('moved', RRType.DNAME, { kind: 'DNAME', target: DomainName.parse('example.net') }),
    add('below', RRType.NS, { kind: 'NS', target: DomainName.parse('ns.example.net') }),
  ],
});
const zones = new Map([[zone.apex.key, zone]]);

describe('the source of an answer', () => {
  it.each([
    ['host', 'host', 'answer'],
    ['a1.wild', '*.wild', 'answer'],
    ['a2.b.wild', '*.wild', 'answer'],
    ['x.alias', '*.alias', 'answer'],
    ['r4nd0m.moved', 'moved', 'answer'],
    ['www.below', 'below', 'referral'],
  ])('for %s it is %s', (asked, source, kind) => {
    const { key, wireText } = at(asked);
    const answer = answerQuestion(zones, { key, wireText, qtype: RRType.A, overTcp: false, dnssecOk: false });
    expect([answer.source, answer.kind]).toEqual([at(source).key, kind]);
  });

  it.each([
    ['nothing', 'nxdomain'],
    ['wild', 'nodata'],
  ])('for %s, which has no data, it is the apex', (asked, kind) => {
    const { key, wireText } = at(asked);
    const answer = answerQuestion(zones, { key, wireText, qtype: RRType.A, overTcp: false, dnssecOk: false });
    expect([answer.source, answer.kind]).toEqual([zone.apex.key, kind]);
  });
});
