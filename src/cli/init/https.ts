/** `dyndns init --https NAME`: the part of the configuration with which dyndns serves HTTPS and obtains the certificate itself. */
import { certificateName, mailbox } from '../../config/kinds/names.ts';
import type { DomainName } from '../../dns/name.ts';
import { UsageError } from '../output.ts';
import { readAnswer, splitAnswer } from './questions.ts';

export interface HttpsPlan {
  readonly names: readonly DomainName[];
  /** The option `http`. @param contact the account's mail address, as YAML; undefined: the one of `--contact`, if it is set */
  yaml(contact: string | undefined): string;
  /** What the operator of a remote primary adds. */
  recordsAdvice(): string;
}

/** @throws UsageError */
export function planHttps(flag: readonly string[] | undefined, contactFlag: string | undefined): HttpsPlan | undefined {
  if (flag === undefined) return undefined;
  const names = flag.flatMap(splitAnswer).map((text) => readAnswer(text, certificateName, '--https'));
  if (names.length === 0) throw new UsageError('--https: needs the name by which clients reach this server.');
  const ownContact = contactFlag && mailbox.format(readAnswer(contactFlag, mailbox, '--contact'));
  const shown = names.map((name) => name.toString().slice(0, -1));
  return {
    names,
    yaml: (contact = ownContact) => `http:
  listen: ['127.0.0.1:54321', 'https://[::]:443']
  tls:
    acme:
      names: [${shown.map((name) => `'${name}'`).join(', ')}]
${contact === undefined ? '' : `      email: ${contact}\n`}`,
    recordsAdvice: () =>
      `\nGive ${shown.join(' and ')} the addresses of this server, and let the key change TXT records at _acme-challenge.\n`,
  };
}
