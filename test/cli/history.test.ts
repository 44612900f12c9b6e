// `dyndns history` with the built program: events of real updates, pages, a time in the past, and what is forgotten.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Commands, commandsOf } from '../support/commands.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';

const ZONE = 'dyn.example.com';
const HOME = `home.${ZONE}`;

const TOKEN_TEXT = 'a-token-of-the-test';
const TOKEN = { name: 'camera', sha256: createHash('sha256').update(TOKEN_TEXT).digest('hex'), hosts: [`cam.${ZONE}`] };

let server: EmbeddedServer;
let commands: Commands;
beforeAll(async () => {
  server = await startEmbedded({ zone: ZONE, config: { store: 'sqlite:dyndns.db', tokens: [TOKEN] } });
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

it('--all has the events of all hosts, by outcome, token and time, and names out of the scope of a token', async () => {
  const headers = { Authorization: `Basic ${Buffer.from(`x:${TOKEN_TEXT}`).toString('base64')}` };
  const ask = (host: string) => server.dyndns.ask(`/nic/update?hostname=${host}&myip=192.0.2.7`, { headers });
  const replies = [await ask(`cam.${ZONE}`), await ask(`other.${ZONE}`), await ask('other.example.net')];
  expect(replies.map(({ body }) => body.trim())).toEqual(['good 192.0.2.7', 'nohost', 'nohost']);
  const { events, more } = await commands.json('history', '--all', '--limit', '3');
  expect([events.length, more]).toEqual([3, true]);
  const refused = await commands.json('history', '--all', '--outcome', 'refused', '--since', '1h');
  const text = `'other.${ZONE}.' is not in the scope of the token 'camera'.`;
  expect(refused).toMatchObject({
    more: false,
    events: [{ host: `other.${ZONE}.`, actor: 'camera', code: 'not-permitted', protocol: 'dyndns2', detail: text }],
  });
  expect(await commands.run('history', '--all', '--token', 'camera')).toMatch(
    new RegExp(
      `^\\S+ \\S+ {2}refused {2}other\\.${ZONE}\\. {2}not-permitted; .*\\n\\S+ \\S+ {2}changed {2}cam\\.${ZONE}\\. {2}A none -> 192\\.0\\.2\\.7 {2}by camera`,
    ),
  );
  const page = await commands.run('history', '--all', '--since', '1d', '--limit', '1');
  expect(page).toMatch(/\nOlder events: dyndns history --all --since 1d --before [0-9a-f]+\n$/);
  expect(await commands.run('history', '--all', '--since', '2099-01-01T00:00')).toBe('There are no such events.\n');
  const [line, ofZone] = server.dyndns.log().filter(({ code }) => code === 'not-permitted');
  expect(line).toMatchObject({ actor: 'camera', msg: text });
  expect(ofZone).toMatchObject({ actor: 'camera' });
  // It may be a secret in the wrong place.
  expect(ofZone?.msg).not.toContain('other.example.net');
  const [updated] = server.dyndns.log().filter(({ msg }) => msg.startsWith(`cam.${ZONE}. `));
  expect(updated).toMatchObject({ actor: 'camera', level: 21 });
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
  [[], "The name of a host is missing; '--all' shows the events of all hosts."],
])('%j makes no sense', async (args, text) => {
  expect(await commands.fail('history', ...args)).toEqual([2, expect.stringContaining(text)]);
});

it('the same without the server', async () => {
  await server.dyndns.process.stop();
  expect((await commands.json('history', HOME)).events).toHaveLength(3);
  expect(await commands.run('history', 'purge', HOME, '--yes')).toBe(`3 events of '${HOME}.' were deleted.\n`);
  expect(await commands.run('history', HOME)).toBe(`There are no events of '${HOME}.'.\n`);
});
