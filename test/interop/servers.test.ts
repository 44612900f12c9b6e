/** The starters of real primaries, verified with standard tools: nsupdate changes, dig reads, AXFR needs the key. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBind } from '../support/bind.ts';
import { dig } from '../support/dig.ts';
import { startKnot } from '../support/knot.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { startPowerdns } from '../support/powerdns.ts';
import type { KeySpec, PrimaryOptions, PrimaryServer } from '../support/primary-server.ts';
import { waitUntil } from '../support/process.ts';
import {
  BIND_PROGRAMS,
  describeWith,
  KNOT_PROGRAMS,
  POWERDNS_PROGRAMS,
  type RequiredProgram,
} from '../support/require-server.ts';

const ZONE = 'dyndns.example.com';
const SECRET = Buffer.alloc(64, 'not a secret').toString('base64');
const KEY: KeySpec = { name: ZONE, algorithm: 'hmac-sha512', secret: SECRET };
const OPTIONS: PrimaryOptions = {
  zones: [{ name: ZONE, records: 'home 60 IN A 192.0.2.1\n' }, { name: 'example.net' }],
  keys: [KEY],
};

const REPLACEMENT = [`update delete home.${ZONE} A`, `update add home.${ZONE} 60 A 192.0.2.2`];

const STARTERS: readonly [string, readonly RequiredProgram[], (options: PrimaryOptions) => Promise<PrimaryServer>][] = [
  ['BIND', BIND_PROGRAMS, startBind],
  ['Knot', KNOT_PROGRAMS, startKnot],
  ['PowerDNS', POWERDNS_PROGRAMS, startPowerdns],
];

for (const [title, programs, start] of STARTERS) {
  describeWith(programs, `${title} as a primary for tests`, () => {
    let primary: PrimaryServer;

    beforeAll(async () => {
      primary = await start(OPTIONS);
    }, 30_000);
    afterAll(() => primary?.stop());

    it('publishes an address that nsupdate changed with the key of the zone', async () => {
      expect((await dig(primary, [`home.${ZONE}`, 'A'])).short).toEqual(['192.0.2.1']);
      const { code, stderr } = await nsupdate(primary, KEY, ZONE, REPLACEMENT);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect((await dig(primary, [`home.${ZONE}`, 'A'])).short).toEqual(['192.0.2.2']);
    });

    it('answers at once for a new name that was queried before', async () => {
      expect((await dig(primary, [`new.${ZONE}`, 'A'])).rcode).toBe('NXDOMAIN');
      expect((await nsupdate(primary, KEY, ZONE, [`update add new.${ZONE} 60 A 192.0.2.3`])).code).toBe(0);
      expect((await dig(primary, [`new.${ZONE}`, 'A'])).short).toEqual(['192.0.2.3']);
    });

    it('refuses an update without a key', async () => {
      const { code, stderr } = await nsupdate(primary, undefined, ZONE, REPLACEMENT);
      expect(code).toBe(2);
      expect(stderr).toMatch(/REFUSED|NOTAUTH/);
    });

    it('transfers the zone only with the key', async () => {
      const withKey = await dig(primary, ['-y', `${KEY.algorithm}:${KEY.name}:${KEY.secret}`, ZONE, 'AXFR']);
      expect(withKey.answers.map((answer) => answer.type)).toContain('SOA');
      const withoutKey = await dig(primary, [ZONE, 'AXFR']);
      expect(withoutKey.answers).toEqual([]);
    });

    it('does not answer while it is frozen, and answers afterwards', async () => {
      primary.freeze();
      expect((await dig(primary, [ZONE, 'SOA', '+timeout=1'])).rcode).toBe('none');
      primary.thaw();
      await waitUntil('an answer', async () => (await dig(primary, [ZONE, 'SOA'])).rcode === 'NOERROR');
    });

    it('keeps port and data after a crash and a restart', async () => {
      expect((await nsupdate(primary, KEY, ZONE, [`update add kept.${ZONE} 60 A 192.0.2.4`])).code).toBe(0);
      const before = primary.pid;
      await primary.halt('SIGKILL');
      await primary.restart();
      expect(primary.pid).not.toBe(before);
      expect((await dig(primary, [`kept.${ZONE}`, 'A'])).short).toEqual(['192.0.2.4']);
    });

    it('refuses every update if it was started with allowUpdate: false', async () => {
      const closed = await start({ ...OPTIONS, allowUpdate: false });
      try {
        const { code, stderr } = await nsupdate(closed, KEY, ZONE, REPLACEMENT);
        expect(code).toBe(2);
        // Knot answers NOTAUTH with BADKEY for a known key that its ACL does not allow to update.
        expect(stderr).toMatch(/REFUSED|NOTAUTH/);
      } finally {
        await closed.stop();
      }
    }, 30_000);
  });
}
