/** `dyndns token create --batch FILE`: many tokens, their hosts and owners in one request, all of them or none. */
import { closeSync, fsyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import type { Command } from 'commander';
import { quoteValue } from '../../config/problem.ts';
import type { NewTokenView } from '../../core/admin/token-operations.ts';
import { InputError } from '../../core/errors.ts';
import { readBounded, STANDARD_INPUT } from '../bounded-file.ts';
import { formatCsvRow } from '../csv.ts';
import { CommandError, UsageError } from '../output.ts';
import { isKeyFromInput } from '../remote.ts';
import { commandError, withSession } from '../session.ts';
import { quietObserver } from '../setup.ts';
import { type BatchFile, type BatchFormat, readBatchFile } from '../token-batch-file.ts';
import { plainName } from '../token-lines.ts';

export interface BatchFlags {
  readonly batch: string;
  readonly format?: BatchFormat;
  readonly output?: string;
  readonly createOwners?: boolean;
}

/** Octets of a file, and of the request that is made of it: the limit of the server for a batch. */
const MAX_FILE = 16 * 1024 * 1024;
const MAX_REQUEST = 2 * 1024 * 1024;

/** @throws UsageError, CommandError, and as `withSession` */
export async function createBatch(
  { batch, format, output, createOwners }: BatchFlags,
  command: Command,
): Promise<void> {
  const isInput = batch === STANDARD_INPUT;
  if (isInput && isKeyFromInput(command))
    throw new UsageError('--batch and --key-file cannot both read the standard input.');
  const inputFormat = format ?? formatOf(batch);
  if (inputFormat === undefined) {
    throw new UsageError(
      '--format csv or --format json says what the file is: its name ends neither in .csv nor in .json.',
    );
  }
  const name = isInput ? 'The standard input' : batch;
  const file = readBatchFile(readText(batch, name), inputFormat, name);
  const request = { tokens: file.tokens, ...(createOwners && { createOwners: true }) };
  if (Buffer.byteLength(JSON.stringify(request)) > MAX_REQUEST) {
    throw new UsageError(`${name} has more than one request can have (${MAX_REQUEST} octets): split the file.`);
  }
  const outputFormat = (output === undefined ? undefined : formatOf(output)) ?? inputFormat;
  await withOutput(output, async (write) => {
    await withSession(command, async (session) => {
      const { tokens } = await session.call('createTokens', request);
      write(outputFormat === 'csv' ? csvOf(tokens) : `${JSON.stringify(tokens, null, 2)}\n`, tokens.length);
    }).catch((error: unknown) => {
      throw batchError(error, file);
    });
  });
}

function formatOf(file: string): BatchFormat | undefined {
  const [, ending] = /\.(csv|json)$/i.exec(file) ?? [];
  return ending?.toLowerCase() as BatchFormat | undefined;
}

function readText(file: string, name: string): string {
  let octets: Buffer;
  try {
    octets = readBounded(file, MAX_FILE);
  } catch (error) {
    throw new UsageError(`The file ${quoteValue(file)} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  if (octets.length > MAX_FILE) throw new UsageError(`${name} has more than ${MAX_FILE} octets: split the file.`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch {
    throw new UsageError(`${name} is not text in UTF-8.`);
  }
}

/** Lines and columns of the file for the places of the request. */
function batchError(error: unknown, file: BatchFile): unknown {
  if (!(error instanceof InputError) || error.errors.length === 0) return commandError(error);
  const lines = ['Nothing was created.', ...error.errors.map((one) => file.describe(one))].join('\n');
  return error.code === 'request-malformed' ? new UsageError(lines) : new CommandError(lines);
}

function csvOf(tokens: readonly NewTokenView[]): string {
  const rows = tokens.map(({ token, secret }) =>
    formatCsvRow([token.name, token.hosts.map(plainName).join(' '), token.owner ?? '', secret]),
  );
  return [formatCsvRow(['name', 'host', 'owner', 'secret']), ...rows].join('');
}

type Write = (text: string, count: number) => void;

/** A new file of mode 0600, which is made before the request, so that secrets are not lost for want of a place. */
async function withOutput(output: string | undefined, task: (write: Write) => Promise<void>): Promise<void> {
  if (output === undefined) {
    await task((text, count) => {
      process.stdout.write(text);
      process.stderr.write(`${counted(count)} created.\n`);
    });
    return;
  }
  const descriptor = openNew(output);
  let isWritten = false;
  try {
    await task((text, count) => {
      try {
        writeAll(descriptor, text);
        isWritten = true;
        process.stdout.write(`${counted(count)} created. The secrets are in ${output}, which only you can read.\n`);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        quietObserver.warn(`The file ${output} cannot be written (${code}): the secrets are printed here.`);
        process.stdout.write(text);
      }
    });
  } finally {
    closeSync(descriptor);
    if (!isWritten) unlinkSync(output);
  }
}

function counted(count: number): string {
  return count === 1 ? '1 token was' : `${count} tokens were`;
}

/** @throws UsageError */
function openNew(file: string): number {
  try {
    return openSync(file, 'wx', 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'it exists already' : code;
    throw new UsageError(`The file ${quoteValue(file)} cannot be made (${why}). Nothing was created.`);
  }
}

function writeAll(descriptor: number, text: string): void {
  const octets = Buffer.from(text);
  for (let at = 0; at < octets.length; ) at += writeSync(descriptor, octets, at);
  fsyncSync(descriptor);
}
