/** A zone as it is typed. */

import { parseHostName } from '../dns/host-name.ts';
import { type DomainName, NameError } from '../dns/name.ts';
import { UsageError } from './output.ts';

/** @throws UsageError */
export function parseZone(text: string): DomainName {
  try {
    return parseHostName(text);
  } catch (error) {
    if (error instanceof NameError) throw new UsageError(`'${text}' is no zone name: ${error.message}`);
    throw error;
  }
}
