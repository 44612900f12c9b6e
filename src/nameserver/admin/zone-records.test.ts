import { describe, expect, it } from 'vitest';
import { editedZone } from '../../../test/support/edited-zone.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { addressRdata } from '../../dns/rrset.ts';
import { SliceTurns } from './time-slices.ts';
import { VersionSnapshot } from './zone-records.ts';

const apex = DomainName.parse('example.com');
const at = (label: string) => DomainName.parse(label, apex);

function snapshotOf(labels: readonly string[], turns = new SliceTurns()): VersionSnapshot {
  const rdatas = [addressRdata(RRType.A, '192.0.2.1')];
  const edits = labels.map((label) => {
    return { kind: 'add-to-rrset', rrset: { ownerName: at(label), type: RRType.A, ttl: 60, rdatas } } as const;
  });
  const statics = new Map([[at('www').key, new Set<number>([RRType.A])]]);
  return new VersionSnapshot(editedZone('example.com', { edits, statics }).published, turns);
}

const LABELS = ['www', 'b', 'A', 'x.a', 'a-b', 'y.x.a', '*.b', 'z'];
/** RFC 4034 §6.1 */
const ORDERED = ['a', 'x.a', 'y.x.a', 'a-b', 'b', '*.b', 'www', 'z'].map((label) => String(at(label)));
const all = (key: string) => key !== apex.key;

describe('a snapshot of a zone', () => {
  it('finds the records of a name, static ones marked, and no empty non-terminal', () => {
    const snapshot = snapshotOf([...LABELS, 'c.d']);
    expect(snapshot.find(at('WWW'))).toMatchObject({ rrsets: [{ type: RRType.A, ttl: 60, isStatic: true }] });
    expect(snapshot.find(at('a'))).toMatchObject({ rrsets: [{ isStatic: false }] });
    expect(String(snapshot.find(at('a'))?.ownerName)).toBe('a.example.com.');
    expect([snapshot.find(at('d')), snapshot.find(at('missing'))]).toEqual([undefined, undefined]);
  });

  it('lists the names that are wanted', async () => {
    const found: string[] = [];
    for await (const piece of snapshotOf(LABELS).names(all))
      for (const { ownerName } of piece) found.push(String(ownerName));
    expect(found.sort()).toEqual([...ORDERED].sort());
  });

  it.each([1, 2, 3, 5, 8, 100])('has pages of %i names in canonical order, without gaps', async (limit) => {
    const snapshot = snapshotOf(LABELS);
    const found: string[] = [];
    for (let after: DomainName | undefined; ; ) {
      const page = await snapshot.page(all, limit, after);
      expect(page.length).toBeLessThanOrEqual(limit);
      found.push(...page.map(({ ownerName }) => String(ownerName)));
      after = page.at(-1)?.ownerName;
      if (after === undefined) break;
    }
    expect(found).toEqual(ORDERED);
  });

  it('is searched in slices that take turns: no two in one turn of the event loop', async () => {
    const turns = new SliceTurns();
    let running = 0;
    let most = 0;
    const snapshot = snapshotOf(
      Array.from({ length: 500 }, (_, index) => `n${index}`),
      turns,
    );
    const isWanted = () => {
      // A slow search: each slice ends by its time.
      const until = performance.now() + 0.1;
      while (performance.now() < until);
      return false;
    };
    let isOver = false;
    const watch = (async () => {
      while (!isOver) {
        most = Math.max(most, running);
        running = 0;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const search = async () => {
      for await (const _ of snapshot.names((key) => {
        if (key === at('n7').key) running += 1;
        return isWanted();
      }));
    };
    await Promise.all([search(), search(), search()]);
    isOver = true;
    await watch;
    expect(most).toBe(1);
  });

  it('is the same when the zone has changed', async () => {
    const zone = editedZone('example.com', { edits: [] });
    const snapshot = new VersionSnapshot(zone.published, new SliceTurns());
    zone.draft.setRRset(at('new'), { type: RRType.A, ttl: 1, rdatas: ['\xc0\x00\x02\x01'] });
    expect(snapshot.find(at('new'))).toBeUndefined();
    expect(await snapshot.page(all, 10)).toEqual([]);
  });
});
