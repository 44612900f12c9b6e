import { expect, it } from 'vitest';
import { DomainName } from '../dns/name.ts';
import { RRType } from '../dns/rdata.ts';
import type { RRset } from '../dns/rrset.ts';
import { recordDifferences } from './record-differences.ts';

const name = (text: string) => DomainName.parse(`${text}.example.com`);
const a = (address: string) => ({ kind: 'A', address }) as const;
const rrset = (owner: string, ttl: number, ...addresses: readonly string[]): RRset => ({
  ownerName: name(owner),
  type: RRType.A,
  ttl,
  rdatas: addresses.map(a),
});
const BEFORE = [rrset('www', 60, '192.0.2.1', '192.0.2.2'), rrset('old', 60, '192.0.2.3')];
const find = (ownerName: DomainName, type: number) =>
  BEFORE.find((one) => one.ownerName.equals(ownerName) && one.type === type);
const place = (owner: string) => ({ ownerName: name(owner), type: RRType.A });

it('shows each RRset before and after all edits of it', () => {
  const differences = recordDifferences(
    [
      { kind: 'add-to-rrset', rrset: rrset('www', 60, '192.0.2.9', '192.0.2.1') },
      { kind: 'delete-from-rrset', ...place('www'), rdatas: [a('192.0.2.2')] },
      { kind: 'delete-rrset', ...place('old') },
      { kind: 'replace-rrset', rrset: rrset('new', 30, '192.0.2.4') },
    ],
    find,
  );
  expect(differences).toEqual([
    { ...place('www'), before: BEFORE[0], after: rrset('www', 60, '192.0.2.1', '192.0.2.9') },
    { ...place('old'), before: BEFORE[1], after: undefined },
    { ...place('new'), before: undefined, after: rrset('new', 30, '192.0.2.4') },
  ]);
});

it('leaves out what stays as it is', () => {
  expect(
    recordDifferences(
      [
        { kind: 'replace-rrset', rrset: rrset('www', 60, '192.0.2.2', '192.0.2.1') },
        { kind: 'delete-rrset', ...place('none') },
        { kind: 'delete-from-rrset', ...place('none'), rdatas: [a('192.0.2.1')] },
        { kind: 'replace-rrset', rrset: rrset('old', 5, '192.0.2.3') },
        { kind: 'replace-rrset', rrset: rrset('old', 60, '192.0.2.3') },
      ],
      find,
    ),
  ).toEqual([]);
  expect(recordDifferences([{ kind: 'replace-rrset', rrset: rrset('old', 5, '192.0.2.3') }], find)).toHaveLength(1);
});
