/** A real thread with a real socket: what it answers while this thread is blocked, and what it leaves to it. */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { afterEach, expect, it } from 'vitest';
import { editedZone } from '../../../test/support/edited-zone.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { runProgram, waitUntil } from '../../../test/support/process.ts';
import { queryService } from '../../../test/support/query-service.ts';
import { type RawOption, rawMessage, rawOpt, rawQuestion } from '../../../test/support/raw-message.ts';
import { describeWith } from '../../../test/support/require-server.ts';
import { signedZone } from '../../../test/support/signed-zone.ts';
import { DomainName } from '../../dns/name.ts';
import { type Rdata, RRType } from '../../dns/rdata.ts';
import { ednsRecord } from '../../dns/wire/edns.ts';
import { decodeMessage, encodeMessage, makeMessage } from '../../dns/wire/message.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import { cookieAnswers, dailySecrets } from '../answer/cookie-answers.ts';
import { RateLimiter, type SharedRateLimit } from '../answer/rate-limit.ts';
import type { NameserverService } from '../answer/service.ts';
import { NameserverCounts } from '../counts.ts';
import { applyEdits } from '../zone/edit.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { readTurns, TurnCounter } from '../zone/read-turns.ts';
import { allRRsets } from '../zone/zone-node.ts';
import { rdataText } from '../zone/zone-version.ts';
import { AnsweringThread } from './answering-thread.ts';
import { monotonicMs } from './monotonic.ts';

const APEX = 'dyn.example.com';
const PEER = { address: '127.0.0.1', port: 53 };
const at = (label: string) => DomainName.parse(`${label}.${APEX}`);
const address = (label: string, address: string): ZoneEdit => {
  return {
    kind: 'replace-rrset',
    rrset: { ownerName: at(label), type: RRType.A, ttl: 60, rdatas: [{ kind: 'A', address }] },
  };
};

const COOKIE_KEY = Buffer.alloc(16, 7);

let counts: NameserverCounts;
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

/** The replies of the thread, in the order of the queries. */
async function repliesTo(queries: readonly Buffer[]): Promise<readonly Buffer[]> {
  const socket = createSocket('udp4');
  const replies = new Map<number, Buffer>();
  socket.on('message', (reply) => replies.set(reply.readUInt16BE(0), reply));
  for (const [id, query] of queries.entries()) {
    query.writeUInt16BE(id);
    socket.send(query, port, '127.0.0.1');
    if (id % 20 === 19) await waitUntil('replies', () => replies.size === id + 1);
  }
  await waitUntil('all replies', () => replies.size === queries.length);
  await new Promise<void>((resolve) => socket.close(resolve));
  return queries.map((_, id) => replies.get(id)!);
}

async function start(zone: EmbeddedZone, limiter?: RateLimiter, answer?: NameserverService['answerDatagram']) {
  const service = queryService([zone], {
    now: () => 1_700_000_000,
    cookies: cookieAnswers(dailySecrets(COOKIE_KEY)),
    limiter,
  });
  counts = new NameserverCounts();
  thread = new AnsweringThread({
    counts: counts.addThread(),
    answerDatagram: (...request) => {
      forwarded += 1;
      return (answer ?? service.answerDatagram.bind(service))(...request);
    },
    onFault: (fault) => faults.push(fault),
    onDeath: (error) => deaths.push(error),
  });
  thread.setZones([zone], settings(limiter?.share()));
  port = await freePort();
  await thread.socket(1).open('127.0.0.1', port);
  return service;
}

const settings = (limiter: SharedRateLimit | undefined) => {
  return { nsid: undefined, chaosVersion: undefined, tcpIdleSeconds: 10, cookieKey: COOKIE_KEY, limiter };
};

function change(zone: EmbeddedZone, edits: readonly ZoneEdit[]): void {
  applyEdits(zone.draft, edits);
  zone.publish(zone.seal()!);
  thread.published(zone);
}

function withDo(name: string, qtype: number): Buffer {
  const questions = [{ qname: DomainName.parse(name), qtype, qclass: 1 }];
  return Buffer.from(encodeMessage(makeMessage({ questions, additional: [ednsRecord({ dnssecOk: true })] })));
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
    expect(counts.read().replies).toEqual([{ transport: 'udp', rcode: 'NOERROR', count: 5 }]);
  });

  it('gives the same replies as the main thread to all kinds of queries', async () => {
    const add = (label: string, type: number, rdata: Rdata): ZoneEdit => {
      return { kind: 'add-to-rrset', rrset: { ownerName: at(label), type, ttl: 60, rdatas: [rdata] } };
    };
    const many = Array.from({ length: 100 }, (_, i): Rdata => {
      return { kind: 'unknown', octets: Buffer.from(`\xff${'x'.repeat(254)}${String.fromCharCode(i)}`, 'latin1') };
    });
    const zone = editedZone(APEX, {
      edits: [
        address('host', '192.0.2.1'),
        address('*.wild', '192.0.2.2'),
        add('alias', RRType.CNAME, { kind: 'CNAME', target: at('host') }),
        add('sub', RRType.NS, { kind: 'NS', target: at('ns.sub') }),
        address('ns.sub', '192.0.2.3'),
        // Kept as an object, which a thread does not have.
        { kind: 'add-to-rrset', rrset: { ownerName: at('large'), type: RRType.TXT, ttl: 60, rdatas: many } },
      ],
    });
    const service = await start(zone);
    const names = ['host', 'none', 'a.b.wild', 'wild', 'alias', 'sub', 'x.sub', 'large', 'HOST'];
    const cookie: RawOption = [10, '0123456789abcdef'];
    const queries = names.flatMap((name) =>
      [RRType.A, RRType.AAAA, RRType.TXT, RRType.NS, RRType.DS, RRType.ANY].flatMap((type) =>
        [undefined, [], [cookie]].map((options) =>
          rawMessage({
            questions: [rawQuestion(`${name}.${APEX}`, type)],
            additional: options === undefined ? [] : [rawOpt(options)],
          }),
        ),
      ),
    );
    // The time of a cookie is not compared.
    const form = (reply: Uint8Array) =>
      Buffer.from(reply)
        .toString('hex')
        .replace(/(?<=0123456789abcdef01000000).*/, '');
    const replies = await repliesTo(queries);
    const expected = queries.map((query) => form(service.answerDatagram(query, PEER) as Uint8Array));
    expect(replies.map(form)).toEqual(expected);
    expect(forwarded).toBe(6 * 3);
  });

  it.each(['nsec3', 'nsec'] as const)('gives the same replies from a zone with %s', async (chain) => {
    const add = (label: string, type: number, rdata: Rdata): ZoneEdit => {
      return { kind: 'add-to-rrset', rrset: { ownerName: at(label), type, ttl: 60, rdatas: [rdata] } };
    };
    const edits = [
      address('host', '192.0.2.1'),
      address('*.wild', '192.0.2.2'),
      address('a.b.c.wild', '192.0.2.2'),
      add('alias', RRType.CNAME, { kind: 'CNAME', target: at('x.wild') }),
    ];
    const zone = signedZone(APEX, { chain }, { edits });
    const service = await start(zone);
    // The thread gets the memory of what has grown since.
    for (let i = 0; i < 300; i += 30) {
      change(
        zone,
        Array.from({ length: 30 }, (_, name) => address(`more${i + name}`, '192.0.2.4')),
      );
    }
    change(zone, [add('sub', RRType.NS, { kind: 'NS', target: at('ns.sub') }), address('ns.sub', '192.0.2.3')]);
    const names = [
      'host',
      'none',
      'q.none',
      'x.wild',
      'q.x.wild',
      'b.c.wild',
      'alias',
      'sub',
      'x.sub',
      'HOST',
      'more7',
    ];
    const queries = names.flatMap((name) =>
      [RRType.A, RRType.TXT, RRType.DS, RRType.ANY, RRType.RRSIG, RRType.NSEC, RRType.NSEC3].map((qtype) =>
        withDo(`${name}.${APEX}`, qtype),
      ),
    );
    const replies = await repliesTo(queries);
    const expected = queries.map((query) =>
      Buffer.from(service.answerDatagram(query, PEER) as Uint8Array).toString('hex'),
    );
    expect(replies.map((reply) => reply.toString('hex'))).toEqual(expected);
    expect(forwarded).toBe(0);
  });

  it('leaves everything but plain queries of its zones to the main thread', async () => {
    const zone = editedZone(APEX, { edits: [address('host', '192.0.2.1')] });
    await start(zone);
    expect(await ask('host', '+opcode=notify')).toMatch('status: NOTIMP');
    expect(await ask('host', '+opcode=update')).toMatch('status: REFUSED');
    expect(forwarded).toBe(2);
    thread.setZones([{ apex: zone.apex, published: undefined }], settings(undefined));
    await ask('host');
    expect(forwarded).toBe(3);
    thread.setZones([], settings(undefined));
    expect(await ask('host')).toMatch('status: REFUSED');
    expect(forwarded).toBe(3);
  });

  it('accepts the cookies of the main thread', async () => {
    const zone = editedZone(APEX, { edits: [address('host', '192.0.2.1')] });
    const limits = { responsesPerSecond: 1, allPerSecond: 0, slip: 1, exempt: [], key: Buffer.alloc(16) };
    await start(zone, new RateLimiter({ ...limits, now: monotonicMs }));
    const answers = cookieAnswers(dailySecrets(COOKIE_KEY));
    const client = Buffer.from('0123456789abcdef', 'hex');
    const { reply } = answers.answer(client, '127.0.0.1', Math.floor(Date.now() / 1000))!;
    const cookie = Buffer.from(reply).toString('hex');
    // A client with a valid cookie has no limit.
    for (let i = 0; i < 5; i++) expect(askBlocked('host', '+ignore', `+cookie=${cookie}`)).toBe('192.0.2.1');
    expect(forwarded).toBe(0);
  });

  it('sees a delegation, and its end, with the version that has it', async () => {
    const zone = editedZone(APEX, { edits: [address('host.sub', '192.0.2.1'), address('host', '192.0.2.2')] });
    await start(zone);
    expect(askBlocked('host.sub')).toBe('192.0.2.1');
    const rdatas: Rdata[] = [{ kind: 'NS', target: at('host.sub') }];
    change(zone, [{ kind: 'add-to-rrset', rrset: { ownerName: at('sub'), type: RRType.NS, ttl: 60, rdatas } }]);
    expect(askBlocked('host.sub')).toBe('');
    expect(await ask('host.sub')).toMatch('ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 2');
    change(zone, [{ kind: 'delete-rrset', ownerName: at('sub'), type: RRType.NS }]);
    expect(askBlocked('host.sub')).toBe('192.0.2.1');
    expect(forwarded).toBe(0);
  });

  it('never mixes two versions in one answer', async () => {
    const alias = (target: string): ZoneEdit => {
      const rdatas: Rdata[] = [{ kind: 'CNAME', target: at(target) }];
      return { kind: 'replace-rrset', rrset: { ownerName: at('alias'), type: RRType.CNAME, ttl: 60, rdatas } };
    };
    // Each version has one of two targets, and the alias of it.
    const to = (target: string, other: string): ZoneEdit[] => [
      alias(target),
      address(target, '192.0.2.1'),
      { kind: 'delete-rrset', ownerName: at(other), type: RRType.A },
      ...Array.from({ length: 30 }, (_, i) => address(`more${i}`, target === 'a' ? '192.0.2.2' : '192.0.2.3')),
    ];
    const zone = editedZone(APEX, { edits: to('a', 'b') });
    await start(zone);
    const query = rawMessage({ questions: [rawQuestion(`alias.${APEX}`, RRType.A)] });
    const socket = createSocket('udp4');
    const replies: Buffer[] = [];
    socket.on('message', (reply) => replies.push(reply));
    for (let round = 1; round <= 100; round++) {
      for (let i = 0; i < 20; i++) socket.send(query, port, '127.0.0.1');
      // The queries leave in this turn, and are answered while the versions change.
      await new Promise(setImmediate);
      for (let i = 0; i < 10; i++) change(zone, i % 2 === 0 ? to('b', 'a') : to('a', 'b'));
      await waitUntil('replies', () => replies.length === round * 20);
    }
    await new Promise<void>((resolve) => socket.close(resolve));
    // An alias and an address.
    expect(replies.filter((reply) => reply.readUInt16BE(6) !== 2)).toEqual([]);
    expect(forwarded).toBeLessThan(replies.length);
  });

  it.each(['nsec3', 'nsec'] as const)('a proof has records of one version, with %s', async (chain) => {
    // Two versions have no name of the chain in common but the apex.
    const names = Array.from({ length: 12 }, (_, i) => i);
    const to = (present: string, other: string): ZoneEdit[] => [
      ...names.map((i) => address(`${present}${i}`, '192.0.2.1')),
      ...names.map((i): ZoneEdit => ({ kind: 'delete-rrset', ownerName: at(`${other}${i}`), type: RRType.A })),
    ];
    const zone = signedZone(APEX, { chain }, { edits: to('a', 'b') });
    /** Records of the chain by serial. */
    const chains = new Map<number, ReadonlySet<string>>();
    const note = () => {
      const records = [...zone.published.nodes.values()].flatMap((node) =>
        allRRsets(node)
          .filter(({ type }) => type === RRType.NSEC || type === RRType.NSEC3)
          .map(({ rdatas }) => node.key + rdatas[0]),
      );
      chains.set(zone.published.serial, new Set(records));
    };
    note();
    await start(zone);
    const query = withDo(`none.q.none.${APEX}`, RRType.A);
    const socket = createSocket('udp4');
    const replies: Buffer[] = [];
    socket.on('message', (reply) => replies.push(reply));
    for (let round = 1; round <= 60; round++) {
      for (let i = 0; i < 20; i++) socket.send(query, port, '127.0.0.1');
      await new Promise(setImmediate);
      for (let i = 0; i < 4; i++) {
        change(zone, i % 2 === 0 ? to('b', 'a') : to('a', 'b'));
        note();
      }
      await waitUntil('replies', () => replies.length === round * 20);
    }
    await new Promise<void>((resolve) => socket.close(resolve));
    const serials = new Set<number>();
    for (const { authority } of replies.map((reply) => decodeMessage(reply))) {
      const soa = authority.find(({ rdata }) => rdata.kind === 'SOA')!.rdata as Extract<Rdata, { kind: 'SOA' }>;
      const proof = authority.filter(({ type }) => type === RRType.NSEC || type === RRType.NSEC3);
      serials.add(soa.serial);
      expect(proof.length).toBeGreaterThan(0);
      const version = chains.get(soa.serial)!;
      for (const { ownerName, rdata } of proof) expect(version).toContain(ownerName.key + rdataText(rdata));
    }
    expect(serials.size).toBeGreaterThan(5);
    expect(forwarded).toBeLessThan(replies.length / 2);
  });

  it('the order of a chain changes within the publication of its version', () => {
    const zone = signedZone(APEX);
    const publication = new TurnCounter(new SharedArrayBuffer(128), readTurns.publications);
    const seen: number[] = [];
    const signer = zone.signer!;
    const publish = signer.publish.bind(signer);
    signer.publish = () => {
      seen.push(publication.publication);
      publish();
    };
    applyEdits(zone.draft, [address('host', '192.0.2.1')]);
    zone.publish(zone.seal()!);
    // Odd during one.
    expect(seen.map((number) => number % 2)).toEqual([1]);
  });

  it('shares the limit with the main thread, and its counts are those of the server', async () => {
    const zone = editedZone(APEX, { edits: [address('host', '192.0.2.1')] });
    const limits = { responsesPerSecond: 1, allPerSecond: 0, slip: 1, exempt: [], key: Buffer.alloc(16) };
    const limiter = new RateLimiter({ ...limits, now: monotonicMs });
    await start(zone, limiter);
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

  it('sends nothing for a request that fails or gets no answer, and answers the next one', async () => {
    const zone = editedZone(APEX, { edits: [address('host', '192.0.2.1')] });
    const answers = [
      () => {
        throw new Error('a defect');
      },
      () => Promise.reject(new Error('a late defect')),
      () => undefined,
    ];
    await start(zone, undefined, () => answers[forwarded - 1]!());
    for (const _ of answers)
      expect(await ask('host', '+opcode=notify', '+time=1')).toMatch('no servers could be reached');
    expect(faults).toMatchObject([{ message: 'a defect' }, { message: 'a late defect' }]);
    expect(askBlocked('host')).toBe('192.0.2.1');
  });

  it('a port that is in use is the error of the system, and the next one opens', async () => {
    const zone = editedZone(APEX, { edits: [address('host', '192.0.2.1')] });
    await start(zone);
    const socket = thread.socket(1);
    await expect(socket.open('127.0.0.1', port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await socket.close(0);
    const other = thread.socket(1);
    port = await freePort();
    await other.open('127.0.0.1', port);
    expect(askBlocked('host')).toBe('192.0.2.1');
    await other.close(0);
    expect(await ask('host', '+time=1')).toMatch('no servers could be reached');
  });

  it('a thread that dies is reported once, and sockets are closed', async () => {
    const zone = editedZone(APEX, { edits: [address('host', '192.0.2.1')] });
    await start(zone);
    const socket = thread.socket(1);
    const limits = { responsesPerSecond: 1, allPerSecond: 0, slip: 1, exempt: [], key: Buffer.alloc(3) };
    const broken = { options: limits, equal: new SharedArrayBuffer(1), all: undefined };
    thread.setZones([zone], settings(broken));
    await expect(socket.open('127.0.0.1', await freePort())).rejects.toThrow();
    await socket.close(0);
    expect(deaths).toHaveLength(1);
    expect(deaths[0]?.message).toMatch(/^the thread that answers DNS died: /);
  });
});
