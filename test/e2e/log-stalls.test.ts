// Service goes on while the log cannot be written: a full disk, a reader that is gone or stalls, on every kind of output.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { RRClass, RRType } from '../../src/dns/rdata.ts';
import { encodeMessage, makeMessage } from '../../src/dns/wire/message.ts';
import { UdpExchanger } from '../../src/net/udp.ts';
import { MAIN, parseLog } from '../support/dyndns.ts';
import { parseExposition } from '../support/exposition.ts';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/http-client.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, waitUntil } from '../support/process.ts';

const ZONE = 'dyn.example.com';
const SECRET = 'masterSecretOfTests';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Server {
  readonly child: ChildProcess;
  readonly http: number;
  readonly dns: number;
  /** Process ids in `$PIDS`. */
  readonly others: () => readonly number[];
  /** What the stalled reader has read. */
  readonly read: () => string;
}

/** Starts the server by a command line with `$SERVE`, which may write its process id into `$PIDS`. */
async function start(shell = 'exec $SERVE'): Promise<Server> {
  const directory = freshDirectory('log');
  cleanups.push(() => removeNow(directory));
  const [http, dns] = [await freePort(), await freePort()];
  const file = join(directory, 'dyndns.yml');
  const config = {
    secret: SECRET,
    log_level: 0,
    http: { listen: [`127.0.0.1:${http}`] },
    dns: { listen: [`127.0.0.1:${dns}`], database: 'zones.db' },
    zones: [{ name: ZONE, nameserver: 'embedded', ns: [`ns1.${ZONE}`], records: 'ns1 IN A 127.0.0.1\n' }],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  const serve = `${process.execPath} ${MAIN} --config ${file} serve`;
  const pids = join(directory, 'pids');
  const command = shell.replace('$SERVE', serve).replaceAll('$PIDS', pids);
  const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  // Of an empty file no number: a signal to process 0 would end the tests themselves.
  const others = () => (existsSync(pids) ? (readFileSync(pids, 'utf8').match(/\d+/g) ?? []).map(Number) : []);
  cleanups.push(async () => {
    for (const pid of others()) killNow(pid);
    child.kill('SIGKILL');
    await ended;
  });
  await waitUntil('the server to answer', async () => {
    const answer = await ask({ port: http }, '/healthz').catch(() => undefined);
    return answer?.status === 200;
  });
  const read = () => (existsSync(`${pids}.log`) ? readFileSync(`${pids}.log`, 'utf8') : '');
  return { child, http, dns, others, read };
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

async function expectService({ child, http, dns }: Server, address: string): Promise<void> {
  const target = `/nic/update?hostname=home.${ZONE}&myip=${address}`;
  const headers = { authorization: `Basic ${Buffer.from(`x:${SECRET}`).toString('base64')}` };
  const updated = await ask({ port: http }, target, { headers });
  expect(updated.body.trim()).toBe(`good ${address}`);
  const udp = new UdpExchanger({ host: '127.0.0.1', port: dns });
  const question = { qname: DomainName.parse(`home.${ZONE}`), qtype: RRType.A, qclass: RRClass.IN };
  const build = (id: number) => encodeMessage(makeMessage({ id, questions: [question] }));
  const { message } = await udp.exchange(build, performance.now() + 20_000);
  udp.close();
  expect(message.answers).toHaveLength(1);
  expect(child.exitCode).toBeNull();
}

/** Requests of anyone without a credential, which all cause a line. */
async function causeLines({ http }: Server, lines: number): Promise<void> {
  const one = async (): Promise<void> => {
    for (let number = 0; number < lines / 20; number++) {
      expect((await ask({ port: http }, '/not-there')).status).toBe(404);
    }
  };
  await Promise.all(Array.from({ length: 20 }, one));
}

async function droppedLines({ http }: Server): Promise<number> {
  const { body } = await ask({ port: http }, '/metrics', { headers: { authorization: `Bearer ${SECRET}` } });
  return parseExposition(body).get('dyndns_log_lines_dropped_total')!;
}

async function endsGracefully({ child }: Server): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
}

/** Reads nothing until it gets SIGCONT. */
const STALLED = '(echo $BASHPID >> $PIDS; kill -STOP $BASHPID; exec cat > $PIDS.log)';

describe('a log that cannot be written', () => {
  it.each([
    ['/dev/full', 'exec $SERVE > /dev/full'],
    ['an error output on /dev/full', 'exec $SERVE 2> /dev/full'],
    ['both on /dev/full', 'exec $SERVE > /dev/full 2>&1'],
    ['a reader that has ended', 'exec $SERVE > >(exit)'],
    ['a reader of both that has ended', 'exec $SERVE > >(exit) 2>&1'],
    ['closed outputs', 'exec $SERVE >&- 2>&-'],
  ])('%s: service goes on', async (_, shell) => {
    const server = await start(shell);
    server.child.stdout!.resume();
    server.child.stderr!.resume();
    for (let number = 1; number <= 3; number++) {
      await causeLines(server, 300);
      await expectService(server, `192.0.2.${number}`);
    }
    await endsGracefully(server);
  });

  it('a reader of the pipe that stalls: service goes on, and the waiting lines are written when it reads', async () => {
    const server = await start(`exec $SERVE > >${STALLED}`);
    await causeLines(server, 3_000);
    await expectService(server, '192.0.2.9');
    expect(server.read()).toBe('');
    expect(await droppedLines(server)).toBe(0);
    process.kill(server.others()[0]!, 'SIGCONT');
    await waitUntil('the waiting lines', () => server.read().includes('192.0.2.9'));
    expect(parseLog(server.read()).filter(({ status }) => status === 404)).toHaveLength(3_000);
    await endsGracefully(server);
  });

  it('a pipe that stalls for long: the server drops lines, counts them, says so later, and ends in time', async () => {
    const server = await start(`exec $SERVE > >${STALLED}`);
    while ((await droppedLines(server)) === 0) await causeLines(server, 2_000);
    await expectService(server, '192.0.2.9');
    const dropped = await droppedLines(server);
    process.kill(server.others()[0]!, 'SIGCONT');
    await waitUntil('the report', () => server.read().includes('lines of the log were dropped: '), 30_000);
    await waitUntil('all of it', () => server.read().endsWith('\n'));
    expect(parseLog(server.read()).some((line) => Number(line['dropped']) >= dropped)).toBe(true);
    await endsGracefully(server);
  }, 120_000);

  it('a stalled socket: service goes on, and the server ends in time', async () => {
    // Pipes of Node.js are sockets; this one is not read.
    const server = await start();
    await causeLines(server, 3_000);
    await expectService(server, '192.0.2.9');
    await endsGracefully(server);
  });

  it('a stalled terminal: service goes on', async () => {
    const server = await start(
      `exec script -qefc 'echo $$ >> $PIDS; exec $SERVE' /dev/null > >(echo $BASHPID >> $PIDS; kill -STOP $BASHPID)`,
    );
    await causeLines(server, 3_000);
    await expectService(server, '192.0.2.9');
  });
});
