/** The rules of `acme_dns`: what the enabled protocol needs, and that its name is in a zone of the file. */
import type { AcmeDnsConfig } from '../config.ts';
import type { PlacedValues } from '../options/options.ts';
import { apexesOf, type ResolveContext, refuse, refuseOutsideZones } from '../rules.ts';
import type { Settings } from '../settings.ts';

/** Undefined where it is disabled, or after a problem was reported. */
export function resolveAcmeDns(
  { root, zones }: Settings,
  options: PlacedValues<''>['acmeDns'],
  context: ResolveContext,
): AcmeDnsConfig | undefined {
  const { above } = options;
  if (above !== undefined) refuseOutsideZones(root, 'acme_dns.zone', above, apexesOf(zones), context);
  if (!root.get('protocols.acme_dns')) return undefined;
  if (!root.isMentioned('acme_dns.zone')) {
    const message = 'needs `acme_dns: {zone: …}`: a name in one of the zones, for the TXT records of accounts.';
    refuse(context, root, 'protocols.acme_dns', message);
  }
  if (!root.isMentioned('store')) {
    const message = 'needs `store`, where accounts are stored, for example `store: sqlite:/var/lib/dyndns/dyndns.db`.';
    refuse(context, root, 'protocols.acme_dns', message);
  }
  return above === undefined ? undefined : { ...options, above };
}
