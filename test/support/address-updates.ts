/** Address updates as a client with the master secret makes them, of hosts without settings: for tests that need no history. */
import { MASTER } from '../../src/core/access/principal.ts';
import type { HostToken } from '../../src/core/access/token.ts';
import type { MemberMove } from '../../src/core/hosts/site.ts';
import type { Clock } from '../../src/core/timers.ts';
import type { PendingUpdates } from '../../src/core/updates/pending-updates.ts';
import { type AddressChoice, type CheckedUpdate, prepareUpdate } from '../../src/core/updates/prepare-update.ts';
import { type AddressUpdate, namesOf, UpdateAddresses } from '../../src/core/updates/update-addresses.ts';
import { type UpdateLimits, UpdateQueue } from '../../src/core/updates/update-queue.ts';
import { FAMILIES } from '../../src/core/zones/family.ts';
import type { Zone } from '../../src/core/zones/zone.ts';
import type { DomainName } from '../../src/dns/name.ts';

export interface TestUpdate extends AddressChoice {
  readonly zone: Zone;
  readonly ownerName: DomainName;
  /** Seconds; 60 if absent. */
  readonly fallbackTtl?: number;
  readonly members?: readonly MemberMove[];
  /** Whose rule for addresses applies. */
  readonly token?: HostToken;
}

export function testQueue(limits: UpdateLimits, clock: Clock = () => performance.now()): UpdateQueue {
  return new UpdateQueue(() => limits, clock);
}

export class AddressUpdates {
  readonly queue: UpdateQueue;
  readonly updates: UpdateAddresses;

  constructor(queue: UpdateLimits | UpdateQueue, pending?: PendingUpdates) {
    this.queue = queue instanceof UpdateQueue ? queue : testQueue(queue);
    this.updates = new UpdateAddresses(this.queue, pending);
  }

  get waiting(): number {
    return this.queue.waiting;
  }

  async run(request: TestUpdate): Promise<AddressUpdate> {
    const update = this.#prepare(request);
    return this.queue.run(namesOf(update), (deadlineMs) => this.updates.publish(update, deadlineMs));
  }

  /** Several updates of one zone as one change. */
  async runAll(requests: readonly TestUpdate[]): Promise<readonly PromiseSettledResult<AddressUpdate>[]> {
    const updates = requests.map((request) => this.#prepare(request));
    return this.queue.run(updates.flatMap(namesOf), (deadlineMs) => this.updates.publishAll(updates, deadlineMs));
  }

  #prepare(request: TestUpdate): CheckedUpdate {
    const { zone, ownerName, fallbackTtl = 60, members = [], token, ...choice } = request;
    const principal = token === undefined ? MASTER : ({ kind: 'token', token } as const);
    const prepared = prepareUpdate(
      { zone, ownerName, families: FAMILIES },
      { principal, caller: undefined, origin: 'client' },
      choice,
      { policies: [zone.addresses], hostTtl: undefined, fallbackTtl },
    );
    return { ...prepared, members };
  }
}
