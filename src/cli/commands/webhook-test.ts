/** `dyndns webhook test [WHICH]`: sends a test notice to each webhook, with or without a running server. */
import { Command } from 'commander';
import type { WebhookConfig } from '../../config/config.ts';
import type { Result } from '../../core/admin/operations.ts';
import { testWebhooks, type WebhookTest } from '../../server/webhooks.ts';
import { CommandError, UsageError } from '../output.ts';
import { findRemote } from '../remote.ts';
import type { Session } from '../session.ts';
import { loadFor } from '../setup.ts';
import { printJson } from '../table.ts';

export function webhookTestCommand(): Command {
  return new Command('test')
    .description('send a test notice to each webhook of the configuration, and print the outcome')
    .argument('[which]', 'only this one: its number in the file, from 1, or its URL')
    .option('--json', 'print a JSON array')
    .action(async (which: string | undefined, { json }: { json?: boolean }, command: Command) => {
      const remote = await findRemote(command);
      if (remote !== undefined) {
        await testRemoteWebhooks(remote, which, json);
        return;
      }
      const { webhooks } = loadFor(command).config;
      const results: WebhookTest[] = [];
      for await (const result of testWebhooks(webhooks, selectWebhooks(webhooks, which))) {
        results.push(result);
        if (!json) process.stdout.write(formatTest(result));
      }
      if (json) printJson(results);
      if (results.some(({ outcome }) => outcome === 'failed')) process.exitCode = 1;
    });
}

/** Those of a server on another machine, by number: it does not show their URLs. */
async function testRemoteWebhooks(
  session: Session,
  which: string | undefined,
  json: boolean | undefined,
): Promise<void> {
  const { webhooks } = await session.call('listWebhooks', {});
  const all = webhooks.map((_, index) => index + 1);
  const selected = which === undefined ? all : all.filter((number) => String(number) === which);
  if (selected.length === 0) {
    if (webhooks.length === 0) throw new CommandError('The configuration of the server names no webhook.');
    const hosts = webhooks.map(({ webhook }, index) => `${index + 1} is at ${webhook}`);
    throw new UsageError(`There is no such webhook at the server; its number selects it: ${hosts.join(', ')}.`);
  }
  const results: Result<'testWebhook'>[] = [];
  for (const number of selected) {
    const result = await session.call('testWebhook', { webhook: String(number) });
    results.push(result);
    const { webhook, delivered, problem } = result;
    if (!json)
      process.stdout.write(
        `webhook ${webhook}: ${delivered ? 'delivered' : `failed, ${problem ?? 'without a reason'}`}\n`,
      );
  }
  if (json) printJson(results);
  if (results.some(({ delivered }) => !delivered)) process.exitCode = 1;
}

/** Indices. @throws CommandError, UsageError */
function selectWebhooks(webhooks: readonly WebhookConfig[], which: string | undefined): readonly number[] {
  if (webhooks.length === 0) {
    throw new CommandError("The configuration names no webhook: add 'webhooks: [{url: https://…}]'.");
  }
  const all = webhooks.map((_, index) => index);
  if (which === undefined) return all;
  const href = URL.canParse(which) ? new URL(which).href : undefined;
  const selected = all.filter((index) => which === String(index + 1) || webhooks[index]!.url.reveal() === href);
  if (selected.length > 0) return selected;
  // The argument is not repeated: a URL may hold a secret.
  const hosts = webhooks.map(({ url }, index) => `${index + 1} is at ${new URL(url.reveal()).host}`);
  throw new UsageError(`There is no such webhook in the configuration: ${hosts.join(', ')}.`);
}

function formatTest({ webhook, outcome, text, advice, durationMs }: WebhookTest): string {
  const line = `webhook ${webhook}: ${outcome}, ${text} after ${Math.round(durationMs)} ms\n`;
  return advice === '' ? line : `${line}  ${advice}\n`;
}
