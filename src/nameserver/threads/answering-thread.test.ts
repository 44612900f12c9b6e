/** A real thread with a real socket: what it answers while this thread is blocked, and what it leaves to it. */
import { spawnSync } from 'node:child_process';
import { afterEach, expect, it } from 'vitest';
import { editedZone } from '../../../test/support/edited-zone.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { runProgram } from '../../../test/support/process.ts';
import { describeWith } from '../../../test/support/require-server.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import { cookieAnswers } from '../answer/cookie-answers.ts';
import { RateLimiter } from '../answer/rate-limit.ts';
import { NameserverService } from '../answer/service.ts';
import { NameserverCounts } from '../counts.ts';
import { applyEdits } from '../zone/edit.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { AnsweringThread } from './answering-thread.ts';
import { monotonicMs } from './monotonic.ts';

const APEX = 'dyn.example.com';
const at = (label: string) => DomainName.parse(`${label}.${APEX}`);
const address = (label: string, address: string): ZoneEdit => {
  return {
    kind: 'replace-rrset',
    rrset: { ownerName: at(label), type: RRType.A, ttl: 60, rdatas: [{ kind: 'A', address }] },
  };
};

let thread: AnsweringThread;
let port: number;
let forwarded = 0;
let faults: unknown[] = [];
let deaths: Error[] = [];

afterEach(async () => {
  await thread?.close();
  forwarded = 0;
  faults = [];
  deaths = [];
});

async function start(zone: EmbeddedZone, limiter?: RateLimiter, answer?: NameserverService['answerDatagram']) {
  const service = new NameserverService({
    zones: new Map([[zone.apex.key, zone]]),
    findKey: () => undefined,
    now: () => 1_700_000_000,
    cookies: cookieAnswers(() => Buffer.alloc(16)),
    limiter,
    nsid: undefined,
    chaosVersion: undefined,
    tcpIdleSeconds: 10,
    tsigFudgeMax: 300,
    update: () => Promise.resolve(5),
    transfer: async function* () {},
  });
  thread = new AnsweringThread({
    answerDatagram: (...request) => {
      forwarded += 1;
      return (answer ?? service.answerDatagram.bind(service))(...request);
    },
    onFault: (fault) => faults.push(fault),
    onDeath: (error) => deaths.push(error),
  });
  thread.setZones([zone], limiter);
  port = await freePort();
  await thread.socket().open('127.0.0.1', port);
}

function change(zone: EmbeddedZone, edits: readonly ZoneEdit[]): void {
  applyEdits(zone.draft, edits);
  zone.publish(zone.seal()!);
  thread.published(zone);
}

const digArguments = (label: string, options: readonly string[]) => [
  ...['@127.0.0.1', '-p', `${port}`, '+norecurse', '+nocookie', '+tries=1', '+time=2', `${label}.${APEX}`, ...options],
];

/** Queries while this thread is blocked. @returns addresses; what dig says without an answer */
function askBlocked(label: string, ...options: string[]): string {
  return spawnSync('dig', ['+short', ...digArguments(label, options)], { encoding: 'utf8' }).stdout.trim();
}

async function ask(label: string, ...options: string[]): Promise<string> {
  return (await runProgram('dig', digArguments(label, options))).stdout;
}

describeWith([{ command: 'dig', debianPackage: 'bind9-dnsutils' }], 'an answering thread', () => {
  it('answers while the main thread is blocked, and sees each published version', async () => {
    const zone = editedZone(APEX, { edits: [address('host', '192.0.2.1')] });
    await start(zone);
    expect(askBlocked('host')).toBe('192.0.2.1');
    expect(askBlocked('HOST')).toBe('192.0.2.1');
    change(zone, [address('host', '192.0.2.2')]);
    expect(askBlocked('host')).toBe('192.0.2.2');
    // The table has other memory then.
    const many = Array.from({ length: 3_000 }, (_, i) => address(`h${i}`, `10.0.${i >> 8}.${i & 255}`));
    for (let i = 0; i < many.length; i += 50) change(zone, many.slice(i, i + 50));
    expect(askBlocked('h2999')).toBe('10.0.11.183');
    expect(askBlocked('host')).toBe('192.0.2.2');
    expect(forwarded).toBe(0);
    expect(thread.counts[0]).toBe(5);
  });

  it('leaves everything else to the main thread', async () => {
    const zone = editedZone(APEX, { edits: [address('host', '192.0.2.1')] });
    await start(zone);
    const cases = [
      [await ask('none'), 'status: NXDOMAIN'],
      [await ask('host', 'AAAA'), 'ANSWER: 0, AUTHORITY: 1'],
      [await ask('host', '+cookie'), /COOKIE: [0-9a-f]{48} \(good\)/],
      [await ask('host', '+opcode=notify'), 'status: NOTIMP'],
      [await ask('host.elsewhere', 'A'), 'status: NXDOMAIN'],
    ] as const;
    for (const [output, expected] of cases) expect(output).toMatch(expected);
    expect(forwarded).toBe(cases.length);
  });

  it('does not answer below a delegation, nor for a zone that is no longer served', async () => {
    const zone = editedZone(APEX, { edits: [address('host.sub', '192.0.2.1'), address('host', '192.0.2.2')] });
    await start(zone);
    expect(askBlocked('host.sub')).toBe('192.0.2.1');
    const delegation = {
      ownerName: at('sub'),
      type: RRType.NS,
      ttl: 60,
      rdatas: [{ kind: 'NS', target: at('host.sub') }],
    };
    change(zone, [{ kind: 'add-to-rrset', rrset: delegation } as ZoneEdit]);
    expect(await ask('host.sub')).toMatch('ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 2');
    change(zone, [{ kind: 'delete-rrset', ownerName: at('sub'), type: RRType.NS }]);
    const before = forwarded;
    expect(askBlocked('host.sub')).toBe('192.0.2.1');
    expect(forwarded).toBe(before);
    thread.setZones([], undefined);
    await ask('host');
    expect(forwarded).toBe(before + 1);
  });

  it('shares the limit with the main thread, and its counts are those of the server', async () => {
    const zone = editedZone(APEX, { edits: [address('host', '192.0.2.1')] });
    const limits = { responsesPerSecond: 1, allPerSecond: 0, slip: 1, exempt: [], key: Buffer.alloc(16) };
    const limiter = new RateLimiter({ ...limits, now: monotonicMs });
    await start(zone, limiter);
    const counts = new NameserverCounts();
    counts.addThread(thread.counts);
    let asked = 0;
    // One reply a second, which this thread takes: on a busy machine the query may come later than that.
    while (counts.read().rateLimited.truncated === 0) {
      limiter.check('127.0.0.1', 'answer', at('host').key);
      askBlocked('host', '+ignore');
      asked += 1;
    }
    const { replies, rateLimited } = counts.read();
    expect(rateLimited).toEqual({ dropped: 0, truncated: 1 });
    expect(replies).toEqual([{ transport: 'udp', rcode: 'NOERROR', count: asked }]);
    expect(forwarded).toBe(0);
  });

  it('an answer that fails, or that is none, is no reply, and the next one is', async () => {
    const zone = editedZone(APEX, { edits: [address('host', '192.0.2.1')] });
    const answers = [
      () => {
        throw new Error('a defect');
      },
      () => Promise.reject(new Error('a late defect')),
      () => undefined,
    ];
    await start(zone, undefined, () => answers[forwarded - 1]!());
    for (const _ of answers) expect(await ask('none', '+time=1')).toMatch('no servers could be reached');
    expect(faults).toMatchObject([{ message: 'a defect' }, { message: 'a late defect' }]);
    expect(askBlocked('host')).toBe('192.0.2.1');
  });

  it('a port that is in use is the error of the system, and the next one opens', async () => {
    const zone = editedZone(APEX, { edits: [address('host', '192.0.2.1')] });
    await start(zone);
    const socket = thread.socket();
    await expect(socket.open('127.0.0.1', port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await socket.close(0);
    const other = thread.socket();
    port = await freePort();
    await other.open('127.0.0.1', port);
    expect(askBlocked('host')).toBe('192.0.2.1');
    await other.close(0);
    expect(await ask('host', '+time=1')).toMatch('no servers could be reached');
  });

  it('a thread that dies is reported once, and sockets are closed', async () => {
    const zone = editedZone(APEX, { edits: [address('host', '192.0.2.1')] });
    await start(zone);
    const socket = thread.socket();
    const limits = { responsesPerSecond: 1, allPerSecond: 0, slip: 1, exempt: [], key: Buffer.alloc(3) };
    const broken = { share: () => ({ options: limits, equal: new SharedArrayBuffer(1), all: undefined }) };
    thread.setZones([zone], broken as unknown as RateLimiter);
    await expect(socket.open('127.0.0.1', await freePort())).rejects.toThrow();
    await socket.close(0);
    expect(deaths).toHaveLength(1);
    expect(deaths[0]?.message).toMatch(/^the thread that answers DNS died: /);
  });
});
