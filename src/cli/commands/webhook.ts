/** `dyndns webhook …`: the receivers of notices. */
import { Command } from 'commander';
import { webhookTestCommand } from './webhook-test.ts';

export function webhookCommand(): Command {
  return new Command('webhook').description('receivers of notices over HTTP').addCommand(webhookTestCommand());
}
