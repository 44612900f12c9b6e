/**
 * `dyndns doctor`: checks the zone at its primary, the TSIG key (with an UPDATE that has a prerequisite but no edits,
 * RFC 2136 §2.4), and the clocks (RFC 8945 §5.2.3). The advice is the text of the publisher's errors, as in `dyndns
 * check`.
 */
import type { IpAddress } from '../../dns/address.ts';
import { formatEndpoint } from '../../dns/endpoint.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { type RRset, rrsetAddresses } from '../../dns/rrset.ts';
import { AppError, type ErrorCode } from '../errors.ts';
import { parseAddresses } from './addresses.ts';
import type { ClockComparison, DoctorSubject, DoctorTools, Finding } from './ports.ts';

/** Limit of nameservers that are checked. */
export const MAX_NAMESERVERS = 20;

/** Seconds. TSIG fails beyond CLOCK_PROBLEM (RFC 8945 §10). */
const CLOCK_WARNING = 60;
const CLOCK_PROBLEM = 300;

const QUERY_TIMEOUT_MS = 3000;

/** The zone as its primary serves it. */
export interface ZoneAtPrimary {
  readonly serial: number;
  readonly nameservers: readonly DomainName[];
  /** A and AAAA of the nameservers whose names are in the zone, by `DomainName.key`. */
  readonly addresses: ReadonlyMap<string, readonly IpAddress[]>;
}

export interface PrimaryCheck {
  readonly findings: readonly Finding[];
  /** Undefined if the primary does not answer. */
  readonly zone: ZoneAtPrimary | undefined;
}

export async function checkPrimary(subject: DoctorSubject, tools: DoctorTools): Promise<PrimaryCheck> {
  const findings: Finding[] = [];
  const zone = await readZone(subject, tools).catch((error: unknown) => {
    if (!(error instanceof AppError)) throw error;
    if (subject.notServed !== undefined) {
      const text = `dyndns does not serve the zone '${subject.zone}': its database has lost changes or is damaged.`;
      findings.push({ check: 'primary', status: 'problem', text, advice: subject.notServed });
      return undefined;
    }
    const embedded = subject.primary.kind === 'embedded';
    const text = embedded
      ? `The nameserver of dyndns does not answer for the zone '${subject.zone}'.`
      : `The primary does not answer for the zone '${subject.zone}'.`;
    const advice = embedded ? `Start 'dyndns serve' with this configuration. ${error.message}` : error.message;
    findings.push({ check: 'primary', status: 'problem', text, advice: sentence(advice) });
    return undefined;
  });
  if (zone !== undefined) {
    const text = `The primary ${formatPrimary(subject)} answers authoritatively: serial ${zone.serial}.`;
    findings.push({ check: 'primary', status: 'ok', text });
    if (zone.nameservers.length === 0) {
      const none = `The zone '${subject.zone}' has no NS records.`;
      const advice = 'Add one for each nameserver of the zone. Secondaries and resolvers need them.';
      findings.push({ check: 'primary', status: 'problem', text: none, advice });
    }
  }
  for (const { name, type, why } of subject.unserved ?? []) {
    findings.push({
      check: 'primary',
      status: 'warning',
      text: `The ${type} RRset of '${name}' is kept and not served: ${why}.`,
      advice: `Remove the static records in the way and reload, or discard it: 'dyndns zone discard ${subject.zone} ${name} ${type}'.`,
    });
  }
  findings.push(await checkKey(subject, tools, zone !== undefined));
  findings.push(subject.primary.kind === 'embedded' ? ONE_CLOCK : judgeClocks(await tools.compareClocks()));
  return { findings, zone };
}

/** Reads the current serial; undefined if the primary does not answer. */
export async function readSerial(subject: DoctorSubject, tools: DoctorTools): Promise<number | undefined> {
  try {
    return serialOf(await read(tools, subject.zone, RRType.SOA));
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

const ONE_CLOCK: Finding = {
  check: 'clock',
  status: 'ok',
  text: 'dyndns itself is the primary, so there is only one clock. Clients that sign an UPDATE need the same time.',
};

/** @throws AppError */
async function readZone(subject: DoctorSubject, tools: DoctorTools): Promise<ZoneAtPrimary> {
  const { zone } = subject;
  tools.progress(`querying the primary for '${zone}'`);
  const serial = serialOf(await read(tools, zone, RRType.SOA));
  if (serial === undefined)
    throw new AppError('primary-refused', `It has no SOA record at '${zone}'. Check the name of the zone.`);
  const targets = (await read(tools, zone, RRType.NS))?.rdatas ?? [];
  const nameservers = targets
    .flatMap((rdata) => (rdata.kind === 'NS' ? [rdata.target] : []))
    .sort(DomainName.compare)
    .slice(0, MAX_NAMESERVERS);
  const addresses = new Map<string, readonly IpAddress[]>();
  for (const name of nameservers) {
    if (!name.isAtOrBelow(zone)) continue;
    const [a, aaaa] = await Promise.all([read(tools, name, RRType.A), read(tools, name, RRType.AAAA)]);
    addresses.set(name.key, parseAddresses(rrsetAddresses([...(a?.rdatas ?? []), ...(aaaa?.rdatas ?? [])])));
  }
  return { serial, nameservers, addresses };
}

function read(tools: DoctorTools, ownerName: DomainName, type: number): Promise<RRset | undefined> {
  return tools.publisher.readRRset(ownerName, type, queryDeadlineMs(tools));
}

function queryDeadlineMs(tools: DoctorTools): number {
  return Math.min(tools.clock() + QUERY_TIMEOUT_MS, tools.deadlineMs);
}

function serialOf(rrset: RRset | undefined): number | undefined {
  const rdata = rrset?.rdatas[0];
  return rdata?.kind === 'SOA' ? rdata.serial : undefined;
}

const NO_UPDATE_REPLY = 'could not be tested: the primary answers queries, but not an UPDATE.';
const KEY_FAILURES: Partial<Record<ErrorCode, string>> = {
  'primary-key-rejected': 'is not accepted.',
  'primary-unreachable': NO_UPDATE_REPLY,
  'publish-unknown': NO_UPDATE_REPLY,
};

async function checkKey(
  { zone, key, keyUnread }: DoctorSubject,
  tools: DoctorTools,
  answers: boolean,
): Promise<Finding> {
  const check = 'key';
  if (key === undefined) {
    return {
      check,
      status: 'not checked',
      text: 'The zone has no TSIG key for updates, so it changes over HTTP only.',
    };
  }
  const subject = `The key ${key}`;
  if (keyUnread !== undefined) {
    const text = `${subject} could not be tested: this command may not read it (${keyUnread.replace(/\.$/, '')}).`;
    return {
      check,
      status: 'not checked',
      text,
      advice: 'Run doctor as a user who may read it (sudo), while the service runs.',
    };
  }
  if (!answers) {
    return {
      check,
      status: 'not checked',
      text: `${subject} could not be tested: the primary does not answer.`,
      advice: 'Fix the primary first.',
    };
  }
  tools.progress('testing the TSIG key');
  const soa = { kind: 'rrset-exists', ownerName: zone, type: RRType.SOA } as const;
  const change = { zone, ownerName: zone, prerequisites: [soa], edits: [] };
  try {
    await tools.publisher.publish(change, queryDeadlineMs(tools));
    const text = `${subject} is accepted for an UPDATE without edits. 'dyndns check' tests one with an edit.`;
    return { check, status: 'ok', text };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const failure = KEY_FAILURES[error.code] ?? 'may not update the zone.';
    return { check, status: 'problem', text: `${subject} ${failure}`, advice: sentence(error.message) };
  }
}

export function judgeClocks(comparison: ClockComparison): Finding {
  const check = 'clock';
  if (comparison.kind === 'unknown') {
    const text = `The clocks could not be compared: ${comparison.reason}.`;
    return { check, status: 'not checked', text };
  }
  const { aheadSeconds } = comparison;
  const difference = Math.abs(aheadSeconds);
  if (difference <= CLOCK_WARNING) {
    const result = difference === 0 ? 'agree to the second' : `differ by ${difference} s`;
    return { check, status: 'ok', text: `The clocks here and at the primary ${result}.` };
  }
  const text = `The clock here is ${difference} s ${aheadSeconds > 0 ? 'ahead of' : 'behind'} the primary's.`;
  const advice = `Synchronize both clocks by NTP. Signatures fail if they differ by more than ${CLOCK_PROBLEM} s.`;
  return { check, status: difference > CLOCK_PROBLEM ? 'problem' : 'warning', text, advice };
}

function formatPrimary({ primary }: DoctorSubject): string {
  if (primary.kind === 'embedded') return '(dyndns itself)';
  return formatEndpoint({ host: primary.address.text, port: primary.port });
}

function sentence(text: string): string {
  return /[.?!)]$/.test(text) ? text : `${text}.`;
}
