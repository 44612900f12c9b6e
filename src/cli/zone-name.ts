/** Zone names on the command line. */
import { parseHostName } from '../dns/host-name.ts';
import { type DomainName, NameError } from '../dns/name.ts';
import { UsageError } from './output.ts';

/** @throws UsageError */
export function parseZone(text: string): DomainName {
  try {
    return parseHostName(text);
  } catch (error) {
    if (error instanceof NameError) throw new UsageError(`'${text}' is not a zone name: ${error.message}`);
    throw error;
  }
}
