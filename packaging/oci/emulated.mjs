/**
 * Runs the unpacked image of another architecture with qemu's emulation of its processor, for scripts/image-test.mjs: its Node.js,
 * its C libraries and its native file of SQLite. The process has the network and the user of the caller.
 */
import { spawn } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTool, runTool } from './container.mjs';

/** A busy machine emulates a start in a minute. */
const LIMIT_MS = 300_000;

const CONFIG = `store: sqlite:dyndns.db
zones: [{name: dyndns.example.com, ns: [ns1.dyndns.example.com], records: 'ns1 A 192.0.2.1'}]
`;

/** @throws Error if `serve`, `health` or a query fails */
export async function tryEmulated(root, data) {
  const emulator = findTool('qemu-aarch64');
  const file = join(data, 'dyndns.yml');
  const call = [
    ...['-L', root, '-E', `dyndns_CONFIG_FILE=${file}`],
    ...['-E', 'DYNDNS_HTTP_LISTEN=127.0.0.1:0', '-E', 'DYNDNS_DNS_LISTEN=127.0.0.1:0'],
    ...[join(root, 'usr/bin/node'), join(root, 'usr/lib/dyndns/bin/dyndns.js')],
  ];
  writeFileSync(file, CONFIG);
  const server = spawn(emulator, [...call, 'serve'], { stdio: ['ignore', 'pipe', 'inherit'], timeout: LIMIT_MS });
  try {
    const port = await dnsPort(server);
    runTool(emulator, [...call, 'health']);
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${port}`]);
    const addresses = await resolver.resolve4('ns1.dyndns.example.com');
    if (String(addresses) !== '192.0.2.1') throw new Error(`The answer is ${addresses}.`);
  } finally {
    server.kill('SIGKILL');
  }
}

/** Resolves when the server has opened its sockets. */
async function dnsPort(server) {
  let log = '';
  server.stdout.setEncoding('utf8').on('data', (piece) => {
    log += piece;
  });
  while (!log.includes('admin commands')) {
    const [piece] = await Promise.race([once(server.stdout, 'data'), once(server, 'exit')]);
    if (typeof piece !== 'string') throw new Error(`The server ended before it was ready: ${log}`);
  }
  return /dns:\/\/127\.0\.0\.1:(\d+)/.exec(log)[1];
}
