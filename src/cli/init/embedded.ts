/**
 * `dyndns init` for a zone that dyndns serves itself: the questions, the configuration, the records for the parent zone, and
 * advice on port 53. Left out: secondaries and keys, which docs/configuration.md describes.
 */
import { filePath } from '../../config/kinds/endpoints.ts';
import type { IpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { readAnswer, readContact, readGlue, readNameservers } from '../../setup/plan/answers.ts';
import {
  type AdminPlan,
  embeddedConfiguration,
  type HttpsPlan,
  type ParentRecords,
  parentRecords,
} from '../../setup/plan/configuration.ts';
import { UsageError } from '../output.ts';
import { type Ask, asUsage, flagOr } from './questions.ts';
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
  /** Asks whether to enable the dashboard; the last question. */
  readonly admin?: () => Promise<AdminPlan | undefined>;
  /** As YAML: the secret, or its file. */
  readonly secret: string;
}

/** @throws UsageError */
export async function planEmbeddedZone(
  zone: DomainName,
  flags: EmbeddedFlags,
  { store: storePreset, addresses, https, admin, secret }: EmbeddedSurroundings,
  ask: Ask,
): Promise<InitPlan> {
  const name = zone.toString().slice(0, -1);
  const ns = await flagOr(
    flags.ns?.join(' '),
    {
      flag: '--ns',
      text: 'Names of its nameservers, this one first (separated by commas)',
      preset: `ns1.${name}`,
      read: asUsage('--ns', (text) => readNameservers(text, zone)),
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
      read: asUsage('--contact', readContact),
    },
    ask,
  );
  const store = await flagOr(
    flags.store,
    {
      flag: '--store',
      text: 'File for its data',
      preset: storePreset,
      read: asUsage('--store', (text) => readAnswer(text, filePath)),
    },
    ask,
  );
  const server = { secret, store, admin: await admin?.(), ...(https && { https: { ...https, email: contact } }) };
  return {
    text: embeddedConfiguration({ zone, ns, glue, contact, apex: flags.apex }, server),
    advice: (next) => advice(zone, parentRecords({ zone, ns, glue }), glue.length > 0, next),
  };
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
      read: asUsage('--address', (text) => readGlue(text, first)),
    },
    ask,
  );
}

function advice(
  zone: DomainName,
  { isAtRegistrar, parent, lines }: ParentRecords,
  hasGlue: boolean,
  next: string,
): string {
  const place = isAtRegistrar
    ? `Enter the nameservers${hasGlue ? ' and their addresses (glue)' : ''} at your registrar`
    : `Add to the zone '${parent}', at its primary`;
  return `${place}:

${lines.map((line) => `  ${line}\n`).join('')}
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
