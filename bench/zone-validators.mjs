// @ts-check
/** What dnssec-verify (BIND), ldns-verify-zone and kzonecheck (Knot) say of a signed zone as a server transfers it. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MAX_OCTETS = 2 ** 28;

/**
 * One text for each validator that refuses the zone.
 * @param {number} port @param {string} zone @param {string} keyOption of dig: ALGORITHM:NAME:SECRET @param {string} directory for the zone file
 * @returns {string[]}
 */
export function refusalsOf(port, zone, keyOption, directory) {
  const file = join(directory, 'transferred-zone');
  const at = ['@127.0.0.1', '-p', `${port}`, '-y', keyOption, '+noall', '+answer', '+onesoa', zone, 'AXFR'];
  const text = execFileSync('dig', at, { encoding: 'utf8', maxBuffer: MAX_OCTETS });
  writeFileSync(file, text.replace(/^.*\tTSIG\t.*$/gm, ''));
  /** @type {readonly (readonly [string, readonly string[]])[]} */
  const validators = [
    ['dnssec-verify', ['-z', '-o', zone, file]],
    ['ldns-verify-zone', [file]],
    ['kzonecheck', ['-o', zone, '-d', 'on', file]],
  ];
  return validators.flatMap(([command, args]) => {
    try {
      execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe' });
      return [];
    } catch (error) {
      const { stdout, stderr } = /** @type {{stdout?: string, stderr?: string}} */ (error);
      return [`${command}: ${`${stderr ?? ''}${stdout ?? error}`.slice(-1500)}`];
    }
  });
}
