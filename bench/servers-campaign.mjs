// @ts-check
/**
 * Three servers on one PostgreSQL in front of one primary, under load, while one thing after the other happens to them. Each client
 * changes a name of its own, each request at the next server, as a proxy spreads them, half of them with a token of the store. What
 * is counted: acknowledged changes that are not there, replies that were not true, and requests that failed although the same
 * request succeeded at once afterwards. Exit code 1 if there is any.
 * `--before` is a checkout of the version before, built: one server begins with its `dist/cli/main.js`.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { FAULTS } from './commands.mjs';
import {
  freePort,
  IS_SMOKE_RUN,
  KEY,
  MAIN,
  makeDirectory,
  SECRET,
  say,
  startChild,
  stop,
  UNIT_FLAGS,
  until,
  ZONE,
} from './lab.mjs';
import { bindPeer, knotPeer, powerdnsPeer } from './peers.mjs';
import { startPostgres } from './postgres.mjs';
import { readArguments } from './usage.mjs';

const PEERS = {
  bind: bindPeer,
  knot: knotPeer,
  // By default PowerDNS accepts 20 connections, and a server of the version before may open 17.
  powerdns: (/** @type {number} */ names) =>
    powerdnsPeer(names, BEFORE === undefined ? '' : 'max-tcp-connections=64\n'),
};
const {
  values: [seconds, primaries],
  options,
} = readArguments(FAULTS.servers);
const BEFORE = options['--before'];
const SECONDS = Number(seconds ?? 6);
const kinds = (primaries ?? 'bind,knot,powerdns').split(',');
const CLIENTS = 24;
const UPDATES_OF_ONE_NAME = IS_SMOKE_RUN ? 200 : 2000;
const CLOCK_DIFFERENCE_MS = 90_000;
/** What a proxy in front of the servers waits for an answer. */
const PATIENCE_MS = 20_000;
/** A request that succeeds within this time need not have failed just before. */
const AT_ONCE_MS = 300;
/** For so long a server waits for PostgreSQL. A request may fail while PostgreSQL is away for longer. */
const STORE_PATIENCE_MS = 1_000;

const execute = promisify(execFile);
const ipv4 = (/** @type {number} */ n) => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;

/** A way to a port that can be interrupted. @param {number} port */
async function openProxy(port) {
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  let isFrozen = false;
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of /** @type {const} */ ([
      [near, far],
      [far, near],
    ])) {
      sockets.add(from);
      from
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
      from.pipe(to);
      if (isFrozen) from.pause();
    }
  });
  const own = await freePort();
  await new Promise((resolve) => server.listen(own, '127.0.0.1', () => resolve(undefined)));
  return {
    port: own,
    /** Octets are held, in both directions: nothing answers, and nothing is refused. */
    freeze() {
      isFrozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw() {
      isFrozen = false;
      for (const socket of sockets) socket.resume();
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** One of our servers, which can be ended and started again on its port. @param {number} primaryPort @param {string} store */
async function makeServer(primaryPort, store) {
  const directory = makeDirectory();
  const port = await freePort();
  const file = join(directory, 'dyndns.yml');
  /** @type {Record<string, unknown>} */
  const options = {
    secret: SECRET,
    http: { listen: [`127.0.0.1:${port}`] },
    nameserver: '127.0.0.1',
    port: primaryPort,
    log_level: 30,
    control: `unix:${join(directory, 'control.sock')}`,
    store,
    zones: [{ name: ZONE, tsig_key: KEY }],
  };
  const write = () => writeFileSync(file, JSON.stringify(options), { mode: 0o600 });
  write();
  const url = `http://127.0.0.1:${port}`;
  let child = /** @type {import('node:child_process').ChildProcess | undefined} */ (undefined);
  return {
    port,
    url,
    file,
    agent: new Agent({ keepAlive: true }),
    /** @param {string} main @param {readonly string[]} flags */
    async start(main = MAIN, flags = []) {
      child = startChild(process.execPath, [...UNIT_FLAGS, ...flags, main, '--config', file, 'serve']);
      await until(async () => {
        const reply = await fetch(`${url}/readyz`).catch(() => undefined);
        return reply?.status === 200;
      }, 'a server');
    },
    /** @param {NodeJS.Signals} signal */
    async end(signal = 'SIGTERM') {
      if (child !== undefined) await stop(child, signal);
    },
    /** @param {Record<string, unknown>} more options of the file */
    reload(more) {
      Object.assign(options, more);
      write();
      child?.kill('SIGHUP');
    },
    /** Runs one of our commands. @param {string[]} args */
    async command(...args) {
      return (await execute(process.execPath, [MAIN, '--config', file, ...args])).stdout;
    },
  };
}
/** @typedef {Awaited<ReturnType<typeof makeServer>>} Server */
/** @typedef {{status: number, body: string} | 'refused' | 'broken'} Reply refused: no connection; broken: no reply on it */

/** @param {Server} server @param {string} path @param {string} secret @returns {Promise<Reply>} */
function ask(server, path, secret) {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${secret}` };
    const options = { host: '127.0.0.1', port: server.port, path, headers, agent: server.agent, timeout: PATIENCE_MS };
    const request = get(options, (response) => {
      let body = '';
      response.setEncoding('latin1').on('data', (chunk) => {
        body += chunk;
      });
      response.on('error', () => resolve('broken'));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'broken');
    });
  });
}

const count = { acknowledged: 0, lost: 0, untrue: 0, needless: 0, failed: 0, moved: 0 };
let slowestMs = 0;
/** The restart of PostgreSQL. */
const storeAway = { fromMs: Number.POSITIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
/** Kinds of failures, for the report. @type {Map<string, number>} */
let failures = new Map();

/** @param {'lost' | 'untrue' | 'needless'} kind @param {string} text */
function fault(kind, text) {
  count[kind] += 1;
  if (count[kind] <= 5) say(`    ${kind}: ${text}`);
}

/** A client with a name of its own. @param {number} number @param {string} secret */
function makeClient(number, secret) {
  const name = `h${number}.${ZONE}`;
  let counter = 0;
  /** What the last reply said that is published; undefined before the first. @type {string | undefined} */
  let acknowledged;
  /** What was sent since then without such a reply. @type {Set<string>} */
  let uncertain = new Set();

  /** Sends an update to a server, or to another one if that does not answer. @param {Server[]} servers @param {number} at @param {string} address */
  async function send(servers, at, address) {
    const path = `/update-by-query?fqdn=${name}&ipv4=${address}`;
    for (let attempt = 0; ; attempt++) {
      const server = /** @type {Server} */ (servers[(at + attempt) % servers.length]);
      const reply = await ask(server, path, secret);
      if (typeof reply !== 'string') return { server, reply };
      if (reply === 'broken') uncertain.add(address);
      count.moved += 1;
      if (attempt >= 2 * servers.length) return { server, reply: { status: 0, body: `no server: ${reply}` } };
    }
  }

  /** Compares a successful reply with what is known. @param {string} body @param {string} address */
  function check(body, address) {
    const [, updatedFrom, updatedTo] = / A (\S+) -> (\S+)/.exec(body) ?? [];
    const unchanged = /^UNCHANGED: \S+ A (\S+)/m.exec(body)?.[1];
    const after = updatedTo ?? unchanged;
    const before = updatedFrom ?? unchanged ?? '';
    if (after !== address) fault('untrue', `${name}: ${address} was answered with ${JSON.stringify(body)}`);
    const mayBe = acknowledged === undefined || before === acknowledged || uncertain.has(before) || before === address;
    if (!mayBe) fault('lost', `${name}: ${acknowledged} was acknowledged, then ${before} was there`);
    acknowledged = address;
    uncertain = new Set();
    count.acknowledged += 1;
  }

  return {
    name,
    get acknowledged() {
      return acknowledged;
    },
    /** @param {Server[]} servers @param {() => boolean} goesOn */
    async run(servers, goesOn) {
      for (let turn = number; goesOn(); turn++) {
        counter += 1;
        const address = ipv4(counter);
        const sentMs = performance.now();
        const { server, reply } = await send(servers, turn, address);
        slowestMs = Math.max(slowestMs, performance.now() - sentMs);
        if (reply.status === 200) {
          check(reply.body, address);
          continue;
        }
        count.failed += 1;
        uncertain.add(address);
        const reason = `${reply.status} ${reply.body
          .replaceAll(name, 'NAME')
          .replaceAll(/[\d.]+/g, '#')
          .trim()}`;
        failures.set(reason, (failures.get(reason) ?? 0) + 1);
        const againMs = performance.now();
        const again = await ask(server, `/update-by-query?fqdn=${name}&ipv4=${address}`, secret);
        if (typeof again !== 'string' && again.status === 200) {
          const mayFail =
            againMs > storeAway.fromMs + STORE_PATIENCE_MS && performance.now() < storeAway.toMs + AT_ONCE_MS;
          if (!mayFail && performance.now() - againMs < AT_ONCE_MS)
            fault('needless', `${name} at ${server.port}: ${reason}`);
          check(again.body, address);
        }
        // As a client that waits before it tries again.
        await delay(100);
      }
    },
  };
}

/** @param {number} port @param {string} name @returns {Promise<string | undefined>} the address at the primary */
async function look(port, name) {
  return (await answer(port, name))[4];
}

/** @param {number} port @param {string} name the words of the A record */
async function answer(port, name) {
  const args = ['@127.0.0.1', '-p', `${port}`, '+noall', '+answer', name, 'A'];
  return (await execute('dig', args)).stdout.trim().split(/\s+/);
}

/** @param {Server} server @param {string} name @param {string} host @returns {Promise<string>} its secret */
async function makeToken(server, name, host) {
  return JSON.parse(await server.command('token', 'create', name, '--host', host, '--json')).secret;
}

/** @param {string} kind of the primary */
async function campaign(kind) {
  const primary = await PEERS[/** @type {keyof typeof PEERS} */ (kind)](CLIENTS);
  const postgres = await startPostgres(['fsync=on']);
  const wayToStore = await openProxy(postgres.port);
  const stores = [postgres.url.replace(`:${postgres.port}/`, `:${wayToStore.port}/`), postgres.url, postgres.url];
  /** @type {Server[]} */
  const servers = [];
  for (const store of stores) servers.push(await makeServer(primary.port, store));
  const [first, second, third] = /** @type {[Server, Server, Server]} */ (servers);
  await third.start(BEFORE === undefined ? MAIN : join(BEFORE, 'dist/cli/main.js'));
  await first.start();
  await second.start();
  const token = await makeToken(first, 'clients', `*.${ZONE}`);
  say(`${primary.title}, PostgreSQL, three servers, ${CLIENTS} clients, node ${process.version}`);
  const clients = Array.from({ length: CLIENTS }, (_, number) => makeClient(number, number % 2 === 0 ? SECRET : token));

  /** @param {string} what @param {() => Promise<unknown>} happen */
  async function scenario(what, happen) {
    const before = { ...count };
    slowestMs = 0;
    failures = new Map();
    const end = performance.now() + SECONDS * 1000;
    let happening = true;
    const load = clients.map((client) => client.run(servers, () => happening || performance.now() < end));
    await delay(SECONDS * 150);
    await happen();
    await delay(SECONDS * 150);
    happening = false;
    await Promise.all(load);
    for (const { name, acknowledged } of clients) {
      const there = await look(primary.port, name);
      if (there !== acknowledged) fault('lost', `${name}: ${acknowledged} was acknowledged, ${there} is there`);
    }
    const since = (/** @type {keyof typeof count} */ key) => count[key] - before[key];
    say(
      `  ${what}: ${since('acknowledged')} acknowledged, ${since('lost')} lost, ${since('untrue')} not true, ${since('failed')} failed, ${since('needless')} of them needlessly; ${since('moved')} sent to another server, the slowest ${(slowestMs / 1000).toFixed(1)} s`,
    );
    for (const [reason, times] of failures) say(`      ${times} x ${reason.slice(0, 150)}`);
  }

  await scenario('nothing happens', () => delay(0));
  await scenario(`a server ${BEFORE === undefined ? 'stopped and started' : 'upgraded'}`, async () => {
    await third.end();
    await third.start();
  });
  await scenario('a server killed', async () => {
    await second.end('SIGKILL');
    await delay(500);
    await second.start();
  });
  await scenario('PostgreSQL restarted', async () => {
    storeAway.fromMs = performance.now();
    storeAway.toMs = Number.POSITIVE_INFINITY;
    await postgres.restart();
    storeAway.toMs = performance.now();
  });
  await scenario('PostgreSQL unreachable for one server', async () => {
    wayToStore.freeze();
    await delay(SECONDS * 500);
    wayToStore.thaw();
  });
  await scenario('the primary frozen for 2 s', async () => {
    primary.child.kill('SIGSTOP');
    await delay(2000);
    primary.child.kill('SIGCONT');
  });
  if (!IS_SMOKE_RUN) {
    await scenario('the primary frozen for longer than its time-out', async () => {
      primary.child.kill('SIGSTOP');
      await delay(7000);
      primary.child.kill('SIGCONT');
    });
  }
  await scenario('a server whose clock is 90 s ahead', async () => {
    await second.end();
    const shift = `const R=Date;globalThis.Date=class extends R{constructor(...a){a.length?super(...a):super(R.now()+${CLOCK_DIFFERENCE_MS})}static now(){return R.now()+${CLOCK_DIFFERENCE_MS}}}`;
    await second.start(MAIN, ['--import', `data:text/javascript,${encodeURIComponent(shift)}`]);
    await delay(SECONDS * 300);
  });
  await scenario('a reload of one server', async () => {
    const ttlAt = async (/** @type {Server} */ server) => {
      await ask(server, `/update-by-query?fqdn=reloaded.${ZONE}&ipv4=${ipv4(Math.floor(performance.now()))}`, SECRET);
      return Number((await answer(primary.port, `reloaded.${ZONE}`))[1]);
    };
    first.reload({ zones: [{ name: ZONE, tsig_key: KEY, ttl: { default: 77 } }] });
    await until(async () => (await ttlAt(first)) === 77, 'the reload', 100);
    for (const other of [second, third]) {
      const ttl = await ttlAt(other);
      if (ttl === 77 || !(ttl > 0)) throw new Error(`another server has the TTL ${ttl} after the reload of one`);
    }
  });
  await scenario('a host disabled, then a token revoked, each at one server', async () => {
    const name = `switched.${ZONE}`;
    const secret = await makeToken(second, 'short', name);
    const accepts = async (/** @type {Server} */ server) => {
      const reply = await ask(server, `/update-by-query?fqdn=${name}&ipv4=192.0.2.1`, secret);
      return typeof reply !== 'string' && reply.status === 200;
    };
    for (const server of servers) if (!(await accepts(server))) throw new Error(`${server.port} refuses the new token`);
    for (const [what, args] of /** @type {const} */ ([
      ['a host disabled', ['host', 'disable', name]],
      ['the host enabled again', ['host', 'enable', name]],
      ['a token revoked', ['token', 'revoke', 'short']],
    ])) {
      await second.command(...args);
      const doneMs = performance.now();
      const wanted = what === 'the host enabled again';
      const times = await Promise.all(
        servers.map(async (server) => {
          while ((await accepts(server)) !== wanted) await delay(10);
          return performance.now() - doneMs;
        }),
      );
      const most = Math.max(...times);
      say(`    ${what}: in force everywhere after ${most.toFixed(0)} ms`);
      if (most > 1000) fault('untrue', `${what} is in force after ${most.toFixed(0)} ms only`);
    }
  });

  await oneName(servers, primary.port);
  for (const server of servers) {
    server.agent.destroy();
    await server.end();
  }
  wayToStore.close();
  await stop(primary.child);
  await postgres.stop();
}

/** All clients change one name at the same time, at all servers. @param {Server[]} servers @param {number} port of the primary */
async function oneName(servers, port) {
  const name = `one.${ZONE}`;
  /** What each change replaced, and by what. @type {Map<string, string>} */
  const next = new Map();
  let sent = 0;
  let failed = 0;
  const beginMs = performance.now();
  const client = async (/** @type {number} */ number) => {
    for (let turn = number; sent < UPDATES_OF_ONE_NAME; turn++) {
      sent += 1;
      const address = ipv4(65_536 * 9 + sent);
      const server = /** @type {Server} */ (servers[turn % servers.length]);
      const reply = await ask(server, `/update-by-query?fqdn=${name}&ipv4=${address}`, SECRET);
      const [, before, after] = (typeof reply === 'string' ? undefined : / A (\S+) -> (\S+)/.exec(reply.body)) ?? [];
      if (before === undefined || after === undefined) {
        failed += 1;
        fault('needless', `${name}: ${JSON.stringify(reply)}`);
        continue;
      }
      if (after !== address || next.has(before)) fault('untrue', `${name}: ${before} was replaced twice`);
      next.set(before, after);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  const seconds = (performance.now() - beginMs) / 1000;
  let last = 'None';
  let length = 0;
  for (let at = next.get(last); at !== undefined; at = next.get(at)) {
    last = at;
    length += 1;
  }
  const there = await look(port, name);
  count.acknowledged += next.size;
  if (length !== next.size || there !== last)
    fault('lost', `${name}: a chain of ${length} of ${next.size}, and ${there} is there, not ${last}`);
  say(
    `  ${sent} updates of one name: ${next.size} acknowledged in ${seconds.toFixed(1)} s, one chain of ${length}, ${failed} failed`,
  );
}

for (const kind of kinds) await campaign(kind);
say(
  `${count.acknowledged} acknowledged changes: lost ${count.lost}, replies that were not true ${count.untrue}, needless failures ${count.needless}`,
);
process.exit(count.lost + count.untrue + count.needless > 0 ? 1 : 0);
