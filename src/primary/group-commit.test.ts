/** Group commit and lost replies, against a zone in memory behind a sender that loses messages on demand. */
import { describe, expect, it, vi } from 'vitest';
import { MemoryZone } from '../../test/support/memory-publisher.ts';
import { waitUntil } from '../../test/support/process.ts';
import { type WantedTexts, wantedOf } from '../../test/support/wanted-addresses.ts';
import { AppError } from '../core/errors.ts';
import { planChange } from '../core/zones/plan-change.ts';
import type { PublishedAddresses } from '../core/zones/publisher.ts';
import { DomainName } from '../dns/name.ts';
import { RRType } from '../dns/rdata.ts';
import { addressRdata } from '../dns/rrset.ts';
import type { ZoneChange } from '../dns/zone-change.ts';
import type { Explanation } from './explain-stale.ts';
import { GroupCommit, type MessageOutcome } from './group-commit.ts';

const apex = DomainName.parse('example.com');
const at = (label: string) => DomainName.parse(label, apex);

/** What happens to a message: it is not applied and its reply lost, applied and its reply lost or late, and so on. */
type Fate = 'lost before' | 'lost after' | 'late' | 'refused' | 'failed' | 'throws' | 'slow' | 'fine';

function error(text: string): AppError {
  return new AppError(text === 'lost' ? 'publish-unknown' : 'primary-refused', text);
}

class Primary {
  readonly zone = new MemoryZone(apex);
  /** Advanced by tests. */
  nowMs = 0;
  /** Of the next messages, in order; later ones are fine. */
  readonly fates: Fate[] = [];
  /** The names in each message; those without edits end in `?`. */
  readonly messages: string[] = [];
  readonly batches: string[] = [];
  /** Whether other servers change the zone. */
  isShared = false;
  /** Messages are held until it is called. */
  release: (() => void) | undefined;
  #held: Promise<void> | undefined;
  /** Called when a message or its reply is lost. */
  interfere: (() => void) | undefined;
  /** Labels whose answers do not show that a change is stale; of those with `*` a wildcard would explain it. */
  readonly unexplained = new Map<string, '' | '*'>();
  /** Names that were asked for, in rounds. */
  readonly asked: string[] = [];
  readonly commits = new GroupCommit({
    send: (changes, deadlineMs) => this.#send(changes, deadlineMs),
    explain: (changes) => this.#explain(changes),
    makeTimeoutError: () => error('too late'),
    onBatch: (changes, outcome) => this.batches.push(`${changes} ${outcome}`),
    isShared: () => this.isShared,
    clock: () => this.nowMs,
  });

  async #explain(changes: readonly ZoneChange[]): Promise<readonly Explanation[]> {
    const labels = changes.map(({ ownerName }) => ownerName.toString().split('.')[0]!);
    this.asked.push(...labels);
    await new Promise((resolve) => setImmediate(resolve));
    const explanations = changes.map((change, index): Explanation => {
      const label = labels[index]!;
      if (this.unexplained.has(label) || this.zone.apply([{ ...change, edits: [] }]) === 'published')
        return 'as-believed';
      return { kind: 'stale', reads: [{ kind: 'addresses', published: publishedAs(...this.addressesAt(label)) }] };
    });
    if (explanations.some((explanation) => explanation !== 'as-believed')) return explanations;
    return labels.map((label) => (this.unexplained.get(label) === '*' ? 'stale' : 'as-believed'));
  }

  async #send(changes: readonly ZoneChange[], deadlineMs: number): Promise<MessageOutcome> {
    this.messages.push(
      changes.map(({ ownerName, edits }) => ownerName.toString().split('.')[0] + (edits.length ? '' : '?')).join(' '),
    );
    await new Promise((resolve) => setImmediate(resolve));
    await this.#held;
    const fate = this.fates.shift() ?? 'fine';
    if (fate === 'throws') throw new TypeError('cannot be encoded');
    if (fate === 'refused' || fate === 'failed') return { kind: fate, error: error(fate) };
    if (fate === 'lost before') {
      this.interfere?.();
      return { kind: 'lost', error: error('lost') };
    }
    if (this.nowMs > deadlineMs) return { kind: 'lost', error: error('lost') };
    const outcome = this.zone.apply(changes);
    if (fate === 'late') this.nowMs += 40;
    if (fate === 'slow') this.nowMs += 20;
    if (fate === 'lost after') this.interfere?.();
    return fate === 'lost after' ? { kind: 'lost', error: error('lost') } : { kind: outcome };
  }

  hold(): void {
    this.#held = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  publish(change: ZoneChange, timeoutMs = 5000) {
    return this.commits.submit(change, this.nowMs + timeoutMs);
  }

  addressesAt(label: string): string[] {
    const rdatas = this.zone.rrsetAt(at(label), RRType.A)?.rdatas ?? [];
    return rdatas.map((rdata) => ('address' in rdata ? rdata.address : ''));
  }
}

const set = (addresses: readonly string[]) => ({ addresses, ttl: addresses.length > 0 ? 60 : 0 });
const publishedAs = (...A: string[]): PublishedAddresses => ({ A: set(A), AAAA: set([]) });

function plan(label: string, wanted: WantedTexts, published = publishedAs(), ttl?: number): ZoneChange {
  const input = { zone: apex, ownerName: at(label), wanted: wantedOf(wanted), published, ttl: ttl ?? 60 };
  return planChange({ ...input, ttlIsExplicit: ttl !== undefined }).change;
}

function writeAddress(primary: Primary, label: string, address: string, ttl = 60): void {
  const rrset = { ownerName: at(label), type: RRType.A, ttl, rdatas: [addressRdata(RRType.A, address)] };
  const edits = [{ kind: 'replace-rrset', rrset }] as const;
  primary.zone.apply([{ zone: apex, ownerName: at(label), prerequisites: [], edits }]);
}

/** The messages until n3 of eight is alone. */
const HALVES = ['n0 n1 n2 n3 n4 n5 n6 n7', 'n0 n1 n2 n3', 'n0 n1', 'n2 n3', 'n2', 'n3', 'n4 n5 n6 n7'];

const letters = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);

describe('group commit', () => {
  it('sends changes of one turn of the event loop together, and later ones in the next message', async () => {
    const primary = new Primary();
    const first = ['a', 'b'].map((label) => primary.publish(plan(label, { A: '192.0.2.1' })));
    await new Promise((resolve) => setImmediate(resolve));
    const second = ['c', 'd', 'e'].map((label) => primary.publish(plan(label, { A: '192.0.2.1' })));
    await Promise.all([...first, ...second]);
    expect(primary.messages).toEqual(['a b', 'c d e']);
  });

  it('alone one message is in flight, in a shared zone two, of different names', async () => {
    for (const isShared of [false, true]) {
      const primary = new Primary();
      primary.isShared = isShared;
      primary.hold();
      const outcomes: Promise<unknown>[] = [];
      const publish = async (label: string, address: string, before?: string) => {
        outcomes.push(
          primary.publish(plan(label, { A: address }, before === undefined ? undefined : publishedAs(before))),
        );
        await new Promise((resolve) => setTimeout(resolve, 1));
      };
      await publish('a', '192.0.2.1');
      await publish('a', '192.0.2.2', '192.0.2.1');
      await publish('b', '192.0.2.1');
      await publish('c', '192.0.2.1');
      await waitUntil('the messages that may be in flight', () => primary.messages.length === (isShared ? 2 : 1));
      expect(primary.messages).toEqual(isShared ? ['a', 'b'] : ['a']);
      primary.release?.();
      expect(await Promise.all(outcomes)).toEqual(['published', 'published', 'published', 'published']);
      expect(primary.messages).toEqual(isShared ? ['a', 'b', 'a c'] : ['a', 'a b c']);
      expect(primary.addressesAt('a')).toEqual(['192.0.2.2']);
    }
  });

  it('in a shared zone a message waits for more changes, no longer than the last one took', async () => {
    const primary = new Primary();
    primary.isShared = true;
    primary.fates.push('slow');
    await Promise.all(letters(4).map((label) => primary.publish(plan(label, { A: '192.0.2.1' }))));
    // The test decides when the wait is over: a busy machine might need longer for two turns.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const outcomes = [primary.publish(plan('a', { A: '192.0.2.1' }))];
      for (const label of ['b', 'c']) {
        await new Promise((resolve) => setImmediate(resolve));
        outcomes.push(primary.publish(plan(label, { A: '192.0.2.1' })));
      }
      vi.advanceTimersToNextTimer();
      await Promise.all(outcomes);
    } finally {
      vi.useRealTimers();
    }
    expect(primary.messages).toEqual(['n0 n1 n2 n3', 'a b c']);
  });

  it('in a shared zone a message with as many changes as usual waits for no more', async () => {
    const primary = new Primary();
    primary.isShared = true;
    primary.fates.push('slow');
    await Promise.all(letters(3).map((label) => primary.publish(plan(label, { A: '192.0.2.1' }))));
    const timers = vi.spyOn(globalThis, 'clearTimeout');
    try {
      const outcomes = ['a', 'b', 'c', 'd'].map((label) => primary.publish(plan(label, { A: '192.0.2.1' })));
      expect(timers).toHaveBeenCalledTimes(1);
      await Promise.all(outcomes);
    } finally {
      timers.mockRestore();
    }
    expect(primary.messages).toEqual(['n0 n1 n2', 'a b c d']);
  });

  it('what another server has published returns the queued change of the name that rests on something else, and no other', async () => {
    const primary = new Primary();
    primary.hold();
    const outcomes = [primary.publish(plan('first', { A: '192.0.2.1' }))];
    await waitUntil('the first message', () => primary.messages.length === 1);
    for (const label of ['a', 'b', 'c']) outcomes.push(primary.publish(plan(label, { A: '192.0.2.1' })));
    const news = publishedAs('192.0.2.99');
    primary.commits.refute(at('b').key, news);
    primary.commits.refute(at('c').key, publishedAs());
    primary.commits.refute(at('unknown').key, news);
    expect(await outcomes[2]).toEqual({ kind: 'stale', reads: [{ kind: 'addresses', published: news }] });
    primary.release?.();
    await Promise.all(outcomes);
    expect(primary.messages).toEqual(['first', 'a c']);
  });

  it('puts at most 200 changes into one message', async () => {
    const primary = new Primary();
    await Promise.all(letters(450).map((label) => primary.publish(plan(label, { A: '192.0.2.1' }))));
    expect(primary.batches).toEqual(['200 published', '200 published', '50 published']);
  });

  it('keeps the order of changes of one name, each in a message of its own', async () => {
    const primary = new Primary();
    const outcomes = await Promise.all([
      primary.publish(plan('a', { A: '192.0.2.1' })),
      primary.publish(plan('a', { A: '192.0.2.2' }, publishedAs('192.0.2.1'))),
      primary.publish(plan('b', { A: '192.0.2.1' })),
      primary.publish(plan('A', { A: '192.0.2.3' }, publishedAs('192.0.2.2'))),
      primary.publish(plan('a', { A: '192.0.2.4' }, publishedAs('192.0.2.1'))),
    ]);
    expect(outcomes).toEqual(['published', 'published', 'published', 'published', 'stale']);
    expect(primary.messages).toEqual(['a b', 'a', 'A', 'a']);
    expect(primary.addressesAt('a')).toEqual(['192.0.2.3']);
  });

  it('puts no two changes of one name into a message where one is of several names, and none overtakes', async () => {
    const primary = new Primary();
    const ofBoth = (address: string, believed = publishedAs()) => {
      const [a, b] = [plan('a', { A: address }, believed), plan('b', { A: address }, believed)];
      const prerequisites = [...a.prerequisites, ...b.prerequisites];
      return { ...a, otherNames: [at('b')], prerequisites, edits: [...a.edits, ...b.edits] };
    };
    const outcomes = await Promise.all([
      primary.publish(plan('a', { A: '192.0.2.1' })),
      primary.publish(ofBoth('192.0.2.2', publishedAs('192.0.2.1'))),
      primary.publish(plan('b', { A: '192.0.2.1' })),
      primary.publish(plan('c', { A: '192.0.2.1' })),
    ]);
    // The change of `b` came after that of both names, which was planned for a wrong state of `b`.
    expect(outcomes).toEqual(['published', 'stale', 'published', 'published']);
    expect(primary.messages).toEqual(['a c', 'a', 'b']);
    expect(await primary.publish(ofBoth('192.0.2.3', publishedAs('192.0.2.1')))).toBe('published');
    expect([primary.addressesAt('a'), primary.addressesAt('b')]).toEqual([['192.0.2.3'], ['192.0.2.3']]);
  });

  it('a stale message is settled by asking for its names: the stale ones are returned with the answers, the others sent again', async () => {
    const primary = new Primary();
    for (const label of ['n3', 'n5']) writeAddress(primary, label, '192.0.2.99');
    const planned = letters(8).map(async (label) => {
      const outcome = await primary.publish(plan(label, { A: '192.0.2.1' }));
      if (typeof outcome === 'string') return outcome;
      const [read] = outcome.reads;
      if (read?.kind !== 'addresses') throw new Error('no answer');
      return `again ${await primary.publish(plan(label, { A: '192.0.2.1' }, read.published))}`;
    });
    const outcomes = await Promise.all(planned);
    expect(outcomes.filter((outcome) => outcome === 'published')).toHaveLength(6);
    expect([outcomes[3], outcomes[5]]).toEqual(['again published', 'again published']);
    expect(primary.messages).toEqual(['n0 n1 n2 n3 n4 n5 n6 n7', 'n0 n1 n2 n4 n6 n7 n3 n5']);
    expect(primary.asked).toHaveLength(8);
  });

  it('whatever is stale, one message is refused, and each name is asked for once', async () => {
    for (let stale = 1; stale < 2 ** 6; stale++) {
      const primary = new Primary();
      const labels = letters(6);
      for (const [index, label] of labels.entries())
        if (stale & (1 << index)) writeAddress(primary, label, '192.0.2.99');
      const outcomes = await Promise.all(labels.map((label) => primary.publish(plan(label, { A: '192.0.2.1' }))));
      const isStale = outcomes.map((outcome) => outcome !== 'published');
      expect(isStale).toEqual(labels.map((_, index) => (stale & (1 << index)) > 0));
      expect(primary.messages.length).toBeLessThanOrEqual(2);
      expect(primary.asked).toEqual(labels);
    }
  });

  it('a name that others change all the time delays the others of its message by two messages at most', async () => {
    const primary = new Primary();
    const busy = async () => {
      for (let round = 0; round < 10; round++) {
        const published = publishedAs(...primary.addressesAt('busy'));
        const outcome = primary.publish(plan('busy', { A: `192.0.2.${round}` }, published));
        writeAddress(primary, 'busy', `198.51.100.${round}`);
        await outcome;
      }
    };
    const others = ['a', 'b'].map((label) => primary.publish(plan(label, { A: '192.0.2.1' })));
    await Promise.all([...others, busy()]);
    const last = primary.messages.findLastIndex((message) => message.includes('a'));
    expect(primary.messages.slice(0, last + 1).length).toBeLessThanOrEqual(3);
  });

  it('a stale change that the answers do not show is found by halves, or by the wildcard above it', async () => {
    const primary = new Primary();
    writeAddress(primary, 'n3', '192.0.2.99');
    primary.unexplained.set('n3', '');
    const change = () => letters(8).map((label) => primary.publish(plan(label, { A: '192.0.2.1' }, publishedAs())));
    expect((await Promise.all(change())).filter((outcome) => outcome === 'stale')).toHaveLength(1);
    expect(primary.messages).toEqual(HALVES);
    const other = new Primary();
    writeAddress(other, 'n3', '192.0.2.99');
    other.unexplained.set('n3', '*');
    const outcomes = await Promise.all(
      letters(8).map((label) => other.publish(plan(label, { A: '192.0.2.1' }, publishedAs()))),
    );
    expect(outcomes.indexOf('stale')).toBe(3);
    expect(other.messages).toEqual(['n0 n1 n2 n3 n4 n5 n6 n7', 'n0 n1 n2 n4 n5 n6 n7']);
  });

  it('a refused message is split until the faulty change is alone', async () => {
    const primary = new Primary();
    primary.fates.push('refused', 'refused', 'fine', 'refused', 'fine', 'refused', 'fine');
    const results = await Promise.allSettled(
      letters(8).map((label) => primary.publish(plan(label, { A: '192.0.2.1' }))),
    );
    expect(results.map(({ status }) => status).indexOf('rejected')).toBe(3);
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(primary.messages).toEqual(HALVES);
  });

  it('what fails for a reason that no change has a part in is not tried one by one', async () => {
    const primary = new Primary();
    primary.fates.push('failed');
    const results = await Promise.allSettled(
      letters(5).map((label) => primary.publish(plan(label, { A: '192.0.2.1' }))),
    );
    expect(results.every((result) => result.status === 'rejected')).toBe(true);
    expect(primary.messages).toHaveLength(1);
  });

  it('a change that cannot be encoded fails as internal, and the next ones are published', async () => {
    const primary = new Primary();
    primary.fates.push('throws');
    await expect(primary.publish(plan('a', { A: '192.0.2.1' }))).rejects.toMatchObject({ code: 'internal' });
    expect(await primary.publish(plan('a', { A: '192.0.2.1' }))).toBe('published');
  });

  it('a change that times out in the queue fails alone', async () => {
    const primary = new Primary();
    const results = await Promise.allSettled([
      primary.publish(plan('a', { A: '192.0.2.1' }), 0),
      primary.publish(plan('b', { A: '192.0.2.1' })),
    ]);
    expect(results).toMatchObject([{ reason: { message: 'too late' } }, { value: 'published' }]);
    expect(primary.messages).toEqual(['b']);
  });
});

describe('a lost reply', () => {
  it('is followed by a confirmation: an applied change is published, and not sent again', async () => {
    const primary = new Primary();
    primary.fates.push('lost after');
    expect(await primary.publish(plan('a', { A: '192.0.2.1' }))).toBe('published');
    expect(primary.messages).toEqual(['a', 'a?']);
    expect(primary.zone.serial).toBe(2);
  });

  it('is followed by a confirmation: a change that was not applied is sent again', async () => {
    const primary = new Primary();
    primary.fates.push('lost before');
    expect(await primary.publish(plan('a', { A: '192.0.2.1' }))).toBe('published');
    expect(primary.messages).toEqual(['a', 'a?', 'a']);
    expect(primary.addressesAt('a')).toEqual(['192.0.2.1']);
  });

  it('a deletion is confirmed in the same way', async () => {
    for (const fate of ['lost before', 'lost after'] as const) {
      const primary = new Primary();
      writeAddress(primary, 'a', '192.0.2.1');
      primary.fates.push(fate);
      expect(await primary.publish(plan('a', { A: null }, publishedAs('192.0.2.1')))).toBe('published');
      expect(primary.addressesAt('a')).toEqual([]);
    }
  });

  it('of a shared message is confirmed for each change, even if others interfere', async () => {
    const primary = new Primary();
    primary.fates.push('lost after');
    primary.interfere = () => writeAddress(primary, 'n1', '192.0.2.99');
    const results = await Promise.allSettled(
      letters(4).map((label) => primary.publish(plan(label, { A: '192.0.2.1' }))),
    );
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : result.status))).toEqual([
      'published',
      // Applied and then replaced, or never applied: this is unknown, and the next read decides.
      'stale',
      'published',
      'published',
    ]);
    expect(primary.addressesAt('n1')).toEqual(['192.0.2.99']);
  });

  it('a change of only the TTL is sent again: prerequisites do not compare TTLs (RFC 2136 §2.4.2)', async () => {
    for (const fate of ['lost before', 'lost after'] as const) {
      const primary = new Primary();
      writeAddress(primary, 'a', '192.0.2.1', 60);
      primary.fates.push(fate);
      const change = plan('a', { A: '192.0.2.1' }, publishedAs('192.0.2.1'), 600);
      expect(await primary.publish(change)).toBe('published');
      expect(primary.zone.rrsetAt(at('a'), RRType.A)?.ttl).toBe(600);
    }
  });

  it('is publish-unknown when the primary does not answer any more', async () => {
    const primary = new Primary();
    primary.fates.push(...Array<Fate>(20).fill('lost before'));
    await expect(primary.publish(plan('a', { A: '192.0.2.1' }))).rejects.toMatchObject({ code: 'publish-unknown' });
    expect(primary.messages.length).toBeLessThan(8);
  });

  it('of a change without edits is not in doubt: nothing can have been changed', async () => {
    const primary = new Primary();
    primary.fates.push(...Array<Fate>(20).fill('lost before'));
    await expect(primary.publish(plan('a', {}))).rejects.toMatchObject({ code: 'primary-unreachable' });
  });

  it('of a change without edits whose prerequisites fail is stale', async () => {
    const primary = new Primary();
    writeAddress(primary, 'a', '192.0.2.1');
    primary.fates.push('lost before');
    expect(await primary.publish(plan('a', {}))).toBe('stale');
  });

  it('is confirmed again while a change has time, although its neighbour timed out', async () => {
    const primary = new Primary();
    primary.fates.push('lost after', 'lost before');
    // The first reply arrives after the deadline of `a`.
    primary.interfere = () => {
      primary.nowMs += 25;
    };
    const [a, b] = await Promise.allSettled([
      primary.publish(plan('a', { A: '192.0.2.1' }), 20),
      primary.publish(plan('b', { A: '192.0.2.1' }), 5000),
    ]);
    expect(a).toMatchObject({ status: 'rejected', reason: { code: 'publish-unknown' } });
    expect(b).toMatchObject({ status: 'fulfilled', value: 'published' });
  });

  it('stays in doubt for changes that time out during the confirmation', async () => {
    const primary = new Primary();
    primary.fates.push('lost after', 'late');
    primary.interfere = () => writeAddress(primary, 'a', '192.0.2.99');
    const changes = ['a', 'b'].map((label) => primary.publish(plan(label, { A: '192.0.2.1' }), 30));
    for (const result of await Promise.allSettled(changes)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'publish-unknown' } });
    }
  });

  it('of an edit that cannot be confirmed is publish-unknown, and the next ones are published', async () => {
    const primary = new Primary();
    primary.fates.push('lost after');
    const ownerName = at('a');
    const rrset = { ownerName, type: RRType.A, ttl: 60, rdatas: [addressRdata(RRType.A, '192.0.2.1')] };
    const addition = { zone: apex, ownerName, prerequisites: [], edits: [{ kind: 'add-to-rrset', rrset }] } as const;
    const [a, b] = await Promise.allSettled([
      primary.publish(addition),
      primary.publish(plan('b', { A: '192.0.2.1' })),
    ]);
    expect(a).toMatchObject({ status: 'rejected', reason: { code: 'publish-unknown' } });
    expect(b).toMatchObject({ status: 'fulfilled', value: 'published' });
    expect(await primary.publish(plan('c', { A: '192.0.2.1' }))).toBe('published');
  });
});
