/**
 * Compares our nameserver with BIND: same zone, same 20,000 queries, same replies except the differences of accepted.ts.
 * DIFFERENTIAL_SEED=n sends other queries; a failure is reproducible by its seed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { REPOSITORY } from '../support/installation.ts';
import type { PrimaryServer } from '../support/primary-server.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { ACCEPTED } from './accepted.ts';
import { compareServers, formatAccepted, formatDifferences, judge } from './comparison.ts';
import { startDifferentialBind } from './peers.ts';
import { makeQueries } from './queries.ts';
import { seededRandom } from './random.ts';
import { CONTACT, NAMESERVERS, RECORDS, type SoaText, ZONE } from './zone.ts';

const QUERIES = 20_000;
const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? 1);

/** BIND gets the SOA of our server, including the serial. */
async function soaOf(server: EmbeddedServer): Promise<SoaText> {
  const { answers } = await dig(server, [ZONE, 'SOA']);
  return { ttl: answers[0]!.ttl, rdata: answers[0]!.rdata };
}

describeWith(BIND_PROGRAMS, 'our nameserver beside BIND', () => {
  const servers: (EmbeddedServer | PrimaryServer)[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it(`answers ${QUERIES} queries as BIND does, except for the accepted differences`, { timeout: 60_000 }, async () => {
    const ours = await startEmbedded({ zone: ZONE, ns: NAMESERVERS, contact: CONTACT, records: RECORDS });
    servers.push(ours);
    const bind = await startDifferentialBind(await soaOf(ours));
    servers.push(bind);
    const comparison = await compareServers(ours, bind, makeQueries(seededRandom(SEED), QUERIES));
    const verdict = judge(comparison, ACCEPTED);
    console.log(`accepted differences of ${comparison.queries} replies, seed ${SEED}:\n${formatAccepted(verdict)}`);
    expect(formatDifferences(verdict.unexplained)).toBe('');
    // With another seed a rare difference may not occur.
    if (SEED !== 1) return;
    const stale = [...verdict.accepted].filter(([, count]) => count === 0).map(([row]) => row.name);
    expect(stale).toEqual([]);
  });
});

describe('docs/standards.md', () => {
  it('lists the same accepted differences', () => {
    const document = readFileSync(join(REPOSITORY, 'docs/standards.md'), 'utf8');
    const rows = ACCEPTED.map(({ name, reason, standard }) => `| ${name} | ${reason} | ${standard} |\n`).join('');
    expect(document).toContain(rows);
  });
});
