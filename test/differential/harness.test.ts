/**
 * Tests the comparison itself: two BINDs do not differ, and BIND and Knot differ as expected, which shows that the
 * comparison detects differences.
 */
import { afterEach, expect, it } from 'vitest';
import { RRClass } from '../../src/dns/rdata.ts';
import type { PrimaryServer } from '../support/primary-server.ts';
import { BIND_PROGRAMS, describeWith, KNOT_PROGRAMS } from '../support/require-server.ts';
import { compareServers, formatDifferences } from './comparison.ts';
import { startDifferentialBind, startDifferentialKnot } from './peers.ts';
import { makeQueries } from './queries.ts';
import { seededRandom } from './random.ts';
import { PLAIN_SOA } from './zone.ts';

const QUERIES = 20_000;

describeWith([...BIND_PROGRAMS, ...KNOT_PROGRAMS], 'the comparison of two nameservers', () => {
  const servers: PrimaryServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it('finds no difference between BIND and BIND', { timeout: 60_000 }, async () => {
    servers.push(await startDifferentialBind(PLAIN_SOA), await startDifferentialBind(PLAIN_SOA));
    const { differences } = await compareServers(servers[0]!, servers[1]!, makeQueries(seededRandom(1), QUERIES));
    // BIND limits answers from its CH view to three a second, so these differ at random.
    const relevant = differences.filter(({ query }) => query.message.questions[0]?.qclass !== RRClass.CH);
    expect(formatDifferences(relevant)).toBe('');
  });

  it('finds the known differences between Knot and BIND, and few otherDifferences', { timeout: 60_000 }, async () => {
    servers.push(await startDifferentialKnot(PLAIN_SOA), await startDifferentialBind(PLAIN_SOA));
    const { differences } = await compareServers(servers[0]!, servers[1]!, makeQueries(seededRandom(1), QUERIES));
    const report = formatDifferences(differences);
    if (process.env['DIFFERENTIAL_REPORT']) console.log(report);
    const fields = new Set(differences.flatMap((difference) => difference.fields));
    const seen = [
      'outcome',
      'rcode',
      'aa',
      'tc',
      'cd',
      'question',
      'answer',
      'authority',
      'additional',
      'edns',
    ] as const;
    expect(seen.filter((field) => !fields.has(field))).toEqual([]);
    // Apart from the CD bit, which Knot does not copy, four of five replies are the same.
    const otherDifferences = differences.filter((difference) => difference.fields.some((field) => field !== 'cd'));
    expect(otherDifferences.length).toBeLessThan(QUERIES / 5);
    expect(report).toContain('rcode NOERROR/SERVFAIL');
  });
});
