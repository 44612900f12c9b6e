/** Which events cause a notice, and its subject and text. */
import { beforeEach, describe, expect, it } from 'vitest';
import { DomainName } from '../../dns/name.ts';
import type { NewHistoryEvent } from '../history/history.ts';
import { noticeSubject, noticeText } from './notice-text.ts';
import { type Notice, NoticeMaker, type SigningState } from './notices.ts';

const home = DomainName.parse('home.example.com');
const MINUTE = 60_000;

let sent: Notice[];
let maker: NoticeMaker;

const event = (more: Partial<NewHistoryEvent>): NewHistoryEvent => ({
  ownerName: home,
  timeMs: 1_000,
  protocol: 'dyndns2',
  actor: 'router1',
  source: '198.51.100.1',
  userAgent: 'ddclient/4',
  origin: 'client',
  outcome: 'changed',
  ...more,
});
const change = (before: string[], after: string[], more: Partial<NewHistoryEvent> = {}) =>
  event({ A: { before, after }, AAAA: { before: [], after: [] }, ...more });
const failure = (more: Partial<NewHistoryEvent> = {}) =>
  event({ outcome: 'failed', code: 'primary-unreachable', ...more });

beforeEach(() => {
  sent = [];
  maker = new NoticeMaker(() => ({ send: (notice) => void sent.push(notice) }));
});

describe('notices of events', () => {
  it('changed addresses cause a notice, with all fields but the user agent', () => {
    maker.event(change(['192.0.2.1'], ['192.0.2.2']));
    expect(sent).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{38}$/),
        kind: 'changed',
        ownerName: home,
        timeMs: 1_000,
        protocol: 'dyndns2',
        actor: 'router1',
        source: '198.51.100.1',
        A: { before: ['192.0.2.1'], after: ['192.0.2.2'] },
        AAAA: { before: [], after: [] },
      },
    ]);
  });

  it('later notices have greater ids', () => {
    for (let round = 0; round < 300; round += 1) maker.event(change(['192.0.2.1'], ['192.0.2.2']));
    const ids = sent.map(({ id }) => id);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(300);
  });

  it('a change of other records, or of the TTL alone, causes none', () => {
    maker.event(change(['192.0.2.1'], ['192.0.2.1'], { detail: 'TXT' }));
    maker.event(event({ detail: 'TXT' }));
    expect(sent).toEqual([]);
  });

  it('the same failure of a host causes another notice after an hour, a different failure at once', () => {
    maker.event(failure());
    maker.event(failure({ timeMs: 1_000 + 59 * MINUTE }));
    expect(sent).toHaveLength(1);
    maker.event(failure({ timeMs: 1_001 + 60 * MINUTE }));
    expect(sent).toHaveLength(2);
    maker.event(failure({ timeMs: 1_002 + 60 * MINUTE, code: 'primary-refused' }));
    maker.event(failure({ ownerName: DomainName.parse('other.example.com') }));
    expect(sent).toHaveLength(4);
  });

  it('a failure causes a notice again after the host has worked', () => {
    maker.event(failure());
    maker.event(change([], ['192.0.2.1']));
    maker.event(failure());
    maker.repeat(home);
    maker.event(failure());
    expect(sent.map(({ kind }) => kind)).toEqual(['failed', 'changed', 'failed', 'failed']);
  });

  it('only refusals that need an operator cause one: a conflict, and a pending update that was dropped', () => {
    for (const code of ['host-disabled', 'address-refused', 'rate-limited'] as const) {
      maker.event(event({ outcome: 'refused', code }));
    }
    expect(sent).toEqual([]);
    maker.event(event({ outcome: 'refused', code: 'conflict', detail: 'a CNAME' }));
    maker.event(
      event({ outcome: 'refused', protocol: 'retry', actor: 'server', source: '', detail: 'its zone is gone' }),
    );
    expect(sent.map(({ kind, code, detail }) => [kind, code, detail])).toEqual([
      ['failed', 'conflict', 'a CNAME'],
      ['failed', undefined, 'its zone is gone'],
    ]);
  });

  it('none is made while no one subscribes', () => {
    let calls = 0;
    const unused = new NoticeMaker(() => {
      calls += 1;
      return undefined;
    });
    unused.event(failure());
    unused.silent(home, 1, 2);
    expect(calls).toBe(2);
  });
});

describe('the subject and text', () => {
  it('of a secondary contain its state, and of which zone', () => {
    const change = { apex: DomainName.parse('example.com'), secondary: '192.0.2.53:53', serial: 7, timeMs: 90_000 };
    const condition = { state: 'refused', sinceMs: 60_000, text: 'refused the transfer of serial 8: it still has 7' };
    maker.secondary({ ...change, kind: 'trouble', condition });
    expect(sent).toMatchObject([
      {
        kind: 'secondary',
        ownerName: change.apex,
        protocol: 'watch',
        secondary: { place: '192.0.2.53:53', state: 'refused', sinceMs: 60_000, serial: 7 },
      },
    ]);
    expect(words()).toEqual([
      'example.com: secondary 192.0.2.53:53 refused the transfer of serial 8: it still has 7',
      'The secondary 192.0.2.53:53 of the zone example.com refused the transfer of serial 8: it still has 7, since 1970-01-01T00:01:00.000Z.',
    ]);
  });

  it.each<[SigningState, string]>([
    ['expiring', 'example.com: signatures expire soon'],
    ['expired', 'example.com: signatures have expired'],
    ['keys-missing', 'example.com: keys of the signed zone are missing'],
    ['ok', 'example.com: signatures are renewed again'],
  ])('of signatures that are %s contain the zone and what the watch says', (state, subject) => {
    const apex = DomainName.parse('example.com');
    maker.signatures({ apex, state, text: 'A sentence.', timeMs: 90_000, firstExpirationMs: 180_000 });
    expect(sent).toMatchObject([
      {
        kind: 'signatures',
        ownerName: apex,
        protocol: 'watch',
        detail: 'A sentence.',
        signatures: { state, firstExpirationMs: 180_000 },
      },
    ]);
    expect(words()).toEqual([subject, 'A sentence.']);
  });

  const words = () => [noticeSubject(sent.at(-1)!), noticeText(sent.at(-1)!)];

  it('of a change contain the addresses', () => {
    maker.event(change([], ['192.0.2.2'], { AAAA: { before: ['2001:db8::1'], after: ['2001:db8::2'] } }));
    expect(words()).toEqual([
      'home.example.com is 192.0.2.2 and 2001:db8::2',
      'home.example.com changed: A none -> 192.0.2.2; AAAA 2001:db8::1 -> 2001:db8::2. By router1 (dyndns2 from 198.51.100.1).',
    ]);
    maker.event(change(['192.0.2.2'], [], { protocol: 'lease', actor: 'server', source: '' }));
    expect(words()).toEqual([
      'home.example.com has no address',
      'home.example.com changed: A 192.0.2.2 -> none. By server (lease).',
    ]);
  });

  it('of a failure contain its code and detail', () => {
    maker.event(failure({ detail: 'The primary did not answer in time.' }));
    expect(words()).toEqual([
      'home.example.com could not be updated: primary-unreachable',
      'home.example.com could not be updated: primary-unreachable: The primary did not answer in time. By router1 (dyndns2 from 198.51.100.1).',
    ]);
  });

  it.each([
    [65_000, '65 seconds'],
    [150_000, '2 minutes'],
    [3_600_000, '60 minutes'],
    [7_200_000, '2 hours'],
    [47 * 3_600_000, '47 hours'],
    [49 * 3_600_000, '2 days'],
  ])('of a silence of %i ms contain %s', (ms, expected) => {
    maker.silent(home, 1_000, 1_000 + ms);
    expect(words()).toEqual([
      'home.example.com is silent',
      `home.example.com is silent: its last update was ${expected} ago (1970-01-01T00:00:01.000Z).`,
    ]);
  });
});
