/** What the nameservers of a zone answer for a host, beside what was asked for. */
import type { DomainName } from '../../dns/name.ts';
import { FAMILIES, type Family, sameAddresses } from './family.ts';
import type { AddressSet } from './publisher.ts';

/** `nameserver`: it is in the NS records of the zone, and not in the configuration. */
export type ServerRole = 'this-server' | 'primary' | 'secondary' | 'nameserver';

export interface QueriedServer {
  /** `address:port`, or words where it has none. */
  readonly server: string;
  readonly role: ServerRole;
  /** The name of the nameserver, if it is known by one. */
  readonly name?: string;
}

export interface ServerAnswer extends QueriedServer {
  /** Without addresses: it answers that there are none. */
  readonly A?: AddressSet;
  readonly AAAA?: AddressSet;
  /** The SOA serial of the zone. */
  readonly serial?: number;
  readonly milliseconds?: number;
  /** Why there is no answer, or none of a family: a full sentence. */
  readonly problem?: string;
}

export interface HostAnswers {
  readonly zone: DomainName;
  readonly zoneKind: 'embedded' | 'remote';
  readonly servers: readonly ServerAnswer[];
}

export type WantedTexts = Partial<Readonly<Record<Family, readonly string[]>>>;

/** Whether the answer has what was asked for; undefined: one of both is not known. */
export function agrees(answer: Pick<ServerAnswer, 'A' | 'AAAA'>, wanted: WantedTexts): boolean | undefined {
  const compared = FAMILIES.flatMap((family) => {
    const [asked, answered] = [wanted[family], answer[family]];
    return asked === undefined || answered === undefined
      ? []
      : [sameAddresses([...asked].sort(), [...answered.addresses].sort())];
  });
  return compared.length === 0 ? undefined : compared.every((isSame) => isSame);
}
