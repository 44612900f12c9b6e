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

/** @throws UsageError */
export function parseSerial(text: string): number {
  const serial = Number(text);
  if (/^\d{1,10}$/.test(text) && serial <= 0xffffffff) return serial;
  throw new UsageError(`'${text}' is not a serial: it must be an integer from 0 to 4294967295.`);
}
