/**
 * What EmbeddedPublisher has beyond the contract suite (test/contract/embedded.test.ts): static RRsets, deadlines, and
 * the failures of the journal.
 */
import { describe, expect, it } from 'vitest';
import { editedZone, LIMITS } from '../../../test/support/edited-zone.ts';
import { DomainName } from '../../dns/name.ts';
import { type Rdata, RRType } from '../../dns/rdata.ts';
import { addressRdata } from '../../dns/rrset.ts';
import type { ZoneChange, ZoneEdit } from '../../dns/zone-change.ts';
import { type CommitLog, Committer } from '../journal/committer.ts';
import { EmbeddedPublisher } from './publisher.ts';

const apex = DomainName.parse('example.com');
const home = DomainName.parse('home', apex);
const www = DomainName.parse('www', apex);

const put = (ownerName: DomainName, address: string): ZoneEdit => {
  const rdatas: Rdata[] = [addressRdata(RRType.A, address)];
  return { kind: 'replace-rrset', rrset: { ownerName, type: RRType.A, ttl: 60, rdatas } };
};
const change = (ownerName: DomainName, ...edits: ZoneEdit[]): ZoneChange => {
  return { zone: apex, ownerName, prerequisites: [], edits };
};
const soon = () => performance.now() + 5000;

function made(append: CommitLog['append'] = async () => undefined) {
  const statics = new Map([[www.key, new Set<number>([RRType.A])]]);
  const zone = editedZone('example.com', { edits: [put(www, '192.0.2.80')], statics });
  const committer = new Committer({ log: { append } });
  return { zone, committer, publisher: new EmbeddedPublisher(zone, committer, LIMITS) };
}

describe('RRsets that the configuration sets', () => {
  const type = RRType.A;
  it.each<[string, ZoneEdit]>([
    ['replacing one', put(www, '192.0.2.9')],
    ['adding to one', { kind: 'add-to-rrset', rrset: { ownerName: www, type, ttl: 60, rdatas: [] } }],
    ['deleting one', { kind: 'delete-rrset', ownerName: www, type }],
    ['deleting a member', { kind: 'delete-from-rrset', ownerName: www, type, rdatas: [] }],
    ['deleting the name', { kind: 'delete-name', ownerName: www }],
  ])('are a conflict: %s', async (_, edit) => {
    const { zone, publisher } = made();
    await expect(publisher.publish(change(www, edit), soon())).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/'www\.example\.com\.' are set by the configuration/),
    });
    expect([zone.published.serial, zone.isPending]).toEqual([1, false]);
  });

  it('let other types of the name be changed', async () => {
    const rdatas = [addressRdata(RRType.AAAA, '2001:db8::1')];
    const edit: ZoneEdit = { kind: 'replace-rrset', rrset: { ownerName: www, type: RRType.AAAA, ttl: 60, rdatas } };
    expect(await made().publisher.publish(change(www, edit), soon())).toBe('published');
  });
});

it('recalls changes that are in flight', async () => {
  let land = () => {};
  const { publisher } = made(() => new Promise((resolve) => (land = resolve)));
  const published = publisher.publish(change(home, put(home, '192.0.2.1')), soon());
  expect(publisher.recall(home)?.A).toEqual({ addresses: ['192.0.2.1'], ttl: 60 });
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(publisher.recall(home)?.A.addresses).toEqual(['192.0.2.1']);
  land();
  expect(await published).toBe('published');
});

it('recalls an empty set for a name without addresses', () => {
  const none = { addresses: [], ttl: 0 };
  expect(made().publisher.recall(home)).toEqual({ A: none, AAAA: none });
});

it('a commit that takes longer than the deadline is publish-unknown, and can still be committed', async () => {
  let land = () => {};
  const { zone, publisher } = made(() => new Promise((resolve) => (land = resolve)));
  const late = publisher.publish(change(home, put(home, '192.0.2.1')), performance.now() + 30);
  await expect(late).rejects.toMatchObject({
    code: 'publish-unknown',
    message: expect.stringMatching(/again is safe/),
  });
  land();
  await new Promise((resolve) => setImmediate(resolve));
  expect(zone.published.serial).toBe(2);
});

describe('a journal that fails', () => {
  it.each<[string | undefined, string, RegExp]>([
    ['full', 'primary-refused', /disk is full.*Nothing was changed\./],
    ['read-only', 'publish-unknown', /read-only.*may be after the next start\./],
    ['busy', 'primary-refused', /locked.*Nothing was changed\./],
    ['corrupt', 'primary-refused', /backup.*Nothing was changed\./],
    ['io', 'publish-unknown', /system log.*may be after the next start\./],
    ['other', 'publish-unknown', /not known/],
    [undefined, 'publish-unknown', /not known/],
  ])('because of %s is %s', async (reason, code, words) => {
    const cause = Object.assign(new Error('database /var/lib/dyndns/zones.db: no'), { reason });
    const { zone, publisher } = made(() => Promise.reject(cause));
    const failed = publisher.publish(change(home, put(home, '192.0.2.1')), soon());
    await expect(failed).rejects.toMatchObject({ code, cause, message: expect.stringMatching(words) });
    // The file name is for the log only.
    await expect(failed).rejects.not.toThrow(/zones\.db/);
    expect(zone.published.serial).toBe(1);
    expect(publisher.recall(home)?.A.addresses).toEqual([]);
  });
});

it('a name of another zone is an internal error', async () => {
  const stranger = DomainName.parse('notexample.com');
  const failed = made().publisher.publish(change(stranger, put(stranger, '192.0.2.1')), soon());
  await expect(failed).rejects.toMatchObject({ code: 'internal' });
});
