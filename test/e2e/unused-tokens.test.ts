// Tokens that end when they are not used, on the whole server with a store that has old ones.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { RRType } from '../../src/dns/rdata.ts';
import { openStore } from '../../src/store/open-store.ts';
import { startEmbedded } from '../support/embedded-server.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';

const ZONE = 'dyn.example.com';
const DAY_MS = 86_400_000;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

it('a token ends after its days without a use, and lives on by each use', async () => {
  const directory = freshDirectory('unused-tokens');
  onTestFinished(() => removeNow(directory));
  const url = `sqlite:${join(directory, 'store.db')}`;
  const store = await openStore(url);
  const now = Date.now();
  const create = (name: string, ageDays: number, maxUnusedDays: number) =>
    store.tokens.create({
      id: `id-${name}`,
      name,
      sha256: sha256(name),
      hosts: [DomainName.parse(`home.${ZONE}`)],
      types: [RRType.A],
      addresses: 'any',
      createdMs: now - ageDays * DAY_MS,
      maxUnusedDays,
    });
  const filed = (name: string) => `file-${sha256(name).slice(0, 24)}`;
  await create('never-used', 10, 9);
  await create('young', 10, 11);
  await create('used', 300, 9);
  await create('used-long-ago', 300, 9);
  await store.tokens.touchLastUsed([
    { tokenId: 'id-used', lastUsedMs: now - 8 * DAY_MS },
    { tokenId: 'id-used-long-ago', lastUsedMs: now - 10 * DAY_MS },
    { tokenId: `first-seen ${filed('filed-old')}`, lastUsedMs: now - 10 * DAY_MS },
  ]);
  await store.close();
  const server = await startEmbedded({
    zone: ZONE,
    config: {
      store: url,
      tokens: ['filed-old', 'filed-new'].map((name) => ({
        name,
        sha256: sha256(name),
        hosts: [`home.${ZONE}`],
        max_unused_days: 9,
      })),
    },
  });
  onTestFinished(() => server.stop());
  const status = async (secret: string) => {
    const target = `/nic/update?hostname=home.${ZONE}&myip=192.0.2.1`;
    return (await server.dyndns.ask(target, { headers: { Authorization: `Bearer ${secret}` } })).status;
  };
  const expected = {
    'never-used': 401,
    young: 200,
    used: 200,
    'used-long-ago': 401,
    'filed-old': 401,
    'filed-new': 200,
  };
  for (const round of [1, 2]) {
    for (const [name, wanted] of Object.entries(expected)) {
      expect([round, name, await status(name)]).toEqual([round, name, wanted]);
    }
  }
  const log = server.dyndns.process.output();
  expect(log).toContain("Token 'filed-old' has ended: it was not used for 9 days.");
  expect(log).not.toContain("Token 'filed-new' has ended");
});
