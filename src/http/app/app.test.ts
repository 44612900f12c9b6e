/** Replies of an application in a state that a running server is rarely in: overloaded, or with a defect. */
import { afterEach, describe, expect, it } from 'vitest';
import { Authenticator } from '../../core/access/authenticate.ts';
import { GUESSES, GuessBudget } from '../../core/access/guess-budget.ts';
import type { RequestEvent } from '../../core/observer.ts';
import { UpdateAddresses } from '../../core/updates/update-addresses.ts';
import { UpdateHost } from '../../core/updates/update-host.ts';
import { UpdateQueue } from '../../core/updates/update-queue.ts';
import { UpdateRecord } from '../../core/updates/update-record.ts';
import { UpdateTexts } from '../../core/updates/update-texts.ts';
import { CheckZones } from '../../core/zones/check-zones.ts';
import type { ZonePublisher } from '../../core/zones/publisher.ts';
import { ZoneTable } from '../../core/zones/zone.ts';
import { DomainName } from '../../dns/name.ts';
import { buildApp } from './app.ts';

describe('an application', () => {
  let app: ReturnType<typeof buildApp> | undefined;
  afterEach(() => app?.close());

  /** An application with the zone dyn.example.com on this primary. */
  function start(publisher: Partial<ZonePublisher>, maxWaiting: number) {
    const events: RequestEvent[] = [];
    const zone = {
      apex: DomainName.parse('dyn.example.com'),
      publisher: { recall: () => undefined, ...publisher } as ZonePublisher,
      ttl: {},
      apexAllowed: false,
      wildcardAllowed: false,
      reserved: new Set<string>(),
      addresses: { allow: [], deny: [] },
      emptyValue: 'keep' as const,
    };
    const clock = () => performance.now();
    const queue = new UpdateQueue(() => ({ timeoutMs: 5000, maxWaiting }), clock);
    const record = new UpdateRecord({ now: Date.now });
    const services = {
      version: '0',
      zones: new ZoneTable([zone]),
      authenticator: new Authenticator({
        masterSecret: 'Top5ecretWord',
        guesses: new GuessBudget(() => 0),
        now: Date.now,
      }),
      record,
      updates: new UpdateHost(new UpdateAddresses(queue), record),
      texts: new UpdateTexts({ queue, record, removeAfterSeconds: () => 60 }),
      acmeDns: undefined,
      protocolsOff: new Set<string>(),
      recordChanges: { ended: async () => undefined, clock: () => performance.now(), timeoutMs: 1000 },
      checks: new CheckZones(() => 5000, clock),
      unspecifiedFamily: 'keep' as const,
      checkIsOpen: true,
      monitoring: { metrics: () => Promise.reject(new Error('none')), notReady: async () => [], isApart: false },
    };
    app = buildApp({
      services: () => services,
      trust: () => ({ trustedProxies: [], clientAddressHeader: 'x-forwarded-for' }),
      observer: {
        requestAnswered: (event) => void events.push(event),
        batchPublished: () => undefined,
        dnsUpdateAnswered: () => undefined,
        warn: () => undefined,
      },
    });
    const get = async (url: string) => {
      const { statusCode, headers, body } = await app!.inject({ method: 'GET', url });
      return { status: statusCode, retryAfter: headers['retry-after'], body };
    };
    return { get, events };
  }

  const target = (name: string) => `/update-by-path/Top5ecretWord/${name}.dyn.example.com/192.0.2.1`;

  it('answers 503 with Retry-After when too many requests wait for the primary, and serves other requests', async () => {
    const release: (() => void)[] = [];
    const read = () => new Promise<never>((_resolve, reject) => release.push(() => reject(new Error('ended'))));
    const { get } = start({ read }, 3);
    const waiting = ['a', 'b', 'c'].map((name) => get(target(name)));
    while (release.length < 3) await new Promise(setImmediate);
    expect(await get(target('d'))).toEqual({
      status: 503,
      retryAfter: '5',
      body: 'ERROR: The server is busy: too many requests wait for the primary.\n',
    });
    expect((await get('/myip')).status).toBe(200);
    for (const end of release) end();
    await Promise.all(waiting);
    const again = get(target('d'));
    while (release.length < 4) await new Promise(setImmediate);
    release[3]?.();
    expect((await again).status).toBe(500);
  });

  it('answers 503 with Retry-After when the budget for wrong credentials is empty', async () => {
    const { get } = start({}, 3);
    const wrong = (guess: number) => get(`/delete-by-path/wrongsecret${guess}/home.dyn.example.com`);
    for (let guess = 0; guess < GUESSES; guess++) expect((await wrong(guess)).status).toBe(456);
    for (const refused of [await wrong(99), await get('/delete-by-path/Top5ecretWord/home.dyn.example.com')]) {
      expect([refused.status, refused.retryAfter]).toEqual([503, '6']);
      expect(refused.body).toBe('ERROR: Too many wrong credentials came from this source. Try again later.\n');
    }
  });

  it('answers an internal error with 500, a fixed text and the id that finds the cause in the log', async () => {
    const defect = new TypeError('Top secret detail');
    const { get, events } = start({ read: () => Promise.reject(defect) }, 3);
    const { status, body } = await get(target('home'));
    const id = /^ERROR: An internal error happened\. Please report it with the request id (\S+)\.\n$/.exec(body)?.[1];
    expect(status).toBe(500);
    expect(events[0]).toMatchObject({ requestId: id, status: 500, error: { code: 'internal', cause: defect } });
  });
});
