/** The rules of `acme_dns`: what the protocol needs when it is switched on, and that its name lies in a zone of ours. */
import type { AcmeDnsConfig } from '../config.ts';
import { type ResolveContext, refuse } from '../rules.ts';
import type { Settings } from '../settings.ts';

/** Undefined where it is switched off, or a problem was reported. */
export function resolveAcmeDns({ root, zones }: Settings, context: ResolveContext): AcmeDnsConfig | undefined {
  const above = root.get('acme_dns.zone');
  const isOn = root.get('protocols.acme_dns');
  const apexes = zones.flatMap((zone) => zone.get('zones[].name') ?? []);
  if (above !== undefined && apexes.length === zones.length && !apexes.some((apex) => above.isAtOrBelow(apex))) {
    const known = apexes.map((apex) => `'${apex}'`).join(', ');
    const message = `'${above}' is in no zone of the file; ${known === '' ? 'it has none' : `it has ${known}`}.`;
    refuse(context, root, 'acme_dns.zone', message);
  }
  if (!isOn) return undefined;
  if (!root.isMentioned('acme_dns.zone')) {
    const message = 'needs `acme_dns: {zone: …}`: a name in one of the zones, for the TXT records of accounts.';
    refuse(context, root, 'protocols.acme_dns', message);
  }
  if (!root.isMentioned('store')) {
    const message = 'needs `store`: accounts are kept there, for example `store: sqlite:/var/lib/dyndns/dyndns.db`.';
    refuse(context, root, 'protocols.acme_dns', message);
  }
  if (above === undefined) return undefined;
  return {
    above,
    register: root.get('acme_dns.register'),
    values: root.get('acme_dns.values'),
    maxAccounts: root.get('acme_dns.max_accounts'),
  };
}
