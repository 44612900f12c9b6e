/**
 * Log lines: the original's level of each event, the plain text, and which part of an error is left out. That no secret
 * of a request is logged is tested on the whole server (test/e2e/secrets.test.ts).
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { logLevel } from '../config/kinds/words.ts';
import { AppError, ERROR_CODES, type ErrorCode } from '../core/errors.ts';
import type { RequestEvent } from '../core/observer.ts';
import { createLog as createRealLog } from './log.ts';

let written: string[];
beforeEach(() => {
  written = [];
});

const createLog = (level: number, forPeople: boolean | 'journal') =>
  createRealLog(level, forPeople === 'journal' ? forPeople : forPeople ? 'text' : 'json', () => ({
    write: (line) => void written.push(line),
    dropped: 0,
    flush: async () => {},
  }));

const EVENT: RequestEvent = {
  requestId: 'id1',
  method: 'GET',
  route: '/update-by-path/:secret/:fqdn',
  source: '203.0.113.1',
  status: 200,
  durationMs: 1.234,
  outcome: 'updated',
  detail: 'UPDATED: home.example.com. A None -> 192.0.2.1\nUNCHANGED: home.example.com. AAAA None',
};

function failed(code: ErrorCode): RequestEvent {
  const error = new AppError(code, 'text');
  return { ...EVENT, outcome: 'failed', status: 456, detail: error.logText, error };
}

/** Returns the level at which the event is logged. */
function levelOf(event: RequestEvent): number {
  for (let level = 0; level <= 51; level++) {
    written = [];
    createLog(level, true).requestAnswered(event);
    if (written.length === 0) return level - 1;
  }
  return 51;
}

it('in the journal a line begins with its priority, and has no time', () => {
  const log = createLog(0, 'journal');
  log.requestAnswered({ ...EVENT, actor: 'router1' });
  log.requestAnswered({ ...EVENT, outcome: 'info', detail: 'seen' });
  log.info('started');
  log.warn('late');
  log.error('broken');
  for (const code of ['not-authenticated', 'primary-refused', 'internal'] as const) log.requestAnswered(failed(code));
  expect(written).toEqual([
    '<6>UPDATED home.example.com. A None -> 192.0.2.1; UNCHANGED: home.example.com. AAAA None (router1 from 203.0.113.1)\n',
    '<7>DEBUG seen (from 203.0.113.1)\n',
    '<6>INFO started\n',
    '<4>WARNING late\n',
    '<3>ERROR broken\n',
    '<4>PARAMETER_ERROR text (from 203.0.113.1)\n',
    '<3>DNS_SERVER_ERROR text (from 203.0.113.1)\n',
    '<2>CRITICAL text (from 203.0.113.1)\n',
  ]);
});

it('the names of the option log_level mean the levels of the log', () => {
  for (const [name, write] of [
    ['info', 'info'],
    ['warning', 'warn'],
    ['error', 'error'],
  ] as const) {
    const level = logLevel.parse(name)!;
    createLog(level, true)[write]('written');
    createLog(level + 1, true)[write]('dropped');
  }
  expect(written.join('')).toMatch(/^(\S+ (INFO|WARNING|ERROR) +written\n){3}$/);
});

describe('the level of an event', () => {
  it.each([
    ['updated', 21],
    ['unchanged', 11],
    ['info', 10],
  ] as const)('%s is %i', (outcome, level) => {
    expect(levelOf({ ...EVENT, outcome })).toBe(level);
  });

  it.each([
    ['request-malformed', 42],
    ['not-authenticated', 42],
    ['name-invalid', 43],
    ['address-invalid', 47],
    ['address-refused', 47],
    ['conflict', 48],
    ['primary-refused', 48],
    ['primary-key-rejected', 48],
    ['primary-unreachable', 48],
    ['publish-unknown', 48],
    ['rate-limited', 40],
  ] as const)('a failure with %s is %i, as in the original', (code, level) => {
    expect(levelOf(failed(code))).toBe(level);
  });

  it('every failure is logged at the default level', () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[])
      expect(levelOf(failed(code))).toBeGreaterThanOrEqual(40);
  });

  it('a failed check is 41', () => {
    expect(levelOf({ ...EVENT, outcome: 'failed', status: 457 })).toBe(41);
  });

  it('an unknown route or method is not an error', () => {
    for (const status of [404, 405]) expect(levelOf({ ...EVENT, outcome: 'failed', status })).toBe(20);
  });

  it('can be changed while the log is in use', () => {
    const log = createLog(50, true);
    log.info('hidden');
    log.setLevel(0);
    log.info('shown');
    expect(written.join('')).toMatch(/^\d\d:\d\d:\d\d INFO +shown\n$/);
  });
});

describe('a plain line', () => {
  it('has the time, the level, the change and the source', () => {
    createLog(0, true).requestAnswered(EVENT);
    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(
      /^\d\d:\d\d:\d\d UPDATED +home\.example\.com\. A None -> 192\.0\.2\.1; UNCHANGED: home\.example\.com\. AAAA None \(from 203\.0\.113\.1\)\n$/,
    );
  });

  it('marks a private address, in JSON too, and adds no line', () => {
    createLog(0, true).requestAnswered({
      ...EVENT,
      detail: 'UPDATED: home.example.com. A None -> 10.0.0.1',
      isPrivate: true,
    });
    expect(written.join('')).toMatch(
      / UPDATED +home\.example\.com\. A None -> 10\.0\.0\.1 \(private\) \(from [^)]*\)\n$/,
    );
  });

  it('has the cause of a failure, but not the text that the reply repeats from the request', () => {
    const cause = new Error('connect ECONNREFUSED');
    const error = new AppError('primary-unreachable', 'Reply with Top5ecretWord', { cause, logText: 'logged' });
    createLog(0, true).requestAnswered({ ...EVENT, outcome: 'failed', status: 512, detail: error.logText, error });
    expect(written[0]).toContain('logged (from 203.0.113.1) [connect ECONNREFUSED]');
    expect(written[0]).not.toContain('Top5ecretWord');
  });

  it('has a stack trace only for a defect', () => {
    const cause = new TypeError('defect');
    const error = new AppError('internal', 'internal error', { cause });
    createLog(0, true).requestAnswered({ ...EVENT, outcome: 'failed', status: 500, detail: 'internal error', error });
    expect(written[0]).toContain('TypeError: defect\n');
    written = [];
    createLog(0, true).requestAnswered({ ...EVENT, outcome: 'failed', status: 512, detail: 'x', error });
    expect(written[0]).not.toContain('    at ');
  });
});

describe('an UPDATE message', () => {
  const update = { keyName: 'k1.', source: '192.0.2.7', rcode: 'NOERROR', detail: 'home.example.com.' };
  const lineOf = (event: Parameters<ReturnType<typeof createLog>['dnsUpdateAnswered']>[0]) => {
    createLog(0, true).dnsUpdateAnswered(event);
    return written.join('').replace(/^\S+ /, '');
  };

  it.each([
    [update, 'UPDATED    UPDATE by the key k1.: home.example.com. (from 192.0.2.7)\n'],
    [
      { ...update, rcode: 'REFUSED', detail: 'why' },
      'WARNING    UPDATE by the key k1.: REFUSED, why (from 192.0.2.7)\n',
    ],
    [
      { ...update, rcode: 'NXRRSET', detail: 'why' },
      'INFO       UPDATE by the key k1.: NXRRSET, why (from 192.0.2.7)\n',
    ],
  ])('is logged with its key and its RCODE: %#', (event, line) => {
    expect(lineOf(event)).toBe(line);
  });

  it('without a known key is logged at debug level, because anyone can send one', () => {
    expect(lineOf({ ...update, keyName: undefined, rcode: 'REFUSED', detail: 'why' })).toBe(
      'DEBUG      UPDATE by an unknown sender: REFUSED, why (from 192.0.2.7)\n',
    );
  });

  it('that failed on the disk has the level of its error', () => {
    const error = new AppError('primary-refused', 'The disk is full.');
    expect(lineOf({ ...update, rcode: 'SERVFAIL', detail: error.logText, error })).toContain('DNS_SERVER_ERROR');
  });
});
