// @ts-check
/**
 * The servers of the campaign of random UPDATEs: ours and a BIND with its checks as primaries of one zone; BIND, Knot and NSD as
 * secondaries of ours. Logs are kept, because a refusal has its reason there.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ClientTransaction } from '#dist/dns/tsig.js';
import { UdpExchanger } from '#dist/net/udp.js';
import { askSerial, keyOf } from './dns-client.mjs';
import { MAIN } from './lab.mjs';
import { apex, STATIC, ZONE } from './update-corpus.mjs';

/** @typedef {ReturnType<typeof startServer>} Server */

const ALGORITHM = 'hmac-sha512';
const SECRET = randomBytes(64).toString('base64');
export const key = keyOf(ZONE, SECRET);
/** The same as an argument of dig. */
export const keyOption = `${ALGORITHM}:${ZONE}:${SECRET}`;
/** Outside of the zone, so that no check asks for its address. */
export const NAMESERVER = 'ns.example.net';
const TIMERS = '3600 600 1209600 60';
const START_MS = 20_000;
const REPLY_MS = 10_000;
const LOG_LIMIT = 4_000_000;
/** BIND 9.18 has a lock file that allows one server; later ones do not know the option. */
const LOCK_FILE = 'lock-file none;';

/** A server process whose output is kept. @param {string} title @param {number} port @param {string} command @param {string[]} args */
function startServer(title, port, command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  let log = '';
  let dropped = 0;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      log += chunk;
      if (log.length < LOG_LIMIT) return;
      dropped += log.length / 2;
      log = log.slice(log.length / 2);
    });
  }
  const asker = new UdpExchanger({ host: '127.0.0.1', port });
  return {
    title,
    port,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    /** The place in the log that `logSince` takes. */
    logEnd: () => dropped + log.length,
    logSince: (/** @type {number} */ place) => log.slice(Math.max(0, place - dropped)),
    /** The serial that it serves; undefined without the zone. @returns {Promise<number | undefined>} */
    serial: () => askSerial(asker, apex).catch(() => undefined),
    async stop() {
      process.off('exit', kill);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        const timer = setTimeout(kill, 5_000);
        await ended;
        clearTimeout(timer);
      }
      asker.close();
    },
  };
}

/** @param {Server} server */
async function ready(server) {
  const end = performance.now() + START_MS;
  while (server.isRunning() && performance.now() < end) {
    if ((await server.serial()) !== undefined) return server;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await server.stop();
  throw new Error(`${server.title} does not serve the zone:\n${server.logSince(0).slice(-3000)}`);
}

/** A directory, emptied. @param {string} directory */
function emptied(directory) {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** @param {string} directory @param {number} port @param {string} zone the clauses of the zone */
function bindConfig(directory, port, zone) {
  const file = join(directory, 'named.conf');
  writeFileSync(
    file,
    `options { directory "${directory}"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none;
  session-keyfile none; ${LOCK_FILE} recursion no; empty-zones-enable no; dnssec-validation no; notify no; };
controls { };
key "${ZONE}" { algorithm ${ALGORITHM}; secret "${SECRET}"; };
zone "${ZONE}" { file "${directory}/zone.db"; allow-transfer { key "${ZONE}"; }; ${zone} };\n`,
  );
  return file;
}

/** A BIND that is primary of the zone, with the checks that it has by default. @param {string} directory @param {number} port */
export function bindPrimary(directory, port) {
  emptied(directory);
  writeFileSync(
    join(directory, 'zone.db'),
    `@ 3600 IN SOA ${NAMESERVER}. hostmaster 1 ${TIMERS}\n@ 3600 IN NS ${NAMESERVER}.\n${STATIC}. 300 IN A 192.0.2.1\n`,
  );
  const config = bindConfig(directory, port, `type primary; allow-update { key "${ZONE}"; };`);
  return ready(startServer('BIND', port, 'named', ['-g', '-c', config]));
}

/**
 * Our server.
 * @param {string} directory @param {number} port @param {readonly number[]} secondaries their ports
 * @param {Readonly<Record<string, unknown>>} [zoneOptions] more options of the zone
 */
export function ownPrimary(directory, port, secondaries, zoneOptions = {}) {
  const file = join(emptied(directory), 'dyndns.yml');
  const config = {
    secret: 'ofTheFuzzer12345',
    log_level: 20,
    http: { listen: ['127.0.0.1:0'] },
    dns: { listen: [`127.0.0.1:${port}`], database: 'zones.db' },
    zones: [
      {
        ...zoneOptions,
        name: ZONE,
        nameserver: 'embedded',
        ns: [NAMESERVER],
        records: `${STATIC}. 300 IN A 192.0.2.1`,
        tsig_keys: [{ name: ZONE, algorithm: ALGORITHM, secret: SECRET, allow: ['update', 'transfer'] }],
        secondaries: secondaries.map((each) => ({ address: `127.0.0.1:${each}`, key: ZONE })),
        // The rules for addresses are ours and have tests of their own.
        addresses: { allow: ['0.0.0.0/0', '::/0'], deny: [] },
      },
    ],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return ready(startServer('dyndns', port, process.execPath, [MAIN, '--config', file, 'serve']));
}

/** @type {Readonly<Record<string, (directory: string, port: number, primary: number) => [command: string, args: string[]]>>} */
const SECONDARIES = {
  BIND(directory, port, primary) {
    const zone = `type secondary; primaries { 127.0.0.1 port ${primary} key "${ZONE}"; }; allow-notify { key "${ZONE}"; };`;
    return ['named', ['-g', '-c', bindConfig(directory, port, zone)]];
  },
  Knot(directory, port, primary) {
    const file = join(directory, 'knot.conf');
    writeFileSync(
      file,
      `server:\n    rundir: ${directory}\n    listen: 127.0.0.1@${port}\nlog:\n  - target: stderr\n    any: info
database:\n    storage: ${directory}/databases
key:\n  - id: ${ZONE}\n    algorithm: ${ALGORITHM}\n    secret: ${SECRET}
remote:\n  - id: primary\n    address: 127.0.0.1@${primary}\n    key: ${ZONE}
acl:\n  - id: all\n    key: ${ZONE}\n    action: [notify, transfer]
zone:\n  - domain: ${ZONE}\n    storage: ${directory}\n    master: primary\n    acl: all\n`,
    );
    mkdirSync(join(directory, 'databases'));
    return ['knotd', ['-c', file]];
  },
  NSD(directory, port, primary) {
    const file = join(directory, 'nsd.conf');
    writeFileSync(
      file,
      `server:\n    ip-address: 127.0.0.1@${port}\n    username: ""\n    chroot: ""\n    zonesdir: "${directory}"
    zonelistfile: "${directory}/zone.list"\n    database: ""\n    pidfile: "${directory}/nsd.pid"
    xfrdfile: "${directory}/xfrd.state"\n    xfrdir: "${directory}"\n    server-count: 1\n    verbosity: 2\n    xfrd-reload-timeout: 0
remote-control:\n    control-enable: no
key:\n    name: "${ZONE}"\n    algorithm: ${ALGORITHM}\n    secret: "${SECRET}"
zone:\n    name: "${ZONE}"\n    zonefile: "zone.db"\n    request-xfr: 127.0.0.1@${primary} ${ZONE}
    allow-notify: 127.0.0.1 ${ZONE}\n    provide-xfr: 127.0.0.1 ${ZONE}\n`,
    );
    return ['nsd', ['-d', '-c', file]];
  },
};
export const SECONDARY_KINDS = Object.keys(SECONDARIES);

/**
 * A secondary without a zone: it transfers all of it first.
 * @param {string} kind @param {string} directory @param {number} port @param {number} primary
 */
export function secondary(kind, directory, port, primary) {
  const make = /** @type {(typeof SECONDARIES)[string]} */ (SECONDARIES[kind]);
  const [command, args] = make(emptied(directory), port, primary);
  return ready(startServer(kind, port, command, args));
}

/** Sends signed messages over one TCP connection, one after the other. @param {number} port */
export function makeSender(port) {
  /** @type {import('node:net').Socket | undefined} */
  let socket;
  let id = 0;
  return {
    close() {
      socket?.destroy();
      socket = undefined;
    },
    /**
     * The RCODE of the reply, or why there was none. The signature of the reply is not checked: errors of format have none.
     * @param {Uint8Array} message @returns {Promise<number | 'closed' | 'silent'>}
     */
    send(message) {
      id = (id + 1) & 0xffff;
      const octets = Buffer.from(message);
      octets.writeUInt16BE(id, 0);
      const request = new ClientTransaction(key).sign(octets, Math.floor(Date.now() / 1000));
      socket ??= connect({ host: '127.0.0.1', port, noDelay: true });
      const line = socket;
      let received = Buffer.alloc(0);
      return new Promise((resolve) => {
        const end = (/** @type {number | 'closed' | 'silent'} */ outcome) => {
          clearTimeout(timer);
          line.removeAllListeners();
          line.on('error', () => {});
          if (typeof outcome === 'string') {
            line.destroy();
            if (socket === line) socket = undefined;
          }
          resolve(outcome);
        };
        const timer = setTimeout(() => end('silent'), REPLY_MS);
        line.on('error', () => end('closed'));
        line.on('close', () => end('closed'));
        line.on('data', (chunk) => {
          received = Buffer.concat([received, chunk]);
          if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
          if (received.readUInt16BE(2) === id) end((received[5] ?? 0) & 15);
          else end('closed');
        });
        line.write(Buffer.concat([Buffer.of(request.length >> 8, request.length & 255), request]));
      });
    },
  };
}
