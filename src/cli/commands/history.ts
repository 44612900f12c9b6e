/** `dyndns history HOST`: what happened to a host, what it was at some time; and to forget it. */
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import type { EventView, HistoryView, PastView } from '../../core/admin/views.ts';
import { withClients } from '../clients.ts';
import { formatTime, parseTime } from '../local-time.ts';
import { UsageError } from '../output.ts';
import { loadFor } from '../setup.ts';
import { listed, printable, printJson } from '../table.ts';

interface HistoryFlags {
  readonly limit: string;
  readonly before?: string;
  readonly at?: string;
  readonly json?: boolean;
}

export function historyCommand(): Command {
  return new Command('history')
    .description('what happened to a host: changes, refusals, failures; newest first')
    .usage('[options] <host>\n       dyndns history purge [options] <host>')
    .argument('<host>', 'the full name of the host')
    .option('--limit <number>', 'so many events', '20')
    .option('--before <time>', 'only events before this time, or before the event with this id')
    .option('--at <time>', 'tell what was published at this time: 2026-11-23T10:00 is local time, with Z it is UTC')
    .option('--json', 'print a JSON object')
    .action(history)
    .addCommand(historyPurgeCommand());
}

async function history(host: string, flags: HistoryFlags, command: Command): Promise<void> {
  const { limit, before, at, json } = flags;
  if (!/^[1-9]\d{0,4}$/.test(limit)) throw new UsageError(`--limit: '${limit}' is no number from 1 to 10000.`);
  const atMs = at === undefined ? undefined : parseTime(at, '--at', true);
  const beforeId = before === undefined ? undefined : eventBefore(before);
  await withClients(loadFor(command).config, async ({ clients }) => {
    if (atMs !== undefined) {
      const past = await clients.historyAt(host, new Date(atMs).toISOString());
      if (json) printJson(past);
      else process.stdout.write(formatPast(past));
      return;
    }
    const view = await clients.history(host, Number(limit), beforeId);
    if (json) printJson(view);
    else process.stdout.write(formatHistory(view));
  });
}

/** Ids of events begin with their time (src/core/history/history.ts), so that the beginning of one stands for a time. */
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
  if (more) out += `Older ones: dyndns history ${host} --before ${events.at(-1)?.id}\n`;
  return out;
}

/** `2026-11-23 11:00:00+01:00  changed  A 192.0.2.1 -> 192.0.2.2  by router1 (dyndns2 from 198.51.100.1, ddclient/4)`. */
function formatEvent({ time, outcome, A, AAAA, code, detail, actor, protocol, source, userAgent }: EventView): string {
  const steps = Object.entries({ A, AAAA }).flatMap(([family, step]) =>
    step === undefined || step.before.join() === step.after.join()
      ? []
      : [`${family} ${listed(step.before, 'none')} -> ${listed(step.after, 'none')}`],
  );
  const what = [...steps, ...(code === undefined ? [] : [code]), ...(detail === undefined ? [] : [detail])].join('; ');
  const from = [source === '' ? protocol : `${protocol} from ${source}`, ...(userAgent === '' ? [] : [userAgent])];
  return `${formatTime(time)}  ${outcome.padEnd(7)}  ${printable(`${what}  by ${actor} (${from.join(', ')})`)}\n`;
}

function formatPast(past: PastView): string {
  const tell = (addresses: readonly string[] | undefined) =>
    addresses === undefined ? 'not known' : listed(addresses, 'none');
  return `${past.host} at ${formatTime(past.time)} (${past.time.slice(0, 19).replace('T', ' ')} UTC)
  A     ${tell(past.A)}
  AAAA  ${tell(past.AAAA)}
`;
}

function historyPurgeCommand(): Command {
  return new Command('purge')
    .description('forget all events of a host, and when it was last seen')
    .argument('<host>', 'the full name of the host')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print a JSON object')
    .action(async (host: string, { yes }: { yes?: boolean }, command: Command) => {
      const { json } = command.optsWithGlobals<{ json?: boolean }>();
      if (!yes && process.stdin.isTTY && !(await confirmed(host))) throw new UsageError('nothing was changed.');
      await withClients(loadFor(command).config, async ({ clients }) => {
        const purged = await clients.purgeHistory(host);
        if (json) printJson(purged);
        else process.stdout.write(formatPurged(purged));
      });
    });
}

function formatPurged({ host, events }: { readonly host: string; readonly events: number }): string {
  return events === 1 ? `1 event of '${host}' is forgotten.\n` : `${events} events of '${host}' are forgotten.\n`;
}

async function confirmed(host: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`Forget the history of '${host}' for good? [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
