/** `dyndns zone discard ZONE NAME [TYPE]`: deletes dynamic data that collides with static records. */
import { Command } from 'commander';
import { withSession } from '../session.ts';
import { parseZone } from '../zone-name.ts';

export function zoneDiscardCommand(): Command {
  return new Command('discard')
    .description('delete data of a name that collides with static records, which is kept and not served')
    .argument('<zone>', 'the name of the zone')
    .argument('<name>', "the full owner name, as 'dyndns zone list' shows it")
    .argument('[type]', 'the RR type; without it all types')
    .action(async (zoneText: string, name: string, type: string | undefined, _options, command: Command) => {
      const zone = parseZone(zoneText).toString();
      await withSession(command, async (session) => {
        const { discarded } = await session.call('discardUnserved', {
          zone,
          name,
          ...(type !== undefined && { type }),
        });
        process.stdout.write(`${discarded} ${discarded === 1 ? 'RRset was' : 'RRsets were'} discarded.\n`);
      });
    });
}
