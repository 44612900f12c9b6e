/** Runs the real knsupdate (knot-dnsutils), a second independent client of DNS UPDATE (RFC 2136) with TSIG. */
import type { ServerAddress } from './dig.ts';
import type { KeySpec } from './primary-server.ts';
import { type FinishedProgram, runProgram } from './process.ts';

/**
 * Sends one UPDATE. Exit code 0 means NOERROR under a verified signature. The key is passed on standard input.
 * @example knsupdate(primary, key, 'example.com', ['add a.example.com. 60 A 192.0.2.1'])
 */
export function knsupdate(
  server: ServerAddress,
  key: KeySpec | undefined,
  zone: string,
  lines: readonly string[],
  args: readonly string[] = [],
): Promise<FinishedProgram> {
  const input = [
    `server ${server.host} ${server.port}`,
    `zone ${zone}.`,
    ...(key === undefined ? [] : [`key ${key.algorithm}:${key.name} ${key.secret}`]),
    ...lines,
    'send',
    'quit',
    '',
  ].join('\n');
  return runProgram('knsupdate', ['-t', '5', '-r', '0', ...args], { input });
}
