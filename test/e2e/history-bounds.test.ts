// What clients can write into the history: refused updates beyond the limits leave nothing, and a host that is changed all the
// time pushes out its own events.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenSha256 } from '../../src/core/access/token.ts';
import { runDyndns } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { parseExposition } from '../support/exposition.ts';
import { waitUntil } from '../support/process.ts';

const ZONE = 'dyn.example.com';
const TOKEN = 'a-token-of-this-test';
const MAX_EVENTS = 80;
/** Shortens timers of a minute to a tenth of a second. */
const SHORT_PAUSES = `--import=data:text/javascript,${encodeURIComponent(
  'const { setTimeout: set } = globalThis; globalThis.setTimeout = (call, ms, ...more) => set(call, ms === 6e4 ? 100 : ms, ...more);',
)}`;

describe('the history', () => {
  let server: EmbeddedServer;
  beforeAll(async () => {
    process.env['NODE_OPTIONS'] = SHORT_PAUSES;
    try {
      server = await startEmbedded({
        zone: ZONE,
        config: {
          store: 'sqlite:dyndns.db',
          history_max_events: MAX_EVENTS,
          limits: { refused_per_minute_per_source: 20, changes_per_minute_per_token: 0 },
          tokens: [{ name: 'router1', sha256: tokenSha256(TOKEN), hosts: [`*.${ZONE}`] }],
        },
      });
    } finally {
      delete process.env['NODE_OPTIONS'];
    }
  });
  afterAll(() => server?.stop());

  const update = async (host: string, address: string) => {
    const target = `/nic/update?hostname=${host}.${ZONE}&myip=${address}&token=${TOKEN}`;
    return (await server.dyndns.ask(target)).body.trim();
  };
  const events = async (host: string) => {
    const { stdout } = await runDyndns(
      ['--config', server.dyndns.configFile, 'history', `${host}.${ZONE}`, '--limit', '1000', '--json'],
      {},
    );
    return (JSON.parse(stdout) as { events: { outcome: string; detail?: string }[] }).events;
  };
  const metric = async (name: string) => {
    const { body } = await server.dyndns.ask('/metrics', { headers: { authorization: `Bearer ${server.secret}` } });
    return parseExposition(body).get(name);
  };

  it('has no refusals of a source above its limit', async () => {
    for (let number = 0; number < 100; number++) expect(await update('refused', '127.0.0.1')).not.toMatch(/^good/);
    const refused = await events('refused');
    expect([refused.length, new Set(refused.map(({ outcome }) => outcome))]).toEqual([20, new Set(['refused'])]);
    expect(await metric('dyndns_history_unrecorded_total')).toBe(80);
  });

  it('a host that is changed all the time pushes out its own events', async () => {
    expect(await update('quiet', '192.0.2.1')).toBe('good 192.0.2.1');
    for (let number = 0; number < 300; number++) {
      expect(await update('noisy', `192.0.2.${number % 250}`)).toMatch(/^good/);
    }
    await waitUntil('the trim', async () => {
      const trimmed = (await metric('dyndns_history_trimmed_total'))!;
      return trimmed >= 321 - MAX_EVENTS && (await metric('dyndns_history_events'))! <= MAX_EVENTS;
    });
    expect(await events('quiet')).toHaveLength(1);
    expect(await events('refused')).toHaveLength(20);
    expect(await events('noisy')).toHaveLength(MAX_EVENTS - 21);
  });
});
