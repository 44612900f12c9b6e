/** `dyndns setup`: the first run in a browser. Writes the configuration at its last step, and becomes the server. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseEndpoint } from '../../doctor/resolvers.ts';
import { UsageError } from '../output.ts';
import { runSetup, type SetupFlags } from '../run-setup.ts';

export function setupCommand(): Command {
  return new Command('setup')
    .description('print a link for a browser, where a few questions set up the server; then run it')
    .option('-l, --listen <address...>', 'where the setup listens, ADDRESS:PORT (default: 127.0.0.1:54321)')
    .option('--url <url>', 'the URL that browsers use, if a reverse proxy with TLS passes it on: https://NAME')
    .option(
      '-f, --file <file>',
      'the file to write (default: dyndns_CONFIG_FILE, /etc/dyndns.yml for the service of a package, else .dyndns.yml)',
    )
    .addOption(new Option('--resolver <address>', 'for tests').argParser(parseResolver).hideHelp())
    .addOption(new Option('--nameserver-port <port>', 'for tests').argParser(Number).hideHelp())
    .action(async (flags: SetupFlags, command: Command) => {
      const { config } = command.optsWithGlobals<{ config?: string }>();
      if (config !== undefined && flags.file !== undefined) throw new UsageError('Use either --config or --file.');
      await runSetup({ ...flags, file: flags.file ?? config });
    });
}

function parseResolver(text: string): SetupFlags['resolver'] {
  const endpoint = parseEndpoint(text);
  if (endpoint !== undefined) return endpoint;
  throw new InvalidArgumentError('It must be an IP address with a port or without.');
}
