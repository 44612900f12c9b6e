/** `dyndns init` for a zone on a remote primary: the configuration, and the lines for BIND, Knot and PowerDNS. */

import { storeUrl } from '../../config/kinds/urls.ts';
import type { IpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { UsageError } from '../output.ts';
import type { HttpsPlan } from './https.ts';
import { type Ask, flagOr } from './questions.ts';

export const PRIMARIES = ['bind', 'knot', 'powerdns'] as const;
export type PrimaryKind = (typeof PRIMARIES)[number];

export interface InitPlan {
  /** The configuration file. */
  readonly text: string;
  /** The next steps. @param next the command that starts the server @param check the one that tries an update */
  advice(next: string, check: string): string;
}

export interface RemoteSurroundings {
  readonly https: HttpsPlan | undefined;
  /** For the certificate of HTTPS. */
  readonly store: string;
  /** As YAML: the secret, or its file. */
  readonly secret: string;
  /** The base64 text, and the same as YAML, or its file. */
  readonly key: string;
  readonly keyYaml: string;
}

/** @throws UsageError */
export async function planRemoteZone(
  zone: DomainName,
  nameserver: IpAddress,
  primary: string | undefined,
  { https, store, secret, key, keyYaml }: RemoteSurroundings,
  ask: Ask,
): Promise<InitPlan> {
  const kind = await flagOr(
    primary,
    {
      flag: '--primary',
      text: `Software of the primary (${PRIMARIES.join(', ')})`,
      preset: 'bind',
      read: parsePrimary,
    },
    ask,
  );
  const name = zone.toString().slice(0, -1);
  const data =
    https === undefined ? '' : `${https.yaml(undefined)}store: ${storeUrl.format({ kind: 'sqlite', path: store })}\n`;
  return {
    text: `---
# All options: docs/configuration.md
secret: ${secret}
nameserver: '${nameserver.text}'
check: authenticated
${data}zones:
  - name: '${name}'
    tsig_key: ${keyYaml}
`,
    advice: (next, check) =>
      `${PRIMARY_ADVICE[kind](name, key)}${https === undefined ? '' : https.recordsAdvice()}
Then:

  ${check}
  ${next}
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
