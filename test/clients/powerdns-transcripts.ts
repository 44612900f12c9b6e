/**
 * Requests of clients of the PowerDNS API that no Debian package has, octet by octet, and how each of them reads the
 * replies. As data, taken from the published sources; the same transcripts are played on a real PowerDNS.
 *
 * A transcript ends with the records that were there before it.
 */
import { acmeSh, certbot, lego } from './powerdns/acme-clients.ts';
import { caddy, dnscontrol, EXTERNAL_DNS, OLD_EXTERNAL_DNS } from './powerdns/go-libraries.ts';
import type { PowerdnsTranscript } from './powerdns/reading.ts';
import { curl, wgetPut, ZONE_PATH } from './powerdns/wire.ts';
import { octodns, proxmox, terraform } from './powerdns/zone-tools.ts';

export const POWERDNS_TRANSCRIPTS: readonly PowerdnsTranscript[] = [
  acmeSh('acme.sh 3.1.4 with curl', '11de3aed51b42dcbbaeb64b099ce6f4930593b1a', false, () =>
    curl('PUT', `${ZONE_PATH}/notify`),
  ),
  acmeSh('acme.sh that asks for each zone; notify by wget', '133f0a886674a4a7cbcbd7b17198c99ecb01309b', true, () =>
    wgetPut(`${ZONE_PATH}/notify`),
  ),
  lego(),
  EXTERNAL_DNS,
  OLD_EXTERNAL_DNS,
  octodns(),
  dnscontrol(),
  caddy(),
  terraform(),
  certbot(),
  proxmox(),
];
