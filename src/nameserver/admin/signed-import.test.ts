/** Imports into a signed zone: how much one commit signs, and that other changes get through between. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../../test/support/edited-zone.ts';
import { APEX, address, at, LargeZone } from '../../../test/support/large-zone.ts';
import { keyStoreOf } from '../../../test/support/signed-database.ts';
import { signingFaults } from '../../../test/support/signed-zone.ts';
import { RRType } from '../../dns/rdata.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { isCut } from '../zone/zone-version.ts';
import { EmbeddedZoneAdmin } from './zone-admin.ts';

const NAMES = 1_000;
/** Names of one commit. */
const STEP = 50;
/** Signatures of one commit: of each name up to three, of the SOA, and of another change. */
const MOST = 3 * STEP + 10;

describe.each(['nsec3', 'nsec'] as const)('an import into a signed zone with %s', (chain) => {
  let large: LargeZone;
  let zone: EmbeddedZone;
  let admin: EmbeddedZoneAdmin;
  /** Signatures that each commit made. */
  let signatures: number[];

  beforeEach(async () => {
    large = new LargeZone(chain);
    await large.open();
  });
  afterEach(async () => {
    await large.close();
    large.remove();
  });

  async function openZone(names: number): Promise<void> {
    zone = await large.createZone(names);
    await large.sign(zone, Number.POSITIVE_INFINITY);
    signatures = [];
    large.beforeAppend = (commits) => {
      for (const { diff } of commits) signatures.push(diff.added.filter(({ type }) => type === RRType.RRSIG).length);
    };
    admin = new EmbeddedZoneAdmin({
      zones: () => new Map([[APEX.key, zone]]),
      withheld: () => [],
      recover: () => Promise.reject(new Error('nothing to recover')),
      committer: large.committer,
      journal: large.journal,
      secondaries: () => [],
      limits: () => LIMITS,
      keys: async () => keyStoreOf(large.database),
      procedureOf: () => undefined,
      signing: () => undefined,
    });
  }

  async function* textOf(lines: readonly string[]): AsyncGenerator<string> {
    yield lines.join('\n');
  }

  it('signs 50 names in one commit, and lets other changes through between', async () => {
    await openZone(10);
    let isDone = false;
    const lines = Array.from({ length: NAMES }, (_, i) => `new${i} 300 IN A 10.0.0.1`);
    const report = admin.importZone(APEX, textOf(lines), { replace: false, dryRun: false }).finally(() => {
      isDone = true;
    });
    let others = 0;
    for (; !isDone; others++) {
      await large.committer.change(zone, (draft) => draft.setRRset(at('h1'), address(others % 250)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await report).added).toBe(NAMES);
    expect(Math.max(...signatures)).toBeLessThanOrEqual(MOST);
    expect(others).toBeGreaterThan(NAMES / STEP);
    expect(signingFaults(zone.published)).toEqual([]);
  });

  it('removes 50 names in one commit, those below a delegation before it', async () => {
    await openZone(NAMES);
    const delegations = Array.from({ length: 150 }, (_, i) => [
      `d${i} 300 IN NS ns.d${i}.example.com.`,
      // Enough of them that the name is not put where a smaller one was, before its delegation.
      ...Array.from({ length: 40 }, (_, last) => `ns.d${i} 300 IN A 10.0.0.${last}`),
    ]).flat();
    await admin.importZone(APEX, textOf(delegations), { replace: false, dryRun: false });
    const hasGlueBelow: boolean[] = [];
    const count = large.beforeAppend!;
    large.beforeAppend = (commits) => {
      count(commits);
      const { version, keys } = commits[0]!;
      for (const key of keys) {
        const [before, after] = [zone.published.find(key), version.find(key)];
        const isRemoved = before !== undefined && isCut(before, APEX.key) && !(after && isCut(after, APEX.key));
        if (isRemoved) hasGlueBelow.push((after?.children ?? 0) > 0);
      }
    };
    signatures = [];
    const report = await admin.importZone(APEX, textOf(['left 300 IN A 10.0.0.1']), { replace: true, dryRun: false });
    expect(report.removed).toBeGreaterThan(NAMES);
    expect(Math.max(...signatures)).toBeLessThanOrEqual(MOST);
    expect(signatures.length).toBeGreaterThan(NAMES / STEP);
    expect(hasGlueBelow).toHaveLength(151);
    expect(hasGlueBelow).not.toContain(true);
    expect(signingFaults(zone.published)).toEqual([]);
  });
});
