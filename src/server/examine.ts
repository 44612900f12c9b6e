/** `dyndns doctor` inside the server: the same checks, with what the server itself knows. Its code is loaded when it is used. */
import type { ZoneConfig } from '../config/config.ts';
import type { FindingView } from '../core/admin/zone-operations.ts';
import type { CertificateFacts } from '../core/doctor/ports.ts';
import { AppError } from '../core/errors.ts';
import type { HostAnswers } from '../core/zones/host-answers.ts';
import { parseHostName } from '../dns/host-name.ts';
import type { DomainName } from '../dns/name.ts';
import type { ServedCertificate } from '../http/app/tls.ts';
import type { Generation } from './generation.ts';
import { machineAddresses } from './machine-addresses.ts';
import { signingFacts } from './signing-facts.ts';

/** Hosts of the store that are examined; of more the first ones. */
const MAX_HOSTS = 500;

/** @throws AppError name-invalid */
export async function examineOneZone(
  { config, embedded }: Generation,
  served: ServedCertificate | undefined,
  hostsIn: (limit: number) => Promise<readonly DomainName[]>,
  apex: DomainName,
): Promise<readonly FindingView[]> {
  const zone = config.zones.find((one) => one.apex.equals(apex));
  if (zone === undefined) throw new AppError('name-invalid', `'${apex}' is not a zone of the configuration.`);
  const { examineZone } = await import('../doctor/run.ts');
  const states = (await embedded?.nameserver.admin.zones()) ?? [];
  const state = states.find((one) => one.zone === apex.toString());
  return examineZone(config, zone, {
    nameserverPort: 53,
    progress: () => undefined,
    hosts: await hostsIn(MAX_HOSTS),
    certificate: served && certificateFacts(served, config.http.trustedProxies.length > 0),
    notServed: state?.notServed,
    signing: signingFacts(config, zone, state),
    ...(state?.unserved && { unserved: state.unserved }),
    ...(hasSecondaries(zone) && state !== undefined && { secondaries: state.secondaries }),
  });
}

/** What the nameservers of its zone answer for a host. @throws AppError name-invalid */
export async function askForHost({ config, zones }: Generation, ownerName: DomainName): Promise<HostAnswers> {
  const zone = zones.find(ownerName);
  const zoneConfig = zone && config.zones.find(({ apex }) => apex.equals(zone.apex));
  if (zone === undefined || zoneConfig === undefined) {
    throw new AppError('name-invalid', `'${ownerName}' is in no zone of the configuration.`);
  }
  const { askNameservers } = await import('../doctor/host-answers.ts');
  const ownAddresses = [...machineAddresses().map(({ text }) => text), '127.0.0.1', '::1'];
  return askNameservers(zoneConfig, zone, ownerName, { ownAddresses });
}

function hasSecondaries({ primary }: ZoneConfig): boolean {
  return primary.kind === 'embedded' && primary.secondaries.length > 0;
}

function certificateFacts({ names, endMs }: ServedCertificate, isProxied: boolean): CertificateFacts {
  const hosts = names.flatMap((name) => {
    try {
      return parseHostName(name);
    } catch {
      return []; // An address.
    }
  });
  return { names: hosts, endMs, nowMs: Date.now(), machine: machineAddresses(), isProxied };
}
