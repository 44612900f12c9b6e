/**
 * BIND and Knot with the zone of the differential test, configured to behave like our server: minimal responses, minimal
 * ANY (RFC 8482), 1232 octets over UDP, no recursion, no version.
 */
import { startBind } from '../support/bind.ts';
import { startKnot } from '../support/knot.ts';
import type { PrimaryServer } from '../support/primary-server.ts';
import { type SoaText, ZONE, zoneRecords } from './zone.ts';

const BIND_OPTIONS = `
  minimal-responses yes;
  minimal-any yes;
  zero-no-soa-ttl no;
  rrset-order { order none; };
  answer-cookie no;
  version none;
  hostname none;
  server-id none;
  max-udp-size 1232;
  edns-udp-size 1232;
  tcp-clients 200;
`;

export function startDifferentialBind(soa: SoaText): Promise<PrimaryServer> {
  return startDifferentialBindWith(zoneRecords(soa));
}

/** @param records a zone file */
export function startDifferentialBindWith(records: string): Promise<PrimaryServer> {
  return startBind({
    zones: [{ name: ZONE, records }],
    keys: [],
    configure: (config) =>
      config
        .replace('recursion no;', `recursion no;${BIND_OPTIONS}`)
        .replace('type primary;', 'type primary;\n  check-names ignore;\n  check-integrity no;')
        .replace(/allow-(update|transfer) \{\s*\};/g, 'allow-$1 { none; };'),
  });
}

export function startDifferentialKnot(soa: SoaText): Promise<PrimaryServer> {
  return startKnot({
    zones: [{ name: ZONE, records: zoneRecords(soa) }],
    keys: [],
    configure: (config) =>
      config
        .replace('server:\n', 'server:\n    udp-max-payload: 1232\n')
        .replace('key:\nacl:\n  - id: acl0\n    key: []\n    action: [update, transfer]\n', '')
        .replace('    acl: acl0\n', '    semantic-checks: off\n'),
  });
}
