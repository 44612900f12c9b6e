/**
 * Reads what a person answered about a new configuration: zone, nameservers, addresses, names of a certificate. For
 * `dyndns init`, where an answer is a flag or a line of a terminal, and for `dyndns setup`, where it is a field of a form.
 */
import { ipAddress } from '../../config/kinds/addresses.ts';
import { type ScalarKind, ValueError } from '../../config/kinds/kind.ts';
import { certificateName, mailbox, nameserverName } from '../../config/kinds/names.ts';
import { type IpAddress, parseIpAddress } from '../../dns/address.ts';
import { parseHostName } from '../../dns/host-name.ts';
import { type DomainName, NameError } from '../../dns/name.ts';

/** An answer that cannot be used. The message is a full sentence, without the name of the field. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

/** Reads an answer as the configuration file reads the value. @throws AnswerError */
export function readAnswer<T>(text: string, kind: ScalarKind<T>): T {
  try {
    const value = kind.parse(text);
    if (value !== undefined) return value;
  } catch (error) {
    if (!(error instanceof NameError || error instanceof ValueError)) throw error;
    throw new AnswerError(`${error.message} It must be ${kind.allowed}.`);
  }
  throw new AnswerError(`'${text}' is not ${kind.allowed}.`);
}

/** Splits an answer at commas and spaces. */
export function splitAnswer(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== '');
}

/** The full name of a new zone. @throws AnswerError */
export function readNewZone(text: string): DomainName {
  if (text === '') throw new AnswerError('A zone needs a name, like dyn.example.com.');
  let name: DomainName;
  try {
    name = parseHostName(text);
  } catch (error) {
    if (error instanceof NameError) throw new AnswerError(`'${text}' is not a zone name: ${error.message}`);
    throw error;
  }
  if (name.isWildcard) throw new AnswerError(`'${text}' is not a zone name: it is a wildcard.`);
  if (name.labelCount < 2) {
    throw new AnswerError(`'${text}' has a single label: write the full name of the zone, like dyn.example.com.`);
  }
  return name;
}

/** The nameservers of an embedded zone, this one first; at least one. @throws AnswerError */
export function readNameservers(text: string, zone: DomainName): readonly DomainName[] {
  const ns = splitAnswer(text).map((each) => readAnswer(each, nameserverName));
  if (ns.length === 0) throw new AnswerError('a zone needs at least one nameserver.');
  const single = ns.find(({ labelCount }) => labelCount < 2);
  if (single !== undefined) {
    throw new AnswerError(
      `'${single}' has a single label, and a nameserver needs its full name, like '${single}${zone}'.`,
    );
  }
  const inside = ns.slice(1).find((other) => other.isAtOrBelow(zone));
  if (inside !== undefined) {
    throw new AnswerError(
      `'${inside}' is in the zone, and only the address of the first nameserver is asked for here. ` +
        'Leave it out, then add it to `ns` and its address to `records` in the file.',
    );
  }
  return ns;
}

/** The addresses of a nameserver whose name is in its zone; at least one. @throws AnswerError */
export function readGlue(text: string, nameserver: DomainName): readonly IpAddress[] {
  const addresses = splitAnswer(text).map((each) => readAnswer(each, ipAddress));
  if (addresses.length === 0) throw new AnswerError(`'${nameserver}' needs at least one address.`);
  return addresses;
}

/** A mail address, as YAML. @throws AnswerError */
export function readContact(text: string): string {
  return mailbox.format(readAnswer(text, mailbox));
}

/** The address of a remote primary. */
export function readPrimaryAddress(text: string): IpAddress | undefined {
  return parseIpAddress(text);
}

/** The names of a certificate; at least one. @throws AnswerError */
export function readCertificateNames(texts: readonly string[]): readonly DomainName[] {
  const names = texts.flatMap(splitAnswer).map((text) => readAnswer(text, certificateName));
  if (names.length === 0) throw new AnswerError('needs the name by which clients reach this server.');
  return names;
}
