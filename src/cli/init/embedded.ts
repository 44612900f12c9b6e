/**
 * `dyndns init` for a zone that dyndns serves itself: the configuration, the records for the parent zone, and advice on
 * port 53. Left out: secondaries and keys, which docs/configuration.md describes.
 */
import { resolve } from 'node:path';
import { ipAddress } from '../../config/kinds/addresses.ts';
import { filePath } from '../../config/kinds/endpoints.ts';
import { mailbox, nameserverName } from '../../config/kinds/names.ts';
import { storeUrl } from '../../config/kinds/urls.ts';
import type { IpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { programCall, UsageError } from '../output.ts';
import { type Ask, readAnswer, splitAnswer } from './questions.ts';
import type { InitPlan } from './remote.ts';

export interface EmbeddedFlags {
  readonly ns?: readonly string[];
  readonly address?: readonly string[];
  readonly contact?: string;
  readonly store?: string;
}

/** @throws UsageError */
export async function planEmbeddedZone(
  zone: DomainName,
  file: string,
  flags: EmbeddedFlags,
  secret: string,
  ask: Ask,
): Promise<InitPlan> {
  const name = zone.toString().slice(0, -1);
  const nsQuestion = 'Names of its nameservers, this one first (separated by commas)';
  const nsTexts = flags.ns ?? [await ask(nsQuestion, `ns1.${name}`, '--ns')];
  const ns = nsTexts.flatMap(splitAnswer).map((text) => readAnswer(text, nameserverName, '--ns'));
  if (ns.length === 0) throw new UsageError('--ns: a zone needs at least one nameserver.');
  const glue = await askAddresses(zone, ns, flags, ask);
  const contactText =
    flags.contact ?? (await ask('Mail address of the person who runs it', `hostmaster@${name}`, '--contact'));
  const contact = mailbox.format(readAnswer(contactText, mailbox, '--contact'));
  const preset = resolve(file).startsWith('/etc/') ? '/var/lib/dyndns/dyndns.db' : 'dyndns.db';
  const store = readAnswer(flags.store ?? (await ask('File for its data', preset, '--store')), filePath, '--store');
  return {
    text: configurationText(name, { ns, glue, contact, store, secret }),
    advice: (named) => advice(zone, ns, glue, named),
  };
}

/** Addresses of the first nameserver if its name is in the zone: glue. */
async function askAddresses(
  zone: DomainName,
  ns: readonly DomainName[],
  { address }: EmbeddedFlags,
  ask: Ask,
): Promise<readonly IpAddress[]> {
  const [first, ...others] = ns;
  const inside = others.find((other) => other.isAtOrBelow(zone));
  if (inside !== undefined) {
    throw new UsageError(
      `--ns: '${inside}' is in the zone, and this command takes only the address of the first nameserver. ` +
        'Leave it out here, then add it to `ns` and its address to `records` in the file.',
    );
  }
  if (!first!.isAtOrBelow(zone)) {
    if (address !== undefined)
      throw new UsageError(`--address: '${first}' is not in the zone, which cannot have its address.`);
    return [];
  }
  const texts = address ?? [await ask(`Public addresses of ${first} (separated by commas)`, undefined, '--address')];
  const addresses = texts.flatMap(splitAnswer).map((text) => readAnswer(text, ipAddress, '--address'));
  if (addresses.length === 0) throw new UsageError(`--address: '${first}' needs at least one address.`);
  return addresses;
}

interface Answers {
  readonly ns: readonly DomainName[];
  readonly glue: readonly IpAddress[];
  readonly contact: string;
  readonly store: string;
  readonly secret: string;
}

function configurationText(name: string, { ns, glue, contact, store, secret }: Answers): string {
  const lines = glue.map((address) => `      ${addressRecord(ns[0]!, address)}\n`);
  return `---
# All options: docs/configuration.md
secret: '${secret}'
check: authenticated
store: ${storeUrl.format({ kind: 'sqlite', path: store })}
zones:
  - name: '${name}'
    nameserver: embedded
    ns: [${ns.map((each) => `'${each}'`).join(', ')}]
    contact: ${contact}
${lines.length === 0 ? '' : `    records: |\n${lines.join('')}`}`;
}

function addressRecord(owner: DomainName, { family, text }: IpAddress): string {
  return `${owner} IN ${family === 4 ? 'A' : 'AAAA'} ${text}`;
}

function advice(zone: DomainName, ns: readonly DomainName[], glue: readonly IpAddress[], file: string): string {
  const delegation = ns.map((name) => `  ${zone} IN NS ${name}\n`);
  const addresses = glue.map((address) => `  ${addressRecord(ns[0]!, address)}\n`);
  const parent = zone.parent();
  const place =
    parent === undefined || parent.labelCount < 2
      ? `Enter the nameservers${glue.length === 0 ? '' : ' and their addresses (glue)'} at your registrar`
      : `Add to the zone '${parent}', at its primary`;
  return `${place}:

${[...delegation, ...addresses].join('')}
DNS is served on port 53, UDP and TCP, on all addresses. A firewall must allow both.

- Only root and processes with the capability CAP_NET_BIND_SERVICE may open port 53. In a systemd unit:
  AmbientCapabilities=CAP_NET_BIND_SERVICE
- If systemd-resolved uses 127.0.0.53:53 (Ubuntu, Fedora), set the addresses of this machine in the file:
  dns: {listen: ['192.0.2.1', '2001:db8::1']}
- Or choose another port (dns: {listen: ['0.0.0.0:5353']}) and redirect port 53 to it.

Then:

  ${programCall()} --config ${file} serve

And to see the zone, when the parent has these records:

  dig ${zone} SOA
`;
}
