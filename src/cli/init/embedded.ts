/**
 * `dyndns init` for a zone that dyndns serves itself: the configuration, the records for the parent zone, and advice on
 * port 53. Left out: secondaries and keys, which docs/configuration.md describes.
 */
import { ipAddress } from '../../config/kinds/addresses.ts';
import { filePath } from '../../config/kinds/endpoints.ts';
import { mailbox, nameserverName } from '../../config/kinds/names.ts';
import { storeUrl } from '../../config/kinds/urls.ts';
import type { IpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { UsageError } from '../output.ts';
import type { HttpsPlan } from './https.ts';
import { type Ask, flagOr, readAnswer, splitAnswer } from './questions.ts';
import type { InitPlan } from './remote.ts';

export interface EmbeddedFlags {
  readonly ns?: readonly string[];
  readonly address?: readonly string[];
  readonly contact?: string;
  readonly store?: string;
  readonly apex?: boolean;
}

/** What else the plan of an embedded zone rests on. */
export interface EmbeddedSurroundings {
  /** The database that is proposed. */
  readonly store: string;
  /** The addresses of this machine. */
  readonly addresses: readonly string[];
  readonly https: HttpsPlan | undefined;
  /** As YAML: the secret, or its file. */
  readonly secret: string;
}

/** @throws UsageError */
export async function planEmbeddedZone(
  zone: DomainName,
  flags: EmbeddedFlags,
  { store: storePreset, addresses, https, secret }: EmbeddedSurroundings,
  ask: Ask,
): Promise<InitPlan> {
  const name = zone.toString().slice(0, -1);
  const ns = await flagOr(
    flags.ns?.join(' '),
    {
      flag: '--ns',
      text: 'Names of its nameservers, this one first (separated by commas)',
      preset: `ns1.${name}`,
      read: (text) => readNameservers(text, zone),
    },
    ask,
  );
  const glue = await askAddresses(zone, ns, flags, addresses, ask);
  const contact = await flagOr(
    flags.contact,
    {
      flag: '--contact',
      text: 'Mail address of the person who runs it',
      preset: `hostmaster@${name}`,
      read: (text) => mailbox.format(readAnswer(text, mailbox, '--contact')),
    },
    ask,
  );
  const store = await flagOr(
    flags.store,
    {
      flag: '--store',
      text: 'File for its data',
      preset: storePreset,
      read: (text) => readAnswer(text, filePath, '--store'),
    },
    ask,
  );
  const own = https?.names.filter((each) => each.isAtOrBelow(zone) && !ns[0]!.equals(each)) ?? [];
  const records = [...(glue.length > 0 ? [ns[0]!] : []), ...own].flatMap((owner) =>
    glue.map((address) => addressRecord(owner, address)),
  );
  return {
    text: configurationText(name, {
      ns,
      records,
      contact,
      store,
      secret,
      http: https?.yaml(contact) ?? '',
      apex: flags.apex,
    }),
    advice: (next) => advice(zone, ns, glue, next),
  };
}

function readNameservers(text: string, zone: DomainName): readonly DomainName[] {
  const ns = splitAnswer(text).map((each) => readAnswer(each, nameserverName, '--ns'));
  if (ns.length === 0) throw new UsageError('--ns: a zone needs at least one nameserver.');
  const single = ns.find(({ labelCount }) => labelCount < 2);
  if (single !== undefined) {
    throw new UsageError(
      `--ns: '${single}' has a single label, and a nameserver needs its full name, like '${single}${zone}'.`,
    );
  }
  const inside = ns.slice(1).find((other) => other.isAtOrBelow(zone));
  if (inside !== undefined) {
    throw new UsageError(
      `--ns: '${inside}' is in the zone, and this command takes only the address of the first nameserver. ` +
        'Leave it out here, then add it to `ns` and its address to `records` in the file.',
    );
  }
  return ns;
}

/** Addresses of the first nameserver if its name is in the zone: glue. */
async function askAddresses(
  zone: DomainName,
  ns: readonly DomainName[],
  { address }: EmbeddedFlags,
  proposed: readonly string[],
  ask: Ask,
): Promise<readonly IpAddress[]> {
  const first = ns[0]!;
  if (!first.isAtOrBelow(zone)) {
    if (address !== undefined)
      throw new UsageError(`--address: '${first}' is not in the zone, which cannot have its address.`);
    return [];
  }
  return flagOr(
    address?.join(' '),
    {
      flag: '--address',
      text: `Public addresses of ${first} (separated by commas)`,
      proposal: proposed.length === 0 ? undefined : proposed.join(', '),
      read: (text) => {
        const addresses = splitAnswer(text).map((each) => readAnswer(each, ipAddress, '--address'));
        if (addresses.length === 0) throw new UsageError(`--address: '${first}' needs at least one address.`);
        return addresses;
      },
    },
    ask,
  );
}

interface Answers {
  readonly ns: readonly DomainName[];
  /** Lines of a zone file. */
  readonly records: readonly string[];
  readonly contact: string;
  readonly store: string;
  readonly secret: string;
  /** YAML, or empty. */
  readonly http: string;
  readonly apex: boolean | undefined;
}

function configurationText(name: string, { ns, records, contact, store, secret, http, apex }: Answers): string {
  const lines = records.map((record) => `      ${record}\n`);
  return `---
# All options: docs/configuration.md
secret: ${secret}
check: authenticated
${http}store: ${storeUrl.format({ kind: 'sqlite', path: store })}
zones:
  - name: '${name}'
    nameserver: embedded
    ns: [${ns.map((each) => `'${each}'`).join(', ')}]
    contact: ${contact}
${apex ? '    apex: true\n' : ''}${lines.length === 0 ? '' : `    records: |\n${lines.join('')}`}`;
}

function addressRecord(owner: DomainName, { family, text }: IpAddress): string {
  return `${owner} IN ${family === 4 ? 'A' : 'AAAA'} ${text}`;
}

function advice(zone: DomainName, ns: readonly DomainName[], glue: readonly IpAddress[], next: string): string {
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

  ${next}

And to see the zone, when the parent has these records:

  dig ${zone} SOA
`;
}
