/** What the operator of a remote primary adds to its configuration, so that the key may update the zone: for BIND, Knot and PowerDNS. */

export const PRIMARIES = ['bind', 'knot', 'powerdns'] as const;
export type PrimaryKind = (typeof PRIMARIES)[number];

export function isPrimaryKind(text: string): text is PrimaryKind {
  return (PRIMARIES as readonly string[]).includes(text);
}

export interface PrimaryLines {
  /** Where to add the lines, a sentence without its full stop. */
  readonly place: string;
  /** To be copied as they are. */
  readonly lines: string;
  /** What else it needs; a sentence, or empty. */
  readonly also: string;
}

/** @param zone without its final dot; the name of the key, too @param key hmac-sha512, base64 */
export function primaryLines(kind: PrimaryKind, zone: string, key: string): PrimaryLines {
  return PRIMARY_LINES[kind](zone, key);
}

const NEW_ZONE = 'A new zone needs its zone file first: copy deploy/bind/dyndns.example.com.zone.';

const PRIMARY_LINES: Record<PrimaryKind, (zone: string, key: string) => PrimaryLines> = {
  bind: (zone, key) => ({
    place: 'Add to /etc/bind/named.conf.local, then: rndc reconfig',
    lines: `key "${zone}" {
  algorithm hmac-sha512;
  secret "${key}";
};
zone "${zone}" {
  type primary;
  file "/var/lib/bind/${zone}.zone";
  allow-update { key "${zone}"; };
};
`,
    also: NEW_ZONE,
  }),
  knot: (zone, key) => ({
    place: 'Add to /etc/knot/knot.conf, then: knotc reload',
    lines: `key:
  - id: ${zone}
    algorithm: hmac-sha512
    secret: ${key}
acl:
  - id: update-${zone}
    key: ${zone}
    action: update
zone:
  - domain: ${zone}
    acl: update-${zone}
`,
    also: NEW_ZONE,
  }),
  powerdns: (zone, key) => ({
    place: 'Set dnsupdate=yes and the cache TTLs to 0 in pdns.conf (docs/operating/powerdns.md), then:',
    lines: `pdnsutil import-tsig-key ${zone} hmac-sha512 '${key}'
pdnsutil set-meta ${zone} TSIG-ALLOW-DNSUPDATE ${zone}
pdnsutil set-meta ${zone} ALLOW-DNSUPDATE-FROM 127.0.0.0/8
`,
    also: '',
  }),
};
