/** `dyndns webhook …`: those who are told of events. */
import { Command } from 'commander';
import { webhookTestCommand } from './webhook-test.ts';

export function webhookCommand(): Command {
  return new Command('webhook').description('those who are told of events over HTTP').addCommand(webhookTestCommand());
}
