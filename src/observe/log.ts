/**
 * The log: an Observer that writes JSON lines through pino, or plain lines on a terminal and in the journal of systemd.
 *
 * Levels have the numbers of the original program. A request is logged by its route pattern, never by its URL, which
 * may contain a secret. Text that an error message repeats from the request is left out (`AppError.logText`).
 */

import { type Logger, pino } from 'pino';
import { AppError, type ErrorCode } from '../core/errors.ts';
import type { DnsUpdateEvent, Observer, RequestEvent } from '../core/observer.ts';
import { LogOutput, type LogOutputOptions } from './log-output.ts';

/** The levels of the original program. */
const LEVELS = {
  debug: 10,
  unchanged: 11,
  info: 20,
  updated: 21,
  warning: 30,
  error: 40,
  check_error: 41,
  parameter_error: 42,
  dns_name_error: 43,
  ip_address_error: 47,
  dns_server_error: 48,
  configuration_error: 49,
  critical: 50,
} as const;

type Level = keyof typeof LEVELS;

/** `journal`: text with the priority of sd-daemon(3) in front, without the time. */
export type LogFormat = 'json' | 'text' | 'journal';

/** Priorities of the journal; what clients do wrong is a warning of ours. */
const PRIORITIES: readonly (readonly [level: number, priority: number])[] = [
  [LEVELS.critical, 2],
  [LEVELS.dns_server_error, 3],
  [LEVELS.parameter_error, 4],
  [LEVELS.error, 3],
  [LEVELS.warning, 4],
  [LEVELS.info, 6],
  [LEVELS.unchanged, 6],
];

/** The level at which the original program logs each failure. */
const LEVEL_OF_ERROR = {
  'request-malformed': 'parameter_error',
  'body-malformed': 'parameter_error',
  'cross-site': 'parameter_error',
  'name-invalid': 'dns_name_error',
  'address-invalid': 'ip_address_error',
  'not-authenticated': 'parameter_error',
  'too-many-guesses': 'error',
  'not-permitted': 'dns_name_error',
  'quota-exceeded': 'error',
  'host-disabled': 'error',
  'address-refused': 'ip_address_error',
  'rate-limited': 'error',
  'caller-unknown': 'configuration_error',
  conflict: 'dns_server_error',
  contended: 'dns_server_error',
  'primary-refused': 'dns_server_error',
  'primary-key-rejected': 'dns_server_error',
  'primary-unreachable': 'dns_server_error',
  'publish-unknown': 'dns_server_error',
  'store-unreachable': 'error',
  'check-failed': 'check_error',
  internal: 'critical',
} as const satisfies Record<ErrorCode, Level>;

export interface Log extends Observer {
  info(text: string): void;
  error(text: string): void;
  /** Writes a text as it is. */
  print(text: string): void;
  /** Drops lines below this level. */
  setLevel(level: number): void;
  /** Lines that were dropped because the output did not take them, since the start of the process. */
  readonly droppedLines: number;
  /** Resolves when all lines are written, or after the timeout. */
  flush(timeoutMs: number): Promise<void>;
}

/** See LogOutput. */
export type LogDestination = Pick<LogOutput, 'write' | 'dropped' | 'flush'>;

/** JSON lines are buffered this long at most, and flushed when the process exits. */
const FLUSH_MS = 100;

/**
 * Creates a log on standard output.
 */
export function createLog(
  level: number,
  format: LogFormat,
  open: (options: Omit<LogOutputOptions, 'fd'>) => LogDestination = (options) => new LogOutput({ ...options, fd: 1 }),
): Log {
  const output = open({
    flushMs: format === 'text' ? 0 : FLUSH_MS,
    reportDropped: (dropped) =>
      logger.warning({ dropped }, `${dropped} lines of the log were dropped: the output did not take them.`),
  });
  const logger = pino(
    { customLevels: LEVELS, useOnlyCustomLevels: true, level: lowestLevel(level), base: null },
    format === 'json' ? output : { write: (line: string) => output.write(formatText(line, format)) },
  ) as unknown as Logger<Level>;
  return {
    batchPublished: ({ zone, changes, outcome }) =>
      logger.debug({ zone, changes, outcome }, 'The UPDATE message or transaction has ended.'),
    requestAnswered: (event) => logRequest(logger, event),
    dnsUpdateAnswered: (event) => logDnsUpdate(logger, event),
    warn: (text) => logger.warning(text),
    info: (text) => logger.info(text),
    error: (text) => logger.error(text),
    print: (text) => output.write(text),
    get droppedLines() {
      return output.dropped;
    },
    flush: (timeoutMs) => output.flush(timeoutMs),
    setLevel: (next) => {
      logger.level = lowestLevel(next);
    },
  };
}

function logRequest(logger: Logger<Level>, event: RequestEvent): void {
  const level = levelOf(event);
  if (!logger.isLevelEnabled(level)) return;
  const { requestId, method, route, source, actor, status, durationMs, error } = event;
  const ms = Math.round(durationMs * 10) / 10;
  const fields = event.isPrivate
    ? { request: requestId, method, route, source, actor, status, ms, private: true }
    : { request: requestId, method, route, source, actor, status, ms };
  logger[level](error === undefined ? fields : { ...fields, ...failureFields(error, status) }, event.detail);
}

function logDnsUpdate(logger: Logger<Level>, event: DnsUpdateEvent): void {
  const { keyName, source, rcode, detail, error } = event;
  const level = levelOfUpdate(event);
  if (!logger.isLevelEnabled(level)) return;
  const fields = { key: keyName, source, rcode, ...(event.isPrivate && { private: true }) };
  const by = keyName === undefined ? 'an unknown sender' : `the key ${keyName}`;
  const text = `UPDATE by ${by}: ${rcode === 'NOERROR' ? detail : `${rcode}, ${detail}`}`;
  logger[level](error === undefined ? fields : { ...fields, ...failureFields(error, 512) }, text);
}

/** An UPDATE without a known key is only a debug line: anyone on the network can send one. */
function levelOfUpdate({ keyName, rcode, error }: DnsUpdateEvent): Level {
  if (error !== undefined) return LEVEL_OF_ERROR[error.code];
  if (rcode === 'NOERROR') return 'updated';
  if (keyName === undefined) return 'debug';
  return rcode === 'REFUSED' ? 'warning' : 'info';
}

function failureFields(error: Error, status: number): { code?: ErrorCode; cause?: string } {
  const cause = error.cause instanceof Error ? error.cause : undefined;
  return {
    ...(error instanceof AppError ? { code: error.code } : {}),
    // Only a defect needs a stack trace.
    ...(cause === undefined ? {} : { cause: status === 500 ? (cause.stack ?? cause.message) : cause.message }),
  };
}

function levelOf({ outcome, status, error }: RequestEvent): Level {
  switch (outcome) {
    case 'updated':
      return 'updated';
    case 'unchanged':
      return 'unchanged';
    case 'info':
      return 'debug';
    case 'failed':
      if (error instanceof AppError) return LEVEL_OF_ERROR[error.code];
      // The reply to a check has a line for each zone instead of one error.
      if (status === 457) return 'check_error';
      return status === 404 || status === 405 ? 'info' : 'error';
  }
}

function lowestLevel(number: number): Level | 'silent' {
  const names = Object.keys(LEVELS) as Level[];
  return names.find((name) => LEVELS[name] >= number) ?? 'silent';
}

/** Formats a JSON line as `12:30:05 UPDATED home.example.com. A 192.0.2.1 -> 192.0.2.2`, for the journal as `<6>UPDATED …`. */
function formatText(line: string, format: 'text' | 'journal'): string {
  const fields = JSON.parse(line) as Record<string, string | number | boolean | undefined>;
  const { level, time, msg, source, actor, cause } = fields;
  const name = (Object.keys(LEVELS) as Level[]).find((candidate) => LEVELS[candidate] === level) ?? 'info';
  const front =
    format === 'journal'
      ? `<${PRIORITIES.find(([limit]) => Number(level) >= limit)?.[1] ?? 7}>${name.toUpperCase()}`
      : `${new Date(Number(time)).toTimeString().slice(0, 8)} ${name.toUpperCase().padEnd(10)}`;
  const text = String(msg)
    .replace(/^(UPDATED|UNCHANGED): /, '')
    .replaceAll('\n', '; ');
  const from = source === undefined ? '' : ` (${actor === undefined ? '' : `${actor} `}from ${source})`;
  const mark = fields['private'] === true ? ' (private)' : '';
  return `${front} ${text}${mark}${from}${cause === undefined ? '' : ` [${cause}]`}\n`;
}
