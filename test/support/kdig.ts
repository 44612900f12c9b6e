/** Runs kdig (knot-dnsutils), the tests' second independent DNS client; its output is parsed like that of dig. */
import { type DigReply, parseDig, type ServerAddress } from './dig.ts';
import { freshDirectory, type KeySpec, writeInto } from './primary-server.ts';
import { removeNow, runProgram } from './process.ts';

/**
 * Queries a server. @param key signs the query
 * @example kdig(server, ['home.example.com', 'A', '+tcp'])
 */
export async function kdig(server: ServerAddress, args: readonly string[], key?: KeySpec): Promise<DigReply> {
  const directory = freshDirectory('kdig');
  try {
    // In a file, because the command line is visible to other users.
    const text = key === undefined ? '' : `${key.algorithm}:${key.name}:${key.secret}\n`;
    const signed = key === undefined ? [] : ['-k', writeInto(directory, 'key', text)];
    const at = [`@${server.host}`, '-p', String(server.port), '+retry=0', '+timeout=3'];
    const { stdout, stderr } = await runProgram('kdig', [...at, ...signed, ...args]);
    const { text: output, ...reply } = parseDig(stdout + stderr);
    // `;; ->>HEADER<<- opcode: QUERY; status: NOERROR; id: 1` and `;; Flags: qr aa; QUERY: 1; ...`
    const flags = /^;; Flags: ([^;]*);/m.exec(output)?.[1]?.trim().split(' ') ?? reply.flags;
    return { ...reply, flags, text: output };
  } finally {
    removeNow(directory);
  }
}
