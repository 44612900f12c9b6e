// TXT values are removed when their time has come, also where that was while the server was down. Their times are in the
// store, where the test moves them: nobody waits for a day.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { DomainName } from '../../src/dns/name.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, SECRET, ZONE } from './lab.ts';

const [home, other] = [`_acme-challenge.home.${ZONE}`, `_acme-challenge.other.${ZONE}`];

describeWith(BIND_PROGRAMS, 'TXT values of before a restart', () => {
  let lab: Lab;
  let directory: string;
  const start = () =>
    lab.serve({
      store: `sqlite:${join(directory, 'dyndns.db')}`,
      zones: [{ name: ZONE, tsig_key: lab.key.secret, acme_ttl: 3600 }],
    });

  beforeAll(async () => {
    directory = freshDirectory('expiry');
    lab = await openLab({}, `_acme-challenge.home TXT "foreign"\n`);
  }, 30_000);
  afterAll(async () => {
    await lab?.stop();
    removeNow(directory);
  });

  const present = async (server: RunningDyndns, fqdn: string, value: string) => {
    const body = JSON.stringify({ fqdn, value });
    const headers = { Authorization: `Bearer ${SECRET}`, 'Content-Type': 'application/json' };
    expect((await server.ask('/present', { method: 'POST', headers, body })).status).toBe(200);
  };
  const withStore = async <T>(use: (store: Store) => Promise<T>): Promise<T> => {
    const store = await openStore(`sqlite:${join(directory, 'dyndns.db')}`);
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  };

  it('go at the next start if they are due, those of others stay', { timeout: 30_000 }, async () => {
    const first = await start();
    const beforeMs = Date.now();
    for (const value of ['old', 'foreign', 'new']) await present(first, home, value);
    await present(first, other, 'old');
    await first.stop();
    await withStore(async ({ texts }) => {
      const stored = await texts.at(DomainName.parse(home));
      // What was there already is not ours.
      expect(stored.map(({ text }) => text)).toEqual(['old', 'new']);
      for (const text of stored) {
        expect(text.removeAtMs).toBeGreaterThanOrEqual(beforeMs + 3_600_000);
        expect(text.removeAtMs).toBeLessThanOrEqual(Date.now() + 3_600_000);
      }
      await texts.put({ ...stored[0]!, removeAtMs: Date.now() - 1 });
      await texts.put({ ...(await texts.at(DomainName.parse(other)))[0]!, removeAtMs: Date.now() - 1 });
    });
    const second = await start();
    await waitUntil('the values to be removed', async () => {
      return (await lab.look(home, 'TXT')).length === 2 && (await lab.look(other, 'TXT')).length === 0;
    });
    expect(await lab.look(home, 'TXT')).toEqual(['"foreign"', '"new"']);
    await second.stop();
    const left = await withStore(({ texts }) => texts.takeDue(Date.now() + 3_700_000, Date.now() + 3_800_000, 9));
    expect(left.map(({ text }) => text)).toEqual(['new']);
  });
});
