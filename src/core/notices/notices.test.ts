import { beforeEach, describe, expect, it } from 'vitest';
import { DomainName } from '../../dns/name.ts';
import type { NewHistoryEvent } from '../history/history.ts';
import { noticeSubject, noticeText } from './notice-text.ts';
import { type Notice, NoticeMaker } from './notices.ts';

const home = DomainName.parse('home.example.com');
const MINUTE = 60_000;

let told: Notice[];
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
  told = [];
  maker = new NoticeMaker(() => ({ tell: (notice) => void told.push(notice) }));
});

describe('of the history', () => {
  it('changed addresses are told, with everything but what a client calls itself', () => {
    maker.event(change(['192.0.2.1'], ['192.0.2.2']));
    expect(told).toEqual([
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
    const ids = told.map(({ id }) => id);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(300);
  });

  it('other records and a TTL alone are not told', () => {
    maker.event(change(['192.0.2.1'], ['192.0.2.1'], { detail: 'TXT' }));
    maker.event(event({ detail: 'TXT' }));
    expect(told).toEqual([]);
  });

  it('the same failure of a host is told again after an hour, another one at once', () => {
    maker.event(failure());
    maker.event(failure({ timeMs: 1_000 + 59 * MINUTE }));
    expect(told).toHaveLength(1);
    maker.event(failure({ timeMs: 1_001 + 60 * MINUTE }));
    expect(told).toHaveLength(2);
    maker.event(failure({ timeMs: 1_002 + 60 * MINUTE, code: 'primary-refused' }));
    maker.event(failure({ ownerName: DomainName.parse('other.example.com') }));
    expect(told).toHaveLength(4);
  });

  it('a failure is news again after the host has worked', () => {
    maker.event(failure());
    maker.event(change([], ['192.0.2.1']));
    maker.event(failure());
    maker.repeat(home);
    maker.event(failure());
    expect(told.map(({ kind }) => kind)).toEqual(['failed', 'changed', 'failed', 'failed']);
  });

  it('of refusals those are told that somebody has to repair: data in the way, and a kept update that was dropped', () => {
    for (const code of ['host-disabled', 'address-refused', 'rate-limited'] as const) {
      maker.event(event({ outcome: 'refused', code }));
    }
    expect(told).toEqual([]);
    maker.event(event({ outcome: 'refused', code: 'conflict', detail: 'a CNAME' }));
    maker.event(
      event({ outcome: 'refused', protocol: 'retry', actor: 'server', source: '', detail: 'its zone is gone' }),
    );
    expect(told.map(({ kind, code, detail }) => [kind, code, detail])).toEqual([
      ['failed', 'conflict', 'a CNAME'],
      ['failed', undefined, 'its zone is gone'],
    ]);
  });

  it('nothing is made of it while nobody wants to know', () => {
    let asked = 0;
    const nobody = new NoticeMaker(() => {
      asked += 1;
      return undefined;
    });
    nobody.event(failure());
    nobody.silent(home, 1, 2);
    expect(asked).toBe(2);
  });
});

describe('in words', () => {
  const words = () => [noticeSubject(told.at(-1)!), noticeText(told.at(-1)!)];

  it('a change names the addresses', () => {
    maker.event(change([], ['192.0.2.2'], { AAAA: { before: ['2001:db8::1'], after: ['2001:db8::2'] } }));
    expect(words()).toEqual([
      'home.example.com is 192.0.2.2 and 2001:db8::2',
      'home.example.com changed: A none -> 192.0.2.2; AAAA 2001:db8::1 -> 2001:db8::2. By router1 (dyndns2 from 198.51.100.1).',
    ]);
    maker.event(change(['192.0.2.2'], [], { protocol: 'lease', actor: 'server', source: '' }));
    expect(words()).toEqual([
      'home.example.com is without an address',
      'home.example.com changed: A 192.0.2.2 -> none. By server (lease).',
    ]);
  });

  it('a failure names its code and what was said', () => {
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
  ])('a silence of %i ms is one of %s', (ms, expected) => {
    maker.silent(home, 1_000, 1_000 + ms);
    expect(words()).toEqual([
      'home.example.com is silent',
      `home.example.com is silent: its last update came ${expected} ago (1970-01-01T00:00:01.000Z).`,
    ]);
  });
});
