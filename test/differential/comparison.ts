/**
 * Compares the replies of two servers to the same queries, filters accepted differences, and groups the rest.
 */
import { formatRRType } from '../../src/dns/rdata.ts';
import { Opcode } from '../../src/dns/wire/message.ts';
import type { ServerAddress } from '../support/dig.ts';
import { askAll } from './asker.ts';
import type { Query } from './queries.ts';
import { FIELDS, type Field, type ReplyForm, replyForm } from './reply.ts';

export interface Difference {
  readonly query: Query;
  /** The server under test. */
  readonly ours: ReplyForm;
  /** The server it is compared with. */
  readonly theirs: ReplyForm;
  readonly fields: readonly Field[];
}

/** A kind of difference that is accepted. */
export interface Accepted {
  readonly name: string;
  readonly reason: string;
  /** The standard concerned; docs/standards.md has the same row. */
  readonly standard: string;
  /** The explained fields; a difference is accepted if rows explain all of its fields. */
  readonly fields: readonly Field[];
  readonly covers: (difference: Difference) => boolean;
}

export interface Comparison {
  readonly queries: number;
  readonly differences: readonly Difference[];
}

export async function compareServers(
  ours: ServerAddress,
  theirs: ServerAddress,
  queries: readonly Query[],
): Promise<Comparison> {
  const replies = [await askAll(ours, queries), await askAll(theirs, queries)] as const;
  const differences = queries.flatMap((query, index): Difference[] => {
    const left = replyForm(replies[0][index]!);
    const right = replyForm(replies[1][index]!);
    const fields = FIELDS.filter((field) => left[field] !== right[field]);
    return fields.length === 0 ? [] : [{ query, ours: left, theirs: right, fields }];
  });
  return { queries: queries.length, differences };
}

export interface Verdict {
  /** How many differences each accepted row explained, in the order of the table. */
  readonly accepted: ReadonlyMap<Accepted, number>;
  readonly unexplained: readonly Difference[];
}

export function judge(comparison: Comparison, table: readonly Accepted[]): Verdict {
  const accepted = new Map(table.map((row) => [row, 0]));
  const unexplained = comparison.differences.filter((difference) => {
    const rows = table.filter((row) => row.covers(difference));
    const explained = new Set(rows.flatMap((row) => row.fields));
    if (!difference.fields.every((field) => explained.has(field))) return true;
    for (const row of rows) {
      if (row.fields.some((field) => difference.fields.includes(field))) accepted.set(row, accepted.get(row)! + 1);
    }
    return false;
  });
  return { accepted, unexplained };
}

export function formatAccepted(verdict: Verdict): string {
  return [...verdict.accepted].map(([row, count]) => `${String(count).padStart(6)}  ${row.name}`).join('\n');
}

/** A short key for grouping: RCODEs and flags literally, sections only as empty or not. */
function groupName({ query, ours, theirs, fields }: Difference): string {
  const values = fields.map((field) => {
    const isSection = field === 'answer' || field === 'authority' || field === 'additional' || field === 'question';
    if (!isSection) return `${field} ${ours[field] || '-'}/${theirs[field] || '-'}`;
    const lines = (text: string): number => (text === '' ? 0 : text.split('\n').length);
    const [left, right] = [lines(ours[field]), lines(theirs[field])];
    return `${field} ${left === 0 ? 'none' : 'some'}/${right === 0 ? 'none' : 'some'}`;
  });
  const { message } = query;
  const qtype = message.questions[0]?.qtype;
  const special = [
    message.opcode === Opcode.QUERY ? '' : `opcode ${message.opcode}`,
    message.questions.length === 1 ? '' : `qdcount ${message.questions.length}`,
    message.questions[0] === undefined || message.questions[0].qclass === 1 ? '' : 'other class',
    qtype !== undefined && qtype >= 128 && qtype <= 255 ? formatRRType(qtype) : '',
    query.transport === 'tcp' ? 'tcp' : '',
  ].filter((word) => word !== '');
  return [...values, ...special].join(', ');
}

const EXAMPLES = 3;
const LINES = 4;

/** The first lines of `text` that are not in `other`. */
function onlyIn(mark: string, text: string, other: string): string {
  const others = new Set(other.split('\n'));
  const lines = text.split('\n').filter((line) => !others.has(line));
  const more = lines.length > LINES ? [`... and ${lines.length - LINES} more`] : [];
  return [...lines.slice(0, LINES), ...more].map((line) => `    ${mark}     ${line || '(none)'}\n`).join('');
}

/** Differences by group, the largest first, with a few complete examples. */
export function formatDifferences(differences: readonly Difference[]): string {
  const groups = new Map<string, Difference[]>();
  for (const difference of differences) {
    const name = groupName(difference);
    groups.set(name, [...(groups.get(name) ?? []), difference]);
  }
  return [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([name, members]) => {
      const examples = members.slice(0, EXAMPLES).map(({ query, ours, theirs, fields }) => {
        const lines = fields.map((field) => {
          return `      ${field}\n${onlyIn('-', ours[field], theirs[field])}${onlyIn('+', theirs[field], ours[field])}`;
        });
        const context = `${ours.rcode} ${ours.size} octets / ${theirs.rcode} ${theirs.size} octets`;
        return `    ${query.text}  (${context})\n${lines.join('')}`;
      });
      return `${members.length} x ${name}\n${examples.join('')}`;
    })
    .join('\n');
}
