// How many events of updates that change nothing a client can write into the history.
import { beforeEach, describe, expect, it } from 'vitest';
import { parseIpAddress } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { Principal } from '../access/principal.ts';
import { MinuteLimiter } from '../access/rate-limits.ts';
import type { RequestContext } from '../access/request-context.ts';
import { AppError, ERROR_CODES, type ErrorCode } from '../errors.ts';
import type { NewHistoryEvent } from '../history/history.ts';
import { UpdateRecord } from './update-record.ts';

const MINUTE_MS = 60_000;
const apex = DomainName.parse('dyn.example.com');
const home = apex.prepend('home');
const RECORDED = (Object.keys(ERROR_CODES) as ErrorCode[]).filter(
  (code) => ERROR_CODES[code].history !== 'not recorded',
);

let nowMs: number;
let events: NewHistoryEvent[];
let unrecorded: number;
let refusals: MinuteLimiter;
let record: UpdateRecord;

beforeEach(() => {
  nowMs = 1_700_000_000_000;
  events = [];
  unrecorded = 0;
  refusals = new MinuteLimiter(5, () => nowMs);
  record = new UpdateRecord({
    refusals,
    now: () => nowMs,
    onUnrecorded: () => {
      unrecorded += 1;
    },
    recorder: { record: (event) => events.push(event), repeat: () => undefined },
  });
});

function token(id: string): Principal {
  const fields = { name: id, sha256: id, hosts: [], types: [RRType.A], addresses: 'any', createdMs: 0 } as const;
  return { kind: 'token', token: { id, ...fields } } as Principal;
}

function context(principal: Principal, source: string): RequestContext {
  return {
    principal,
    caller: parseIpAddress(source),
    protocol: 'dyndns2',
    userAgent: '',
    origin: 'client',
  } as RequestContext;
}

/** A source above its limit of refusals has 5 of them, so that other limits show with more sources. */
const source = (number: number) => `192.0.2.${number % 250}`;

describe('events that a client causes without a change', () => {
  it('a source above the limit of refusals leaves no more of them', () => {
    const from = context(token('t1'), '192.0.2.1');
    for (let number = 0; number < 100; number++) {
      const error = new AppError('address-refused', 'no');
      record.failed(apex.prepend(`h${number}`), from, error);
      record.refuse(error, from);
    }
    expect([events.length, unrecorded]).toEqual([5, 95]);
    nowMs += MINUTE_MS;
    record.failed(home, from, new AppError('address-refused', 'no'));
    expect(events).toHaveLength(6);
  });

  it.each(RECORDED)('%s of one host by one token are limited, and the last one says so', (code) => {
    for (let number = 0; number < 1_000; number++) {
      record.failed(home, context(token('t1'), source(number)), new AppError(code, 'why'));
    }
    expect([events.length, unrecorded]).toEqual([60, 940]);
    expect(events.at(-1)).toMatchObject({
      outcome: ERROR_CODES[code].history,
      code,
      detail: 'why (further ones of this minute are not recorded)',
    });
    expect(events.slice(0, 59).every(({ detail }) => detail === 'why')).toBe(true);
    // Another token, another host and the next minute have their own.
    record.failed(home, context(token('t2'), '192.0.2.1'), new AppError(code, 'why'));
    record.failed(apex.prepend('nas'), context(token('t1'), '192.0.2.1'), new AppError(code, 'why'));
    nowMs += MINUTE_MS;
    record.failed(home, context(token('t1'), '192.0.2.1'), new AppError(code, 'why'));
    expect(events).toHaveLength(63);
  });

  it('members that were left out are limited, too', () => {
    for (let number = 0; number < 100; number++) record.leftOut(home, context(token('t1'), source(number)), 'why');
    expect([events.length, unrecorded]).toEqual([60, 40]);
  });

  it('a token cannot use many hosts for more', () => {
    for (let number = 0; number < 1_000; number++) {
      record.failed(apex.prepend(`h${number}`), context(token('t1'), source(number)), new AppError('conflict', 'why'));
    }
    expect(events).toHaveLength(300);
  });

  it('clients of the master secret are limited by their address', () => {
    const master = { kind: 'master' } as Principal;
    for (let number = 0; number < 2_000; number++) {
      record.failed(
        apex.prepend(`h${number % 1_000}`),
        context(master, source(number % 2)),
        new AppError('conflict', ''),
      );
    }
    expect(events).toHaveLength(600);
  });

  it('changes are all recorded', () => {
    for (let number = 0; number < 1_000; number++) record.changed(home, context(token('t1'), source(number)), {});
    expect([events.length, unrecorded]).toEqual([1_000, 0]);
  });

  it('a clock that is set back does not silence the history', () => {
    for (let number = 0; number < 70; number++) record.leftOut(home, context(token('t1'), source(number)), 'why');
    nowMs -= 86_400_000;
    record.leftOut(home, context(token('t1'), '192.0.2.1'), 'why');
    expect(events).toHaveLength(61);
  });
});
