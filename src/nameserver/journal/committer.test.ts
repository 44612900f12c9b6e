/** Group commit: which changes share a transaction, wait for it, and fail with it. */
import { describe, expect, it } from 'vitest';
import { editedZone } from '../../../test/support/edited-zone.ts';
import { waitUntil } from '../../../test/support/process.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import { rdataText } from '../zone/zone-version.ts';
import { type Commit, Committer } from './committer.ts';

/** A log whose transactions the test completes. */
class HeldLog {
  readonly transactions: { commits: readonly Commit[]; land: () => void; fail: (error: Error) => void }[] = [];

  append(commits: readonly Commit[]): Promise<void> {
    return new Promise((land, fail) => void this.transactions.push({ commits, land, fail }));
  }

  async next(count: number) {
    await waitUntil(`transaction ${count}`, () => this.transactions.length >= count, 2000);
    return this.transactions[count - 1]!;
  }
}

const set = (label: string, last: number) => (draft: ZoneDraft) => {
  const rdatas = [rdataText({ kind: 'A', address: `192.0.2.${last}` })];
  draft.setRRset(DomainName.parse(label, draft.apex), { type: RRType.A, ttl: 60, rdatas });
  return `${label} ${last}`;
};

function made() {
  const log = new HeldLog();
  const failures: unknown[] = [];
  const published: [number, number][] = [];
  const committer = new Committer({
    log,
    onPublished: (commits, changes) => published.push([commits.length, changes]),
    onFailed: (error) => failures.push(error),
  });
  return { log, committer, failures, published, zone: editedZone('example.com'), other: editedZone('example.net') };
}

/** `done` after it is settled. */
function watch(promise: Promise<unknown>) {
  const state = { value: 'waits' as unknown };
  promise.then(
    (value) => (state.value = value),
    (error: unknown) => (state.value = error),
  );
  return state;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('group commit', () => {
  it('puts the changes of one turn into one transaction, with one serial step for each zone', async () => {
    const { log, committer, zone, other, published } = made();
    const changes = [
      committer.change(zone, set('a', 1)),
      committer.change(other, set('a', 1)),
      committer.change(zone, set('b', 2)),
    ];
    const { commits, land } = await log.next(1);
    expect(commits.map(({ diff }) => [diff.serialBefore, diff.serial])).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(zone.published.serial).toBe(1);
    land();
    expect(await Promise.all(changes)).toEqual(['a 1', 'a 1', 'b 2']);
    expect([zone.published.serial, other.published.serial]).toEqual([2, 2]);
    expect(published).toEqual([[2, 3]]);
  });

  it('collects changes for the next transaction, on top of the one in flight', async () => {
    const { log, committer, zone } = made();
    const first = committer.change(zone, set('a', 1));
    const one = await log.next(1);
    const later = [committer.change(zone, set('a', 2)), committer.change(zone, set('b', 3))];
    await turn();
    expect(log.transactions).toHaveLength(1);
    one.land();
    await first;
    expect(zone.published.serial).toBe(2);
    const two = await log.next(2);
    expect(two.commits[0]!.diff).toMatchObject({ serialBefore: 2, serial: 3 });
    two.land();
    await Promise.all(later);
    expect(zone.published.serial).toBe(3);
    expect(zone.recent).toHaveLength(2);
  });

  it('acknowledges a no-op only after the state it was compared with is on disk', async () => {
    const { log, committer, zone } = made();
    const first = committer.change(zone, set('a', 1));
    const one = await log.next(1);
    const unchanged = watch(committer.change(zone, () => 'unchanged'));
    await turn();
    expect(unchanged.value).toBe('waits');
    one.land();
    await first;
    await committer.settled();
    expect(unchanged.value).toBe('unchanged');
    expect(log.transactions).toHaveLength(1);
  });

  it('resolves at once if nothing is pending', async () => {
    const { log, committer, zone } = made();
    expect(await committer.change(zone, () => 'unchanged')).toBe('unchanged');
    expect(log.transactions).toEqual([]);
  });

  it('rolls back an edit that throws; the other edits are committed', async () => {
    const { log, committer, zone } = made();
    const good = committer.change(zone, set('a', 1));
    const bad = committer.change(zone, (draft) => {
      set('b', 2)(draft);
      throw new Error('no');
    });
    await expect(bad).rejects.toThrow('no');
    (await log.next(1)).land();
    await good;
    expect(zone.published.find(DomainName.parse('b.example.com').key)).toBeUndefined();
  });
});

describe('a transaction that fails', () => {
  it('fails all changes that depend on it, including later ones, and publishes nothing', async () => {
    const { log, committer, zone, failures } = made();
    const first = watch(committer.change(zone, set('a', 1)));
    const one = await log.next(1);
    const later = [watch(committer.change(zone, set('b', 2))), watch(committer.change(zone, () => 'unchanged'))];
    const error = new Error('the disk is full');
    one.fail(error);
    await committer.settled();
    expect([first, ...later].map(({ value }) => value)).toEqual([error, error, error]);
    expect(failures).toEqual([error]);
    expect(log.transactions).toHaveLength(1);
    expect([zone.published.serial, zone.isPending, zone.draft.changed]).toEqual([1, false, false]);
  });

  it('does not fail a later change of another zone', async () => {
    const { log, committer, zone, other } = made();
    const first = watch(committer.change(zone, set('a', 1)));
    const one = await log.next(1);
    const later = committer.change(other, set('b', 2));
    one.fail(new Error('no'));
    (await log.next(2)).land();
    expect(await later).toBe('b 2');
    expect(first.value).toBeInstanceOf(Error);
  });

  it('leaves no trace: later changes are committed with the unused serial', async () => {
    const { log, committer, zone } = made();
    const first = watch(committer.change(zone, set('a', 1)));
    (await log.next(1)).fail(new Error('no'));
    await committer.settled();
    expect(first.value).toBeInstanceOf(Error);
    const second = committer.change(zone, set('b', 2));
    const two = await log.next(2);
    expect(two.commits[0]!.diff).toMatchObject({ serialBefore: 1, serial: 2 });
    two.land();
    await second;
    expect(zone.published.find(DomainName.parse('a.example.com').key)).toBeUndefined();
    expect(zone.published.find(DomainName.parse('b.example.com').key)).toBeDefined();
  });
});
