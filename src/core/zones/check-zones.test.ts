// The update check on zones in memory: it leaves nothing behind, is shared while it runs, and names what failed.
import { expect, it } from 'vitest';
import { MemoryPublisher, MemoryZone } from '../../../test/support/memory-publisher.ts';
import { DomainName } from '../../dns/name.ts';
import type { RRset } from '../../dns/rrset.ts';
import type { ZoneChange } from '../../dns/zone-change.ts';
import { AppError } from '../errors.ts';
import { CHECK_CACHE_MS, CheckZones, checkZone } from './check-zones.ts';
import type { PublishOutcome } from './publisher.ts';
import type { Zone } from './zone.ts';

class WatchedPublisher extends MemoryPublisher {
  readonly changes: ZoneChange[] = [];
  blind = false;

  override publish(change: ZoneChange, deadlineMs: number): Promise<PublishOutcome> {
    this.changes.push(change);
    return super.publish(change, deadlineMs);
  }

  override async readRRset(ownerName: DomainName, type: number, deadlineMs: number): Promise<RRset | undefined> {
    return this.blind ? undefined : super.readRRset(ownerName, type, deadlineMs);
  }
}

let nowMs = 0;
const clock = () => nowMs;

function setUp(name = 'example.com') {
  const apex = DomainName.parse(name);
  const model = new MemoryZone(apex);
  const publisher = new WatchedPublisher(model, clock);
  const none = { apexAllowed: false, wildcardAllowed: false, reserved: new Set<string>() };
  const addresses = { allow: [], deny: [] };
  const zone: Zone = { apex, publisher, ttl: {}, ...none, addresses, emptyValue: 'keep' };
  return { model, publisher, zone };
}

it('writes a record under a random name, reads it back and removes it', async () => {
  const { model, publisher, zone } = setUp();
  const result = await checkZone(zone, 1000, clock);
  expect(result).toMatchObject({ kind: 'passed', text: expect.stringMatching(/^[0-9a-f]{8}$/) });
  expect(publisher.changes.map(({ edits }) => edits[0]?.kind)).toEqual(['replace-rrset', 'delete-rrset']);
  expect(model.contents()).toEqual([]);
  expect(model.serial).toBe(3);
  const again = await checkZone(zone, 1000, clock);
  expect(publisher.changes[0]!.ownerName.equals(publisher.changes[2]!.ownerName)).toBe(false);
  expect(again).not.toEqual(result);
});

it('fails, and removes the record, when the primary does not answer with what it confirmed', async () => {
  const { model, publisher, zone } = setUp();
  publisher.blind = true;
  expect(await checkZone(zone, 1000, clock)).toMatchObject({
    kind: 'failed',
    error: { code: 'check-failed', message: expect.stringMatching(/without a cache/) },
  });
  expect(model.contents()).toEqual([]);
});

it('removes the record when it cannot be read back, or when it is not known whether it was written', async () => {
  const { model, publisher, zone } = setUp();
  publisher.readRRset = () => Promise.reject(new AppError('primary-unreachable', 'no answer'));
  const unread = await checkZone(zone, 1000, clock);
  expect(unread).toMatchObject({ error: { code: 'check-failed', message: expect.stringMatching(/no answer/) } });
  expect(model.contents()).toEqual([]);

  const publish = publisher.publish.bind(publisher);
  publisher.publish = async (change, deadlineMs) => {
    const outcome = await publish(change, deadlineMs);
    if (change.edits[0]?.kind === 'replace-rrset') throw new AppError('publish-unknown', 'no reply');
    return outcome;
  };
  expect(await checkZone(zone, 1000, clock)).toMatchObject({ error: { code: 'publish-unknown' } });
  expect(model.contents()).toEqual([]);
});

it('a zone whose name leaves no room for a record fails, and says so', async () => {
  const { zone } = setUp(`${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(60)}`);
  expect(await checkZone(zone, 1000, clock)).toMatchObject({ kind: 'failed', error: { code: 'name-invalid' } });
});

it('tries all zones though one fails, and gives the results in their order', async () => {
  const [first, second, third] = [setUp('a.example'), setUp('b.example'), setUp('c.example')];
  second.publisher.close();
  const results = await new CheckZones(() => 1000, clock).run([first.zone, second.zone, third.zone]);
  expect(results.map(({ kind, zone }) => `${zone} ${kind}`)).toEqual([
    'a.example. passed',
    'b.example. failed',
    'c.example. passed',
  ]);
});

it('is shared by all callers while it runs, and cached for 30 seconds', async () => {
  const { publisher, zone } = setUp();
  const checks = new CheckZones(() => 1000, clock);
  const both = await Promise.all([checks.run([zone]), checks.run([zone])]);
  expect(both[0]).toEqual(both[1]);
  nowMs += CHECK_CACHE_MS - 1;
  expect(await checks.run([zone])).toEqual(both[0]);
  expect(publisher.changes).toHaveLength(2);
  nowMs += 2;
  expect(await checks.run([zone])).not.toEqual(both[0]);
  expect(publisher.changes).toHaveLength(4);
  // A reload makes another one.
  await new CheckZones(() => 1000, clock).run([zone]);
  expect(publisher.changes).toHaveLength(6);
});
