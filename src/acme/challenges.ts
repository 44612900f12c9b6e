/**
 * Publishes the TXT records of DNS-01 (RFC 8555 §8.4) in our zones. A name and its wildcard share an owner name, so an
 * RRset can have several values; foreign values are left in place. Each value is listed on disk before it is published,
 * so that the next start can remove what a crash leaves behind.
 */
import { AppError, errorText } from '../core/errors.ts';
import type { Zone, ZoneTable } from '../core/zones/zone.ts';
import { challengeName } from '../dns/challenge-name.ts';
import { DomainName } from '../dns/name.ts';
import { type Rdata, RRType } from '../dns/rdata.ts';
import { textRdata } from '../dns/rrset.ts';
import type { ZoneEdit } from '../dns/zone-change.ts';
import type { AcmeFolder, PublishedChallenge } from './folder.ts';

/** A value that the certificate authority looks up. */
export interface ChallengeValue {
  /** The host name to validate, without `*.` and final dot. */
  readonly name: string;
  /** A SHA-256 in base64url. */
  readonly value: string;
}

export interface ChallengesOptions {
  /** The zones of the current configuration. */
  readonly zones: () => ZoneTable;
  readonly folder: AcmeFolder;
  /** Resolves the CNAME at a name outside our zones; undefined: there is none. */
  readonly resolveCname: (name: DomainName) => Promise<DomainName | undefined>;
  readonly warn: (text: string) => void;
}

const TTL_SECONDS = 60;
const PUBLISH_TIMEOUT_MS = 15_000;
/** A longer chain of CNAMEs is a mistake. */
const MAX_CNAMES = 8;

export class Challenges {
  readonly #options: ChallengesOptions;

  constructor(options: ChallengesOptions) {
    this.#options = options;
  }

  /**
   * Publishes all values at the primaries.
   * @returns the zones that contain them
   * @throws AppError; `withdraw` removes what was published before the error
   */
  async publish(challenges: readonly ChallengeValue[]): Promise<readonly Zone[]> {
    const values = new Map<string, string[]>();
    for (const { name, value } of challenges) values.set(name, [...(values.get(name) ?? []), value]);
    const zones = new Set<Zone>();
    for (const [name, ofName] of values) {
      zones.add(await this.#publishAt(challengeName(DomainName.parse(name)), ofName));
    }
    return [...zones];
  }

  /**
   * Removes all listed records. Never rejects: a record that cannot be removed stays listed, and is reported as a
   * warning.
   */
  async withdraw(): Promise<void> {
    const { folder, warn } = this.#options;
    try {
      const remaining: PublishedChallenge[] = [];
      const listed = await folder.challenges();
      for (const challenge of listed) if (!(await this.#withdraw(challenge))) remaining.push(challenge);
      if (listed.length > 0) await folder.writeChallenges(remaining);
    } catch (error) {
      warn(`http.tls.acme: Challenge records of the last attempt may still be in the zone: ${reasonOf(error)}.`);
    }
  }

  async #publishAt(challenge: DomainName, values: readonly string[]): Promise<Zone> {
    const { zones, folder, resolveCname } = this.#options;
    let ownerName = challenge;
    for (let hops = 0; hops <= MAX_CNAMES; hops++) {
      const zone = zones().find(ownerName);
      let target: DomainName | undefined;
      if (zone === undefined) {
        target = await resolveCname(ownerName);
        if (target === undefined) throw outsideZones(challenge, ownerName);
      } else {
        const published = { zone: zone.apex.toString(), ownerName: ownerName.toString(), values };
        await folder.writeChallenges([...(await folder.challenges()), published]);
        const rrset = { ownerName, type: RRType.TXT, ttl: TTL_SECONDS, rdatas: values.map(textRdata) };
        if ((await change(zone, { kind: 'add-to-rrset', rrset })) === 'published') return zone;
        target = await cnameIn(zone, ownerName);
        if (target === undefined) throw new AppError('conflict', `A CNAME appeared and disappeared at '${ownerName}'.`);
      }
      ownerName = target;
    }
    throw new AppError('conflict', `The CNAME chain of '${challenge}' is longer than ${MAX_CNAMES}.`);
  }

  async #withdraw({ zone: apex, ownerName, values }: PublishedChallenge): Promise<boolean> {
    const { zones, warn } = this.#options;
    const zone = zones().findByApex(DomainName.parse(apex));
    if (zone === undefined) {
      warn(`http.tls.acme: A TXT record may still be at '${ownerName}'. '${apex}' is no longer in the configuration.`);
      return true;
    }
    const rdatas = values.map(textRdata);
    const edit = {
      kind: 'delete-from-rrset',
      ownerName: DomainName.parse(ownerName),
      type: RRType.TXT,
      rdatas,
    } as const;
    try {
      // If a CNAME was added since, the TXT records are gone.
      await change(zone, edit);
      return true;
    } catch (error) {
      warn(
        `http.tls.acme: Could not remove the challenge's TXT record at '${ownerName}': ${reasonOf(error)}. ` +
          'It is removed before the next attempt.',
      );
      return false;
    }
  }
}

/** Requires that there is no CNAME: beside one, the primary silently ignores an added record (RFC 2136 §3.4.2.2). */
function change(zone: Zone, edit: Extract<ZoneEdit, { kind: 'add-to-rrset' | 'delete-from-rrset' }>) {
  const ownerName = edit.kind === 'add-to-rrset' ? edit.rrset.ownerName : edit.ownerName;
  const prerequisites = [{ kind: 'rrset-absent', ownerName, type: RRType.CNAME }] as const;
  const deadlineMs = performance.now() + PUBLISH_TIMEOUT_MS;
  return zone.publisher.publish({ zone: zone.apex, ownerName, prerequisites, edits: [edit] }, deadlineMs);
}

async function cnameIn(zone: Zone, ownerName: DomainName): Promise<DomainName | undefined> {
  const deadlineMs = performance.now() + PUBLISH_TIMEOUT_MS;
  const rrset = await zone.publisher.readRRset(ownerName, RRType.CNAME, deadlineMs);
  const isCname = (rdata: Rdata): rdata is Extract<Rdata, { target: DomainName }> & { kind: 'CNAME' } =>
    rdata.kind === 'CNAME';
  return rrset?.rdatas.find(isCname)?.target;
}

function outsideZones(challenge: DomainName, end: DomainName): AppError {
  const target = challenge.equals(end) ? '' : ` (a CNAME to '${end}')`;
  return new AppError(
    'name-invalid',
    `'${challenge}'${target} is not in a zone of this server. Remove the name from http.tls.acme.names, or make the challenge a CNAME into a zone of this server.`,
  );
}

/** Without a final dot, for the middle of a sentence. */
export function reasonOf(error: unknown): string {
  const text = errorText(error);
  return text.replace(/\.$/, '');
}
