/** ParentZone over the network: what the parent of a signed zone shows, and NOTIFY(CDS) to it (RFC 9859 §4.2). */

import { findAddresses } from '../core/doctor/addresses.ts';
import { findDsync, readParentDs } from '../core/doctor/parent-ds.ts';
import { errorText } from '../core/errors.ts';
import type { ParentReport, ParentZone } from '../core/zones/parent-zone.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import type { DomainName } from '../dns/name.ts';
import { RRClass, RRType } from '../dns/rdata.ts';
import { encodeMessage, formatRcode, makeMessage, Opcode, Rcode } from '../dns/wire/message.ts';
import { type Endpoint, ExchangeError } from '../net/exchange.ts';
import { UdpExchanger } from '../net/udp.ts';
import { NameserverLookup } from './nameserver-lookup.ts';
import { systemResolvers } from './resolvers.ts';

/** Time limit of one check. */
const RUN_MS = 30_000;
const NOTIFY_TIMEOUT_MS = 10_000;

export interface ParentZoneOptions {
  /** Default: those of the system at each check. */
  readonly resolvers?: readonly Endpoint[];
  /** Port of the nameservers of the parent: 53, except in a laboratory. */
  readonly nameserverPort?: number;
}

export class NetworkParentZone implements ParentZone {
  readonly #options: ParentZoneOptions;

  constructor(options: ParentZoneOptions = {}) {
    this.#options = options;
  }

  async readDs(zone: DomainName): Promise<ParentReport> {
    try {
      return await readParentDs(zone, this.#lookup());
    } catch (error) {
      return { kind: 'unknown', reason: errorText(error) };
    }
  }

  async notifyCds(zone: DomainName): Promise<readonly string[]> {
    try {
      const lookup = this.#lookup();
      const failures: string[] = [];
      for (const { target, port } of await findDsync(zone, lookup)) {
        const [address] = (await findAddresses(lookup, target)).addresses;
        const failure =
          address === undefined ? 'it has no address' : await sendNotify(zone, { host: address.text, port });
        if (failure !== undefined) failures.push(`NOTIFY to ${target}: ${failure}.`);
      }
      return failures;
    } catch (error) {
      return [`${errorText(error)}.`];
    }
  }

  #lookup(): NameserverLookup {
    const { resolvers = systemResolvers(), nameserverPort = 53 } = this.#options;
    return new NameserverLookup({ resolvers, nameserverPort, deadlineMs: performance.now() + RUN_MS });
  }
}

/** @returns why it was not accepted */
async function sendNotify(zone: DomainName, endpoint: Endpoint): Promise<string | undefined> {
  const questions = [{ qname: zone, qtype: RRType.CDS, qclass: RRClass.IN }];
  const notify = makeMessage({ opcode: Opcode.NOTIFY, authoritative: true, questions });
  const exchanger = new UdpExchanger(endpoint);
  try {
    const deadlineMs = performance.now() + NOTIFY_TIMEOUT_MS;
    const { message } = await exchanger.exchange((id) => encodeMessage({ ...notify, id }), deadlineMs);
    if (message.rcode === Rcode.NOERROR) return undefined;
    return `${formatEndpoint(endpoint)} answers ${formatRcode(message.rcode)}`;
  } catch (error) {
    if (error instanceof ExchangeError) return error.message;
    throw error;
  } finally {
    exchanger.close();
  }
}
