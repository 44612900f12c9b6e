/** Import of zone files: reading, planning the changes of a name, and time slices. */
import { describe, expect, it } from 'vitest';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { ZoneNode, ZoneRRset } from '../zone/zone-node.ts';
import { sortInSlices, TimeSlices } from './time-slices.ts';
import { ImportTally, planName, readImportedZone } from './zone-import.ts';

const APEX = DomainName.parse('example.com.');
const rrset = (type: number, ttl: number, ...rdatas: string[]): ZoneRRset => ({ type, ttl, rdatas });
const A1 = '\xc0\x00\x02\x01';
const A2 = '\xc0\x00\x02\x02';

const read = (text: string) => readImportedZone(text, APEX, new TimeSlices());

describe('the records of a file', () => {
  it('are grouped by name and type case-insensitively; RFC 2181 §5.2: the lowest TTL is used', async () => {
    const { names, serial } = await read('a 60 A 192.0.2.1\nA 30 A 192.0.2.2\na 90 A 192.0.2.1\na 5 TXT x\n');
    expect(serial).toBeUndefined();
    expect([...names.values()]).toEqual([
      {
        key: '\x01a\x07example\x03com\0',
        wireText: '\x01a\x07example\x03com\0',
        rrsets: [rrset(RRType.A, 30, A1, A2), rrset(RRType.TXT, 5, '\x01x')],
      },
    ]);
  });

  it("give the serial of the zone's SOA, and no signatures", async () => {
    const text = '@ 60 SOA ns h 42 1 1 1 1\n@ 60 NSEC a A\n@ 60 TYPE48 \\# 4 01010308\na 60 A 192.0.2.1\n';
    const { names, serial, tally } = await read(text);
    expect(serial).toBe(42);
    expect(names.size).toBe(1);
    expect(tally.skippedCount).toBe(2);
  });

  it('RFC 4034 §6.2: are one record if they differ in the case of a name in the RDATA', async () => {
    const { names } = await read('a 60 RP Foo. .\na 60 RP foo. .\na 60 NS X.\na 60 NS x.\na 60 TXT X\na 60 TXT x\n');
    expect([...names.values()][0]!.rrsets.map(({ rdatas }) => rdatas.length)).toEqual([1, 1, 2]);
  });

  it('are refused if their RDATA is malformed, also after \\#', async () => {
    for (const record of ['SSHFP 1 1 AB', 'LOC \\# 3 000102', 'DS 1 8 2 ABCD', 'HTTPS 1 . mandatory=port']) {
      await expect(read(`a 60 A 192.0.2.1\nb 60 ${record}\n`)).rejects.toMatchObject({
        message: expect.stringMatching(/^line 2: malformed RDATA of /),
      });
    }
  });

  it('are refused with the line', async () => {
    await expect(read('a 60 A 192.0.2.1\nb.example.net. 60 A 192.0.2.1\n')).rejects.toMatchObject({
      code: 'request-malformed',
      message: "line 2: 'b.example.net.' is not in the zone 'example.com.'.",
    });
    await expect(read('a 60 A x\n')).rejects.toMatchObject({ code: 'request-malformed' });
  });

  it('yield to the event loop if there are many', async () => {
    let rounds = 0;
    let on = true;
    const count = () => {
      rounds += 1;
      if (on) setImmediate(count);
    };
    setImmediate(count);
    await read(Array.from({ length: 30_000 }, (_, i) => `h${i} 60 A 192.0.2.1\n`).join(''));
    on = false;
    expect(rounds).toBeGreaterThan(3);
  });
});

describe('the plan of a name', () => {
  const name = { key: '\x01a', wireText: '\x01a\0' };
  const node = (...rrsets: ZoneRRset[]): ZoneNode => ({ ...name, rrsets, children: 0 });
  const plan = (imported: ZoneRRset[], present: ZoneNode | undefined, replace = false, statics?: number[]) => {
    const tally = new ImportTally();
    const options = { replace, tally };
    const edits = planName({ ...name, rrsets: imported }, present, statics && new Set(statics), options);
    const { added, changed, unchanged, removed, skippedCount } = tally;
    return { edits, counts: [added, changed, unchanged, removed, skippedCount] };
  };

  it('is empty if the members differ only in order', () => {
    const known = node(rrset(RRType.A, 60, A1, A2));
    expect(plan([rrset(RRType.A, 60, A2, A1)], known)).toEqual({ edits: [], counts: [0, 0, 1, 0, 0] });
  });

  it('has a change if the TTL or a member differs', () => {
    const known = node(rrset(RRType.A, 60, A1));
    expect(plan([rrset(RRType.A, 61, A1)], known).counts).toEqual([0, 1, 0, 0, 0]);
    expect(plan([rrset(RRType.A, 60, A2)], known).edits).toEqual([rrset(RRType.A, 60, A2)]);
  });

  it('removes other types only with replace, and never the SOA or static RRsets', () => {
    const known = node(rrset(RRType.SOA, 60, 's'), rrset(RRType.NS, 60, 'n'), rrset(RRType.TXT, 60, 't'));
    expect(plan([], known, false, [RRType.NS]).edits).toEqual([]);
    expect(plan([], known, true, [RRType.NS])).toEqual({ edits: [rrset(RRType.TXT, 0)], counts: [0, 0, 0, 1, 0] });
  });

  it('RFC 1034 §3.6.2: skips a CNAME beside other data, unless replace removes that data', () => {
    const cname = rrset(RRType.CNAME, 60, '\x01b\0');
    const known = node(rrset(RRType.A, 60, A1));
    expect(plan([cname], known)).toEqual({ edits: [], counts: [0, 0, 0, 0, 1] });
    expect(plan([cname], known, true).edits).toEqual([rrset(RRType.A, 0), cname]);
    expect(plan([rrset(RRType.A, 60, A1)], node(cname)).counts).toEqual([0, 0, 0, 0, 1]);
    expect(plan([rrset(RRType.CNAME, 60, 'x', 'y')], undefined).counts).toEqual([0, 0, 0, 0, 1]);
  });

  it('does not change static RRsets, and does not report an equal one as skipped', () => {
    const known = node(rrset(RRType.A, 60, A1));
    expect(plan([rrset(RRType.A, 60, A2)], known, false, [RRType.A]).counts).toEqual([0, 0, 0, 0, 1]);
    expect(plan([rrset(RRType.A, 60, A1)], known, false, [RRType.A]).counts).toEqual([0, 0, 1, 0, 0]);
  });
});

it.each([0, 1, 1023, 1024, 1025, 5000])(
  '%i items: sorting in time slices gives the same order as sort()',
  async (length) => {
    let seed = 7;
    const items = Array.from({ length }, (_, index) => {
      seed = (seed * 48_271) % 0x7fffffff;
      return { key: String(seed % 1000), index };
    });
    const sorted = await sortInSlices(items, new TimeSlices());
    const atOnce = [...items].sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
    expect(sorted).toEqual(atOnce);
  },
);
