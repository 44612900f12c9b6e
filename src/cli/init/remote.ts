/** `dyndns init` for a zone on a remote primary: the configuration, and the lines for BIND, Knot and PowerDNS. */
import { randomBytes } from 'node:crypto';
import type { IpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { programCall, UsageError } from '../output.ts';
import type { Ask } from './questions.ts';

export const PRIMARIES = ['bind', 'knot', 'powerdns'] as const;
export type PrimaryKind = (typeof PRIMARIES)[number];

export interface InitPlan {
  /** The configuration file. */
  readonly text: string;
  /** The next steps. @param file as in the command */
  advice(file: string): string;
}

/** @throws UsageError */
export async function planRemoteZone(
  zone: DomainName,
  nameserver: IpAddress,
  primary: string | undefined,
  secret: string,
  ask: Ask,
): Promise<InitPlan> {
  const kind = parsePrimary(
    primary ?? (await ask(`Software of the primary (${PRIMARIES.join(', ')})`, 'bind', '--primary')),
  );
  const name = zone.toString().slice(0, -1);
  const key = randomBytes(64).toString('base64');
  return {
    text: `---
# All options: docs/configuration.md
secret: '${secret}'
nameserver: '${nameserver.text}'
check: authenticated
zones:
  - name: '${name}'
    tsig_key: '${key}'
`,
    advice: (file) =>
      `${PRIMARY_ADVICE[kind](name, key)}
Then:

  ${programCall()} --config ${file} check
  ${programCall()} --config ${file} serve
`,
  };
}

function parsePrimary(text: string): PrimaryKind {
  const kind = PRIMARIES.find((candidate) => candidate === text.toLowerCase());
  if (kind === undefined) throw new UsageError(`'${text}' is not one of ${PRIMARIES.join(', ')}.`);
  return kind;
}

const PRIMARY_ADVICE: Record<PrimaryKind, (zone: string, key: string) => string> = {
  bind: (zone, key) => `Add to /etc/bind/named.conf.local, then: rndc reconfig

  key "${zone}" {
    algorithm hmac-sha512;
    secret "${key}";
  };
  zone "${zone}" {
    type primary;
    file "/var/lib/bind/${zone}.zone";
    allow-update { key "${zone}"; };
  };

A new zone needs its zone file first: copy deploy/bind/dyndns.example.com.zone.
`,
  knot: (zone, key) => `Add to /etc/knot/knot.conf, then: knotc reload

  key:
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

A new zone needs its zone file first: copy deploy/bind/dyndns.example.com.zone.
`,
  powerdns: (zone, key) => `Set dnsupdate=yes and the cache TTLs to 0 in pdns.conf (docs/operating/powerdns.md), then:

  pdnsutil import-tsig-key ${zone} hmac-sha512 '${key}'
  pdnsutil set-meta ${zone} TSIG-ALLOW-DNSUPDATE ${zone}
  pdnsutil set-meta ${zone} ALLOW-DNSUPDATE-FROM 127.0.0.0/8
`,
};
