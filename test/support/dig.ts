/**
 * Runs dig, the tests' independent DNS client, and parses the header, the answer section and the authority section of
 * its output.
 */
import { runProgram } from './process.ts';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export interface DigRecord {
  readonly ownerName: string;
  readonly ttl: number;
  readonly type: string;
  /** RDATA as dig prints it. */
  readonly rdata: string;
}

export interface DigReply {
  /** NOERROR, NXDOMAIN, …; "none" without a reply, and after a transfer, which prints no header. */
  readonly rcode: string;
  readonly flags: readonly string[];
  readonly answers: readonly DigRecord[];
  readonly authority: readonly DigRecord[];
  /** RDATA of all answers, in the order of the reply. */
  readonly short: readonly string[];
  /** The whole output. */
  readonly text: string;
}

const RECORD = /^(\S+)\s+(\d+)\s+IN\s+(\S+)\s+(.*)$/;

function parseRecords(lines: readonly string[]): DigRecord[] {
  return lines.flatMap((line) => {
    const match = RECORD.exec(line);
    if (match === null) return [];
    const [, ownerName = '', ttl = '', type = '', rdata = ''] = match;
    return [{ ownerName, ttl: Number(ttl), type, rdata }];
  });
}

function section(lines: readonly string[], title: string): DigRecord[] {
  const start = lines.indexOf(`;; ${title} SECTION:`);
  if (start < 0) return [];
  const end = lines.indexOf('', start);
  return parseRecords(lines.slice(start + 1, end < 0 ? undefined : end));
}

/** Parses the output of dig. A transfer has no sections: all of its records are answers. */
export function parseDig(text: string): DigReply {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const header = /->>HEADER<<-.*status: (\w+)/.exec(text);
  const flags = /^;; flags: ([^;]*);/m.exec(text)?.[1]?.trim().split(' ') ?? [];
  const answers = header === null ? parseRecords(lines) : section(lines, 'ANSWER');
  return {
    rcode: header?.[1] ?? 'none',
    flags,
    answers,
    authority: section(lines, 'AUTHORITY'),
    short: answers.map((answer) => answer.rdata),
    text,
  };
}

/**
 * Queries a server, once, with a timeout of two seconds. The arguments of the caller take precedence.
 * @example dig(primary, ['home.example.com', 'A'])
 */
export async function dig(server: ServerAddress, args: readonly string[]): Promise<DigReply> {
  const { stdout, stderr } = await runProgram('dig', [
    '-r',
    `@${server.host}`,
    '-p',
    String(server.port),
    '+tries=1',
    '+timeout=2',
    ...args,
  ]);
  return parseDig(stdout + stderr);
}
