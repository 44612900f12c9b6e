/**
 * The TXT records of DNS-01 (RFC 8555 §8.4) in our own zones. Several values stand side by side, for a name and its
 * wildcard have the same owner name; values of others are left alone. What is published is noted on disk before, so that a
 * crash leaves nothing behind for longer than until the next start.
 */
import { AppError } from '../core/errors.ts';
import type { Zone, ZoneTable } from '../core/zones/zone.ts';
import { challengeName } from '../dns/challenge-name.ts';
import { DomainName } from '../dns/name.ts';
import { type Rdata, RRType } from '../dns/rdata.ts';
import { textRdata } from '../dns/rrset.ts';
import type { ZoneEdit } from '../dns/zone-change.ts';
import type { AcmeFolder, PublishedChallenge } from './folder.ts';

/** What an authority wants to see. */
export interface ChallengeValue {
  /** The host name that is proved, without `*.` and final dot. */
  readonly name: string;
  /** Base64url of a SHA-256. */
  readonly value: string;
}

export interface ChallengesOptions {
  /** Those of the configuration that is in force. */
  readonly zones: () => ZoneTable;
  readonly folder: AcmeFolder;
  /** The target of the CNAME at a name outside of our zones, as resolvers see it; undefined where there is none. */
  readonly resolveCname: (name: DomainName) => Promise<DomainName | undefined>;
  readonly warn: (text: string) => void;
}

const TTL_SECONDS = 60;
const PUBLISH_TIMEOUT_MS = 15_000;
/** Longer chains of CNAMEs are mistakes. */
const MAX_CNAMES = 8;

export class Challenges {
  readonly #options: ChallengesOptions;

  constructor(options: ChallengesOptions) {
    this.#options = options;
  }

  /**
   * Makes all values visible at the primaries.
   * @returns the zones in which they lie
   * @throws AppError; what is published by then is for `withdraw` to take away
   */
  async publish(challenges: readonly ChallengeValue[]): Promise<readonly Zone[]> {
    const values = new Map<string, string[]>();
    for (const { name, value } of challenges) values.set(name, [...(values.get(name) ?? []), value]);
    const zones = new Set<Zone>();
    for (const [name, own] of values) {
      zones.add(await this.#publishAt(challengeName(DomainName.parse(name)), own));
    }
    return [...zones];
  }

  /** Takes away what is noted. Never rejects: what could not be taken away stays noted, and a warning says so. */
  async withdraw(): Promise<void> {
    const { folder, warn } = this.#options;
    try {
      const left: PublishedChallenge[] = [];
      const noted = await folder.challenges();
      for (const challenge of noted) if (!(await this.#withdraw(challenge))) left.push(challenge);
      if (noted.length > 0) await folder.writeChallenges(left);
    } catch (error) {
      warn(`http.tls.acme: records of the last attempt may be left in the zone: ${reasonOf(error)}.`);
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
        if (target === undefined) throw inNoZone(challenge, ownerName);
      } else {
        const note = { zone: zone.apex.toString(), ownerName: ownerName.toString(), values };
        await folder.writeChallenges([...(await folder.challenges()), note]);
        const rrset = { ownerName, type: RRType.TXT, ttl: TTL_SECONDS, rdatas: values.map(textRdata) };
        if ((await change(zone, { kind: 'add-to-rrset', rrset })) === 'published') return zone;
        target = await cnameIn(zone, ownerName);
        if (target === undefined) throw new AppError('conflict', `There was a CNAME at '${ownerName}' for a moment.`);
      }
      ownerName = target;
    }
    throw new AppError('conflict', `More than ${MAX_CNAMES} CNAMEs lead away from '${challenge}'.`);
  }

  async #withdraw({ zone: apex, ownerName, values }: PublishedChallenge): Promise<boolean> {
    const { zones, warn } = this.#options;
    const zone = zones().findByApex(DomainName.parse(apex));
    if (zone === undefined) {
      warn(`http.tls.acme: a record of TXT may be left at '${ownerName}': '${apex}' is no zone of ours any more.`);
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
      // A CNAME that has come meanwhile has no TXT beside it.
      await change(zone, edit);
      return true;
    } catch (error) {
      warn(
        `http.tls.acme: the TXT of the challenge at '${ownerName}' could not be taken away, and will be later: ` +
          `${reasonOf(error)}.`,
      );
      return false;
    }
  }
}

/** RFC 2136 §3.4.2.2 passes over what is added beside a CNAME without a word: so it must not be there. */
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

function inNoZone(challenge: DomainName, end: DomainName): AppError {
  const way = challenge.equals(end) ? '' : ` (through CNAMEs to '${end}')`;
  return new AppError(
    'name-invalid',
    `'${challenge}'${way} lies in no zone of this server: leave the name out of http.tls.acme.names, or make it a CNAME into one.`,
  );
}

/** Without a final dot, for the middle of a sentence. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\.$/, '');
}
