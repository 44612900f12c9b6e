/** `dyndns init --https NAME`: dyndns serves HTTPS and obtains the certificate itself. */
import { readCertificateNames, readContact } from '../../setup/plan/answers.ts';
import type { HttpsPlan } from '../../setup/plan/configuration.ts';
import { asUsage } from './questions.ts';

/** @throws UsageError */
export function planHttps(flag: readonly string[] | undefined, contactFlag: string | undefined): HttpsPlan | undefined {
  if (flag === undefined) return undefined;
  const names = asUsage('--https', readCertificateNames)(flag);
  return { names, email: contactFlag && asUsage('--contact', readContact)(contactFlag) };
}

/** What the operator of a remote primary adds for the certificate. */
export function certificateAdvice({ names }: HttpsPlan): string {
  const shown = names.map((name) => name.toString().slice(0, -1));
  return `\nGive ${shown.join(' and ')} the addresses of this server, and let the key change TXT records at _acme-challenge.\n`;
}
