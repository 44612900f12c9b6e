/** Opens the journal of a nameserver: its faults become warnings, and its known serials names. */
import { errorText } from '../core/errors.ts';
import { DomainName } from '../dns/name.ts';
import { Journal } from './journal/journal.ts';
import type { NameserverOptions } from './nameserver-options.ts';

export function openJournal(file: string, options: NameserverOptions): Promise<Journal> {
  const { version, onWarning, onDeath, copied = [], copyKnown } = options;
  return Journal.open(file, {
    version,
    now: Date.now,
    onFault: (error) =>
      onWarning(`A background write to the zone database failed and will be retried: ${errorText(error)}`),
    onWarning,
    ...(onDeath && { onDeath }),
    copied: new Map(copied.map(({ apex, ...known }) => [apex.key, known])),
    ...(copyKnown && {
      copyKnown: (known) =>
        copyKnown([...known].map(([key, zone]) => ({ apex: DomainName.ofWire(Buffer.from(key, 'latin1')), ...zone }))),
    }),
  });
}
