/**
 * ZonePublisher for a zone that this server is the primary of: edits the zone's draft directly; the change is published
 * when its transaction is on disk.
 *
 * Reads use the draft, which includes changes in flight: a change that depends on one of them is confirmed after it, or
 * fails with it.
 */
import { AppError } from '../../core/errors.ts';
import type {
  AddressSet,
  PublishedAddresses,
  PublishOutcome,
  ReadOutcome,
  ZonePublisher,
} from '../../core/zones/publisher.ts';
import { formatIpv6 } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { formatRRType, RRType } from '../../dns/rdata.ts';
import type { RRset } from '../../dns/rrset.ts';
import { changedNames, ownerOfEdit, type ZoneChange, type ZoneEdit } from '../../dns/zone-change.ts';
import type { Committer } from '../journal/committer.ts';
import { ZoneWriter } from '../journal/zone-writer.ts';
import type { DraftMark, ZoneDraft } from '../zone/draft.ts';
import { applyEdits, checkPrerequisites } from '../zone/edit.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { overLimits, type ZoneLimits } from '../zone/limits.ts';
import { cutAbove, newlyOccluded } from '../zone/occlusion.ts';
import { findRRset, type ZoneNode } from '../zone/zone-node.ts';
import { nameOf, parentKey, rrsetOf } from '../zone/zone-version.ts';

const NO_ADDRESSES: AddressSet = { addresses: [], ttl: 0 };
const NOTHING: PublishedAddresses = { A: NO_ADDRESSES, AAAA: NO_ADDRESSES };

export class EmbeddedPublisher implements ZonePublisher {
  readonly #zone: EmbeddedZone;
  readonly #writer: ZoneWriter;
  readonly #limits: ZoneLimits;
  #closed = false;

  constructor(zone: EmbeddedZone, committer: Committer, limits: ZoneLimits) {
    this.#zone = zone;
    this.#limits = limits;
    this.#writer = new ZoneWriter(zone, committer);
  }

  /** The zone is in memory. Undefined only at an occluded name, for which `read` has the reason. */
  recall(ownerName: DomainName): PublishedAddresses | undefined {
    const { draft } = this.#zone;
    const node = draft.find(ownerName.key);
    if (occludedBy(draft, ownerName, node) !== undefined) return undefined;
    return node === undefined ? NOTHING : addressesOf(node);
  }

  /** The name's own addresses, never a wildcard's. */
  async read(ownerName: DomainName, deadlineMs: number): Promise<ReadOutcome> {
    this.#checkOpen(deadlineMs);
    const { draft } = this.#zone;
    const node = draft.find(ownerName.key);
    const by = occludedBy(draft, ownerName, node);
    if (by !== undefined) return { kind: 'occluded', by };
    const source = node ?? wildcardFor(draft, ownerName.key);
    if (source !== undefined && findRRset(source, RRType.CNAME) !== undefined) return { kind: 'cname' };
    return { kind: 'addresses', published: node === undefined ? NOTHING : addressesOf(node) };
  }

  /** The name's own RRset, never a wildcard's. */
  async readRRset(ownerName: DomainName, type: number, deadlineMs: number): Promise<RRset | undefined> {
    this.#checkOpen(deadlineMs);
    const rrset = this.#zone.draft.findRRset(ownerName.key, type);
    return rrset && rrsetOf(ownerName, rrset);
  }

  async publish(change: ZoneChange, deadlineMs: number): Promise<PublishOutcome> {
    this.#checkOpen(deadlineMs);
    const { apex } = this.#zone;
    const outside = changedNames(change).find((ownerName) => !ownerName.isAtOrBelow(apex));
    if (outside !== undefined) {
      throw new AppError('internal', `The name '${outside}' is not in the zone '${apex}'.`);
    }
    return this.#writer.change((draft) => {
      if (checkPrerequisites(draft, change.prerequisites) !== 'hold') return 'stale';
      for (const edit of change.edits) this.#checkDynamic(edit);
      const mark = draft.mark();
      applyEdits(draft, change.edits);
      checkResult(mark, draft, change.edits, this.#limits);
      return 'published';
    }, deadlineMs);
  }

  close(): void {
    this.#closed = true;
  }

  /** @throws AppError conflict if the edit changes data that the configuration sets */
  #checkDynamic(edit: ZoneEdit): void {
    const { ownerName, type } = 'rrset' in edit ? edit.rrset : { type: undefined, ...edit };
    const { key } = ownerName;
    if (type === undefined ? !this.#zone.hasStaticData(key) : !this.#zone.isStatic(key, type)) return;
    const what = type === undefined ? 'data' : `${formatRRType(type)} records`;
    throw new AppError(
      'conflict',
      `The ${what} of '${ownerName}' are set by the configuration. Change them in 'records' of the zone.`,
    );
  }

  #checkOpen(deadlineMs: number): void {
    if (this.#closed) throw new AppError('primary-unreachable', 'This server is stopping. Nothing was changed.');
    if (performance.now() >= deadlineMs) {
      throw new AppError(
        'primary-unreachable',
        'The request timed out before the change was started. Nothing was changed.',
      );
    }
  }
}

/** @throws AppError address-refused or conflict if the zone may not become as the edits make it */
function checkResult(before: DraftMark, draft: ZoneDraft, edits: readonly ZoneEdit[], limits: ZoneLimits): void {
  const keys = edits.map((edit) => ownerOfEdit(edit).key);
  const tooLarge = overLimits(before, draft, keys, limits);
  if (tooLarge !== undefined) throw new AppError('address-refused', `Nothing was changed: ${tooLarge}.`);
  const why = newlyOccluded(before, draft, keys);
  if (why !== undefined) throw new AppError('conflict', `Nothing was changed: ${why}.`);
}

/** Glue counts as occluded: a host that changes by HTTP is none of another zone's nameservers. */
function occludedBy(draft: ZoneDraft, { key }: DomainName, node: ZoneNode | undefined): string | undefined {
  if (draft.cuts === 0) return undefined;
  const isDelegated = node !== undefined && key !== draft.apex.key && findRRset(node, RRType.NS) !== undefined;
  const cut = cutAbove(draft, key) ?? (isDelegated ? node : undefined);
  if (cut === undefined) return undefined;
  return findRRset(cut, RRType.DNAME) === undefined
    ? `the name '${nameOf(cut.wireText)}' is delegated to other nameservers`
    : `a DNAME record is at '${nameOf(cut.wireText)}'`;
}

/** The wildcard that covers a name that does not exist (RFC 4592 §3.3.1): the one below its closest encloser. */
function wildcardFor(draft: ZoneDraft, key: string): ZoneNode | undefined {
  const apexKey = draft.apex.key;
  let encloser = key;
  while (encloser !== apexKey && !draft.nodes.has(encloser)) encloser = parentKey(encloser);
  return draft.find(`\x01*${encloser}`);
}

/** @param node undefined: the name does not exist */
export function addressesOf(node: ZoneNode | undefined): PublishedAddresses {
  if (node === undefined) return NOTHING;
  return { A: addressSet(node, RRType.A), AAAA: addressSet(node, RRType.AAAA) };
}

function addressSet(node: ZoneNode, type: typeof RRType.A | typeof RRType.AAAA): AddressSet {
  const rrset = findRRset(node, type);
  if (rrset === undefined) return NO_ADDRESSES;
  const format = type === RRType.A ? ipv4Text : ipv6Text;
  const { rdatas, ttl } = rrset;
  if (rdatas.length === 1) return { addresses: [format(rdatas[0]!)], ttl };
  return { addresses: rdatas.map(format).sort(), ttl };
}

function ipv4Text(rdata: string): string {
  return `${rdata.charCodeAt(0)}.${rdata.charCodeAt(1)}.${rdata.charCodeAt(2)}.${rdata.charCodeAt(3)}`;
}

function ipv6Text(rdata: string): string {
  return formatIpv6(Buffer.from(rdata, 'latin1'));
}
