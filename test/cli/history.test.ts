// `dyndns history` with the built program: events of real updates, pages, a time in the past, and what is forgotten.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Commands, commandsOf } from '../support/commands.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';

const ZONE = 'dyn.example.com';
const HOME = `home.${ZONE}`;

let server: EmbeddedServer;
let commands: Commands;
beforeAll(async () => {
  server = await startEmbedded({ zone: ZONE, config: { store: 'sqlite:dyndns.db' } });
  commands = commandsOf(server.dyndns.configFile, { ...process.env, TZ: 'Europe/Berlin' });
});
afterAll(() => server?.stop());

async function update(host: string, address: string, userAgent = 'router/1'): Promise<void> {
  const headers = { Authorization: `Bearer ${server.secret}`, 'User-Agent': userAgent };
  const { status } = await server.dyndns.ask(`/update-by-query?fqdn=${host}&ipv4=${address}`, { headers });
  expect(status).toBe(200);
}

it('tells of what was answered just now: newest first, repeats as a count, by pages', async () => {
  for (const last of [1, 2, 3, 3]) await update(HOME, `192.0.2.${last}`);
  const view = await commands.json('history', HOME);
  expect(view).toMatchObject({ host: `${HOME}.`, more: false, repeats: 1 });
  expect(view.events).toMatchObject([
    { outcome: 'changed', A: { before: ['192.0.2.2'], after: ['192.0.2.3'] } },
    { A: { before: ['192.0.2.1'], after: ['192.0.2.2'] } },
    { A: { before: [], after: ['192.0.2.1'] }, actor: 'master', source: '127.0.0.1', userAgent: 'router/1' },
  ]);
  const text = await commands.run('history', HOME, '--limit', '2');
  const [first, , , older] = text.split('\n');
  expect(first).toMatch(
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+0[12]:00 {2}changed {2}A 192\.0\.2\.2 -> 192\.0\.2\.3 {2}by master \(original from 127\.0\.0\.1, router\/1\)$/,
  );
  const [, id = ''] = /--before ([0-9a-f]+)$/.exec(older ?? '') ?? [];
  expect(await commands.json('history', HOME, '--before', id)).toMatchObject({
    more: false,
    events: [{ A: { after: ['192.0.2.1'] } }],
  });
});

it('what was published at a time, and events before it; in local time unless it says otherwise', async () => {
  const host = `past.${ZONE}`;
  await update(host, '192.0.2.8');
  await update(host, '192.0.2.9');
  const { events } = await commands.json('history', host);
  const [second, first] = events;
  expect(await commands.json('history', host, '--at', first.time)).toMatchObject({ A: ['192.0.2.8'], AAAA: [] });
  expect(await commands.json('history', host, '--at', '2001-01-01T10:00')).toEqual({
    host: `${host}.`,
    time: '2001-01-01T09:00:00.999Z',
    A: [],
    AAAA: [],
  });
  expect(await commands.run('history', host, '--at', '2099-01-01T10:00Z')).toBe(
    `${host}. at 2099-01-01 11:00:00+01:00 (2099-01-01 10:00:00 UTC)\n  A     192.0.2.9\n  AAAA  none\n`,
  );
  const before = await commands.json('history', host, '--before', second.time);
  expect(before.events).toMatchObject([{ id: first.id }]);
  expect(await commands.run('history', `never.${ZONE}`, '--at', '2026-01-01')).toContain('A     unknown\n');
});

it('purge forgets one host, also what was not written yet', async () => {
  const host = `private.${ZONE}`;
  await update(host, '192.0.2.10');
  expect(await commands.run('history', 'purge', host, '--yes')).toBe(`1 event of '${host}.' was deleted.\n`);
  expect(await commands.run('history', host)).toBe(`There are no events of '${host}.'.\n`);
  await update(host, '192.0.2.11');
  expect(await commands.json('history', 'purge', host, '--yes')).toEqual({ host: `${host}.`, events: 1 });
  expect((await commands.json('history', HOME)).events).toHaveLength(3);
});

it.each([
  [[HOME, '--limit', '0'], '--limit'],
  [[HOME, '--at', 'yesterday'], 'is not a time'],
  [[HOME, '--before', '2026-13-01'], 'is not a time'],
  [['a..b'], "'host' must be"],
  [[], "missing required argument 'host'"],
])('%j makes no sense', async (args, text) => {
  expect(await commands.fail('history', ...args)).toEqual([2, expect.stringContaining(text)]);
});

it('the same without the server', async () => {
  await server.dyndns.process.stop();
  expect((await commands.json('history', HOME)).events).toHaveLength(3);
  expect(await commands.run('history', 'purge', HOME, '--yes')).toBe(`3 events of '${HOME}.' were deleted.\n`);
  expect(await commands.run('history', HOME)).toBe(`There are no events of '${HOME}.'.\n`);
});
