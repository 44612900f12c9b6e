/** Runs the real nsupdate (bind9-dnsutils), the tests' independent client of DNS UPDATE (RFC 2136) with TSIG. */
import type { ServerAddress } from './dig.ts';
import type { KeySpec } from './primary-server.ts';
import { type FinishedProgram, runProgram } from './process.ts';

/**
 * Sends one UPDATE. Exit code 0 means NOERROR under a verified signature; otherwise stderr has the RCODE. The key is
 * passed on standard input; without a key the message is unsigned.
 * @param zone undefined: nsupdate finds it by SOA queries
 * @param args arguments of nsupdate, like `-v` for TCP
 * @example nsupdate(primary, key, 'example.com', ['update add a.example.com 60 A 192.0.2.1'])
 */
export function nsupdate(
  server: ServerAddress,
  key: KeySpec | undefined,
  zone: string | undefined,
  lines: readonly string[],
  args: readonly string[] = [],
): Promise<FinishedProgram> {
  const input = [
    `server ${server.host} ${server.port}`,
    ...(zone === undefined ? [] : [`zone ${zone}`]),
    ...(key === undefined ? [] : [`key ${key.algorithm}:${key.name} ${key.secret}`]),
    ...lines,
    'send',
    '',
  ].join('\n');
  return runProgram('nsupdate', ['-t', '5', '-r', '0', ...args], { input });
}
