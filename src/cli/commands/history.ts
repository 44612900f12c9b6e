/** `dyndns history HOST`: events of a host and its addresses at a time; `dyndns history purge HOST` deletes them. */
import { createInterface } from 'node:readline/promises';
import { Command, Option } from 'commander';
import type { EventView, HistoryView, HostEventView, PastView } from '../../core/admin/history-operations.ts';
import { formatTime, parseTime } from '../local-time.ts';
import { UsageError } from '../output.ts';
import { withClientSession } from '../session.ts';
import { listed, print, printable } from '../table.ts';

interface HistoryFlags {
  readonly limit: string;
  readonly before?: string;
  readonly at?: string;
  readonly all?: boolean;
  readonly outcome?: 'changed' | 'refused' | 'failed';
  readonly since?: string;
  readonly token?: string;
  readonly json?: boolean;
}

export function historyCommand(): Command {
  return new Command('history')
    .description('show the events of a host, or of all: changes, refusals and failures, newest first')
    .usage('[options] <host>\n       dyndns history --all [options]\n       dyndns history purge [options] <host>')
    .argument('[host]', 'the full name of the host')
    .option('--all', 'the events of all hosts')
    .addOption(new Option('--outcome <outcome>', 'with --all: only these').choices(['changed', 'refused', 'failed']))
    .option('--since <time>', 'with --all: only events of the last 30m, 1h, 2d, or since a time')
    .option('--token <name>', 'with --all: only events of this token or key')
    .option('--limit <number>', 'the number of events', '20')
    .option('--before <time>', 'only events before this time, or before the event with this id')
    .option('--at <time>', 'show what was published at this time: 2026-11-23T10:00 is local time, with Z it is UTC')
    .option('--json', 'print a JSON object')
    .action(history)
    .addCommand(historyPurgeCommand());
}

async function history(host: string | undefined, flags: HistoryFlags, command: Command): Promise<void> {
  const { limit, before, at, json } = flags;
  if (flags.all) {
    if (host !== undefined || at !== undefined)
      throw new UsageError('--all is for all hosts: leave out the host and --at.');
    await allHistory(flags, command);
    return;
  }
  if (host === undefined) throw new UsageError("The name of a host is missing; '--all' shows the events of all hosts.");
  const other = (['outcome', 'since', 'token'] as const).find((flag) => flags[flag] !== undefined);
  if (other !== undefined) throw new UsageError(`--${other} is for --all.`);
  const atMs = at === undefined ? undefined : parseTime(at, '--at', true);
  const beforeId = before === undefined ? undefined : eventBefore(before);
  await withClientSession(command, async (session) => {
    if (atMs !== undefined) {
      const request = { host, at: new Date(atMs).toISOString(), limit: 1 };
      const { host: name, past } = await session.call('readHistory', request);
      print({ host: name, ...past! }, json, formatPast);
      return;
    }
    const request = { host, limit, ...(beforeId !== undefined && { before: beforeId }) };
    const view = await readPages(limit, beforeId, (page) => session.call('readHistory', { ...request, ...page }));
    print(view, json, formatHistory);
  });
}

async function allHistory(flags: HistoryFlags, command: Command): Promise<void> {
  const { limit, before, outcome, token, json } = flags;
  const since = flags.since === undefined ? undefined : new Date(sinceTime(flags.since)).toISOString();
  await withClientSession(command, async (session) => {
    const input = {
      ...(outcome !== undefined && { outcome }),
      ...(token !== undefined && { token }),
      ...(since !== undefined && { since }),
    };
    const beforeId = before === undefined ? undefined : eventBefore(before);
    const view = await readPages(limit, beforeId, (page) => session.call('readAllHistory', { ...input, ...page }));
    print(view, json, ({ events, more }) => formatAll(events, more, flags));
  });
}

/** Events of one request. */
const PAGE = 500;
const MAX_EVENTS = 1_000_000;

interface EventPage {
  readonly events: readonly { readonly id: string }[];
  readonly more: boolean;
}

/** Reads as many pages as the limit needs. @returns the first page with the events of all */
async function readPages<View extends EventPage>(
  limitText: string,
  before: string | undefined,
  read: (page: { readonly limit: number | string; readonly before?: string }) => Promise<View>,
): Promise<View> {
  const limit = /^\d{1,7}$/.test(limitText) ? Number(limitText) : undefined;
  if (limit === undefined || limit <= PAGE || limit > MAX_EVENTS) {
    if (limit !== undefined && limit > MAX_EVENTS)
      throw new UsageError(`--limit must be an integer from 1 to ${MAX_EVENTS}.`);
    return read({ limit: limitText, ...(before !== undefined && { before }) });
  }
  let view = await read({ limit: PAGE, ...(before !== undefined && { before }) });
  const events = [...view.events];
  while (view.more && events.length < limit) {
    const page = await read({ limit: Math.min(PAGE, limit - events.length), before: events.at(-1)!.id });
    events.push(...page.events);
    view = { ...view, more: page.more && page.events.length > 0 };
  }
  return { ...view, events };
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** `1h` is an hour ago. @throws UsageError */
function sinceTime(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count === undefined) {
    try {
      return parseTime(text, '--since');
    } catch (error) {
      if (error instanceof UsageError) error.message += ' The last hour is 1h, the last two days are 2d.';
      throw error;
    }
  }
  return Date.now() - Number(count) * SECONDS[unit as keyof typeof SECONDS] * 1000;
}

function formatAll(events: readonly HostEventView[], more: boolean, { outcome, since, token }: HistoryFlags): string {
  if (events.length === 0) return 'There are no such events.\n';
  const lines = events.map((event) => formatEvent(event, `${event.host}  `));
  const options = Object.entries({ outcome, since, token }).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag} ${value} `],
  );
  const next = more ? [`Older events: dyndns history --all ${options.join('')}--before ${events.at(-1)?.id}\n`] : [];
  return [...lines, ...next].join('');
}

/** The id of an event begins with its time (src/core/history/history.ts), so the beginning of an id can be a time. */
function eventBefore(text: string): string {
  if (/^[0-9a-f]{18,}$/.test(text)) return text;
  return Math.max(0, parseTime(text, '--before')).toString(16).padStart(12, '0');
}

export function formatHistory({ host, events, more, lastSeen, repeats }: HistoryView): string {
  let out = '';
  for (const event of events) out += formatEvent(event);
  if (events.length === 0) out += `There are no events of '${host}'.\n`;
  if (lastSeen !== undefined)
    out += `Last seen ${formatTime(lastSeen)}; ${repeats === 1 ? '1 update' : `${repeats} updates`} changed nothing.\n`;
  if (more) out += `Older events: dyndns history ${host} --before ${events.at(-1)?.id}\n`;
  return out;
}

/** `2026-11-23 11:00:00+01:00  changed  A 192.0.2.1 -> 192.0.2.2  by router1 (dyndns2 from 198.51.100.1, ddclient/4)`. */
function formatEvent(event: EventView, host = ''): string {
  const { time, outcome, A, AAAA, code, detail, actor, protocol, source, userAgent } = event;
  const steps = Object.entries({ A, AAAA }).flatMap(([family, step]) =>
    step === undefined || step.before.join() === step.after.join()
      ? []
      : [`${family} ${listed(step.before, 'none')} -> ${listed(step.after, 'none')}`],
  );
  const mark = event.private === true ? ['private'] : [];
  const what = [
    ...steps,
    ...mark,
    ...(code === undefined ? [] : [code]),
    ...(detail === undefined ? [] : [detail]),
  ].join('; ');
  const from = [source === '' ? protocol : `${protocol} from ${source}`, ...(userAgent === '' ? [] : [userAgent])];
  const line = `${formatTime(time)}  ${outcome.padEnd(7)}  ${printable(`${host}${what}  by ${actor} (${from.join(', ')})`)}\n`;
  return line + formatServed(event);
}

/** `    served by 2 of 3 secondaries: 192.0.2.53:53 after 0.04 s, 192.0.2.54:53 after 1.30 s; not yet by 192.0.2.55:53`. */
function formatServed({ secondaries = [] }: EventView): string {
  if (secondaries.length === 0) return '';
  const served = secondaries.flatMap(({ secondary, seconds }) =>
    seconds === undefined ? [] : [`${secondary} after ${seconds.toFixed(2)} s`],
  );
  const missing = secondaries.filter(({ seconds }) => seconds === undefined).map(({ secondary }) => secondary);
  const count = `served by ${served.length} of ${secondaries.length} ${secondaries.length === 1 ? 'secondary' : 'secondaries'}`;
  const parts = [
    served.length === 0 ? count : `${count}: ${served.join(', ')}`,
    ...(missing.length === 0 ? [] : [`not yet by ${missing.join(', ')}`]),
  ];
  return `    ${parts.join('; ')}\n`;
}

function formatPast(past: PastView & { readonly host: string }): string {
  const format = (addresses: readonly string[] | undefined) =>
    addresses === undefined ? 'unknown' : listed(addresses, 'none');
  return `${past.host} at ${formatTime(past.time)} (${past.time.slice(0, 19).replace('T', ' ')} UTC)
  A     ${format(past.A)}
  AAAA  ${format(past.AAAA)}
`;
}

function historyPurgeCommand(): Command {
  return new Command('purge')
    .description('delete all events of a host, and when it was last seen')
    .argument('<host>', 'the full name of the host')
    .option('-y, --yes', 'do not ask for confirmation')
    .option('--json', 'print a JSON object')
    .action(async (host: string, { yes }: { yes?: boolean }, command: Command) => {
      const { json } = command.optsWithGlobals<{ json?: boolean }>();
      if (!yes && !process.stdin.isTTY) {
        throw new UsageError(
          'This deletes the history of the host permanently, and there is no terminal to ask: add --yes.',
        );
      }
      if (!yes && !(await confirmed(host))) throw new UsageError('Nothing was changed.');
      await withClientSession(command, async (session) => {
        const purged = await session.call('purgeHistory', { host });
        print(purged, json, formatPurged);
      });
    });
}

function formatPurged({ host, events }: { readonly host: string; readonly events: number }): string {
  return events === 1 ? `1 event of '${host}' was deleted.\n` : `${events} events of '${host}' were deleted.\n`;
}

async function confirmed(host: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`Delete the history of '${host}' permanently? [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
