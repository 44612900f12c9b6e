/**
 * Every deliberate difference from the original, as a test that fails with the original's behaviour, in front of a real
 * BIND. The title of each group is the original's defect. A scripted primary provides RCODEs and clocks that no nameserver
 * gives on demand.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { makeTsigKey } from '../../src/dns/tsig-key.ts';
import { type RunningDyndns, runDyndns } from '../support/dyndns.ts';
import { ask, form } from '../support/http-client.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Script, type ScriptedPrimary, startScriptedPrimary } from '../support/scripted-primary.ts';
import { openWatcher } from '../support/watcher.ts';
import { type Lab, makeKey, openLab, SECRET, updateTarget, ZONE } from './lab.ts';

const ALGORITHMS = ['hmac-md5', 'hmac-sha1', 'hmac-sha224', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'];
const REPLACEMENTS = 10_000;
const WRITERS = 20;

describeWith(BIND_PROGRAMS, 'where we differ from the original', () => {
  let lab: Lab;
  let server: RunningDyndns;
  const algorithmKeys = ALGORITHMS.map((algorithm) => makeKey(`key-of-${algorithm}.example`, algorithm));

  beforeAll(async () => {
    const zones = [
      { name: 'sub.dyn.example.com', keys: [ZONE] },
      { name: 'closed.example.net', keys: [] },
      ...algorithmKeys.map((key) => ({ name: `${key.algorithm}.example.net`, keys: [key.name] })),
    ];
    lab = await openLab({ zones, keys: algorithmKeys }, 'alias 60 IN CNAME ns1\n');
    server = await lab.serve();
  }, 60_000);

  afterAll(async () => {
    await lab?.stop();
  });

  /** The body of an update that must succeed. */
  async function update(parameters: Readonly<Record<string, string>>, of: RunningDyndns = server): Promise<string> {
    const { status, body } = await of.ask(updateTarget(parameters));
    expect(body).toMatch(/^(UPDATED|UNCHANGED): /);
    expect(status).toBe(200);
    return body;
  }

  /** Sends an update that must be refused with this status and text, and asserts that nothing was written. */
  async function refused(
    parameters: Readonly<Record<string, string>>,
    status: number,
    text: RegExp | string,
    of: RunningDyndns = server,
  ): Promise<void> {
    const serial = await lab.serial();
    const answer = await of.ask(updateTarget(parameters));
    expect(answer.body).toMatch(text);
    expect(answer.status).toBe(status);
    expect(await lab.serial()).toBe(serial);
  }

  describe('replaces by two messages, so that readers see a gap', () => {
    it(`shows the old or the new address to every reader during ${REPLACEMENTS} replacements`, async () => {
      const watcher = openWatcher(lab.primary);
      const address = (step: number) => `203.0.113.${1 + (step % 250)}`;
      const writers = Array.from({ length: WRITERS }, (_, index) => ({
        ownerName: DomainName.parse(`gap${index}.${ZONE}`),
        target: `gap${index}.${ZONE}`,
        sent: 0,
        confirmed: 0,
      }));
      let reads = 0;
      let running = true;
      const wrong: string[] = [];
      const startMs = performance.now();
      for (const { target } of writers) await update({ fqdn: target, ipv4: address(0) });

      const read = async (first: number) => {
        for (let at = first; running; at++) {
          const writer = writers[at % WRITERS]!;
          const oldest = writer.confirmed;
          const seen = await watcher.ask(writer.ownerName);
          const allowed = Array.from({ length: writer.sent - oldest + 1 }, (_, step) => address(oldest + step));
          if (seen.length !== 1 || !allowed.includes(seen[0]!)) wrong.push(`${seen} instead of one of ${allowed}`);
          reads += 1;
        }
      };
      const write = async (writer: (typeof writers)[number]) => {
        for (let step = 1; step <= REPLACEMENTS / WRITERS; step++) {
          writer.sent = step;
          const line = await update({ fqdn: writer.target, ipv4: address(step) });
          expect(line).toContain(`${writer.target}. A ${address(step - 1)} -> ${address(step)}\n`);
          writer.confirmed = step;
        }
      };
      const readers = [0, 5, 10, 15].map(read);
      try {
        await Promise.all(writers.map(write));
      } finally {
        running = false;
        await Promise.all(readers);
        watcher.close();
      }
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
      console.info(`${REPLACEMENTS} replacements, ${reads} reads in ${seconds} s`);
      expect(wrong).toEqual([]);
      expect(reads).toBeGreaterThan(1000);
    }, 60_000);

    it('raises the serial by one for a replacement of both families', async () => {
      await update({ fqdn: `one.${ZONE}`, ip_1: '192.0.2.1', ip_2: '2001:db8::1' });
      const serial = await lab.serial();
      await update({ fqdn: `one.${ZONE}`, ip_1: '192.0.2.2', ip_2: '2001:db8::2' });
      expect(await lab.serial()).toBe(serial + 1);
    });
  });

  it('an unchanged update writes four messages: ours writes nothing, and the serial stays', async () => {
    const parameters = { fqdn: `same.${ZONE}`, ip_1: '192.0.2.1', ip_2: '2001:db8::1' };
    await update(parameters);
    const serial = await lab.serial();
    const other = await lab.serve();
    for (const each of [server, server, other, other]) {
      expect(await update(parameters, each)).toBe(
        `UNCHANGED: same.${ZONE}. A 192.0.2.1\nUNCHANGED: same.${ZONE}. AAAA 2001:db8::1\n`,
      );
    }
    await other.stop();
    expect(await lab.serial()).toBe(serial);
  });

  it('two updates of one name at the same time leave two records: ours leave one of 64, and each tells the true old value', async () => {
    const fqdn = `race.${ZONE}`;
    await update({ fqdn, ipv4: '198.51.100.200' });
    const addresses = Array.from({ length: 64 }, (_, index) => `198.51.100.${index + 1}`);
    const replies = await Promise.all(addresses.map((ipv4) => update({ fqdn, ipv4 })));
    const steps = new Map<string, string>();
    for (const [index, reply] of replies.entries()) {
      const [, before = '', after] = /A (\S+) -> (\S+)\n/.exec(reply) ?? [];
      expect(after).toBe(addresses[index]);
      expect(steps.has(before)).toBe(false);
      steps.set(before, after as string);
    }
    // Each reply has the old and the new value: the 64 replies form one chain that ends with the published value.
    let value = '198.51.100.200';
    for (let step = 0; step < 64; step++) {
      expect(steps.has(value)).toBe(true);
      value = steps.get(value) as string;
    }
    expect(await lab.look(fqdn, 'A')).toEqual([value]);
  });

  describe('sending only one family deletes the other', () => {
    it('keeps the family that is not given and tells its value', async () => {
      const fqdn = `family.${ZONE}`;
      await update({ fqdn, ip_1: '192.0.2.1', ip_2: '2001:db8::1' });
      expect(await update({ fqdn, ipv4: '192.0.2.2' })).toBe(
        `UPDATED: ${fqdn}. A 192.0.2.1 -> 192.0.2.2\nUNCHANGED: ${fqdn}. AAAA 2001:db8::1\n`,
      );
      expect(await update({ fqdn, ipv6: '2001:db8::2' })).toBe(
        `UNCHANGED: ${fqdn}. A 192.0.2.2\nUPDATED: ${fqdn}. AAAA 2001:db8::1 -> 2001:db8::2\n`,
      );
      expect([await lab.look(fqdn, 'A'), await lab.look(fqdn, 'AAAA')]).toEqual([['192.0.2.2'], ['2001:db8::2']]);
    });

    it('unspecified_family: delete brings the old way back', async () => {
      const old = await lab.serve({ unspecified_family: 'delete' });
      const fqdn = `oldway.${ZONE}`;
      await update({ fqdn, ip_1: '192.0.2.1', ip_2: '2001:db8::1' }, old);
      expect(await update({ fqdn, ipv4: '192.0.2.2' }, old)).toBe(
        `UPDATED: ${fqdn}. A 192.0.2.1 -> 192.0.2.2\nUPDATED: ${fqdn}. AAAA 2001:db8::1 -> None\n`,
      );
      expect(await lab.look(fqdn, 'AAAA')).toEqual([]);
      await old.stop();
    });
  });

  describe('the RCODE of the reply is not looked at: ours gives 512 with the repair', () => {
    const ADVICE: readonly { what: string; zone: object; text: RegExp }[] = [
      {
        what: 'REFUSED',
        zone: { name: 'closed.example.net', tsig_key: { name: ZONE } },
        text: /REFUSED: let the key 'dyn\.example\.com\.' change the zone 'closed\.example\.net\.'.*allow-update/,
      },
      {
        what: 'BADKEY (another key name)',
        zone: { name: ZONE, tsig_key: { name: 'unknown.example' } },
        text: /does not know the key 'unknown\.example\.' with hmac-sha512 \(BADKEY\): key name and algorithm/,
      },
      {
        what: 'BADKEY (another algorithm)',
        zone: { name: ZONE, tsig_key: { name: ZONE, algorithm: 'hmac-sha256' } },
        text: /does not know the key 'dyn\.example\.com\.' with hmac-sha256 \(BADKEY\)/,
      },
      {
        what: 'BADSIG',
        zone: { name: ZONE, tsig_key: { name: ZONE, secret: makeKey('x').secret } },
        text: /has a different secret for the key 'dyn\.example\.com\.' \(BADSIG\): copy the secret again/,
      },
      {
        what: 'a zone that is not there',
        zone: { name: 'nowhere.example.org', tsig_key: { name: ZONE } },
        text: /REFUSED: the zone 'nowhere\.example\.org\.' is not served there/,
      },
    ];
    it.each(ADVICE)('BIND: $what', async ({ zone, text }) => {
      const { name, tsig_key } = zone as { name: string; tsig_key: object };
      const other = await lab.serve({ zones: [{ name, tsig_key: { secret: lab.key.secret, ...tsig_key } }] });
      const serial = await lab.serial();
      const { status, body } = await other.ask(updateTarget({ fqdn: `home.${name}`, ipv4: '192.0.2.1' }));
      expect(body).toMatch(text);
      expect(body).toMatch(/^DNS_SERVER_ERROR: The nameserver 127\.0\.0\.1:\d+ /);
      expect(status).toBe(512);
      expect(await lab.serial()).toBe(serial);
      await other.stop();
    });

    it('BIND: SERVFAIL, its journal cannot be written', async () => {
      const broken = await openLab();
      try {
        mkdirSync(join(broken.primary.directory, 'zone0.db.jnl'));
        const front = await broken.serve();
        const { status, body } = await front.ask(updateTarget({ fqdn: `home.${ZONE}`, ipv4: '192.0.2.1' }));
        expect(body).toMatch(/SERVFAIL: see the primary's log: often its journal .* not writable/);
        expect(status).toBe(512);
      } finally {
        await broken.stop();
      }
    });

    it('a CNAME at the name is a conflict: BIND would ignore the address and say NOERROR', async () => {
      await refused(
        { fqdn: `alias.${ZONE}`, ipv4: '192.0.2.1' },
        512,
        /^DNS_SERVER_ERROR: A CNAME record is at 'alias\./,
      );
    });

    describe('a scripted primary', () => {
      let scripted: ScriptedPrimary;
      let front: RunningDyndns;

      beforeAll(async () => {
        const key = makeTsigKey(DomainName.parse(ZONE), 'hmac-sha512', Buffer.from(lab.key.secret, 'base64'));
        scripted = await startScriptedPrimary(key);
        front = await lab.serve({ port: scripted.port, nameserver_timeout_seconds: 0.5 });
      });

      afterAll(async () => {
        await front?.stop();
        await scripted?.close();
      });

      const RCODES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
      const CASES: readonly { what: string; script: Script; text: RegExp }[] = [
        ...RCODES.flatMap((rcode) =>
          [true, false].map((signed) => ({
            what: `RCODE ${rcode}, ${signed ? 'signed' : 'not signed'}`,
            script: { kind: 'rcode', rcode, signed } as const,
            text: signed && [3, 6, 7, 8].includes(rcode) ? /changed by others/ : /: .{20,}\.$/m,
          })),
        ),
        {
          what: 'an unsigned NOERROR',
          script: { kind: 'rcode', rcode: 0, signed: false },
          text: /did not sign its reply: it may have ignored the key/,
        },
        {
          what: 'BADTIME, its clock 1000 s ahead',
          script: { kind: 'clock', offsetSeconds: 1000 },
          text: /BADTIME\): ours is (999|1000|1001) s behind its; set both by NTP/,
        },
        {
          what: 'BADTIME, its clock 1000 s behind',
          script: { kind: 'clock', offsetSeconds: -1000 },
          text: /BADTIME\): ours is (999|1000|1001) s ahead of its; set both by NTP/,
        },
        { what: 'BADTRUNC', script: { kind: 'tsig-error', error: 22 }, text: /does not accept MACs as short as/ },
        { what: 'a TSIG error of the future', script: { kind: 'tsig-error', error: 77 }, text: /the TSIG error 77/ },
        { what: 'a wrong MAC', script: { kind: 'forged' }, text: /wrong signature, which was ignored/ },
        {
          what: 'garbage',
          script: { kind: 'octets', octets: Buffer.from('no DNS message at all') },
          text: /may have been applied\. Sending it again is safe/,
        },
        { what: 'a closed connection', script: { kind: 'close' }, text: /did not confirm it in time/ },
        { what: 'silence', script: { kind: 'silence' }, text: /did not confirm it in time: it may have been applied/ },
      ];
      it.each(CASES)('$what gives 512 and says what to do', async ({ script, text }) => {
        scripted.script = script;
        scripted.updates = 0;
        const { status, body, ms } = await front.ask(updateTarget({ fqdn: `home.${ZONE}`, ipv4: '192.0.2.1' }));
        expect(body).toMatch(text);
        expect(body).toMatch(/^DNS_SERVER_ERROR: /);
        expect(status).toBe(512);
        expect(scripted.updates).toBeGreaterThan(0);
        expect(ms).toBeLessThan(1500);
      });

      it('after all that it still answers, and a true NOERROR is believed', async () => {
        scripted.script = { kind: 'rcode', rcode: 0, signed: true };
        expect(await update({ fqdn: `home.${ZONE}`, ipv4: '192.0.2.1' }, front)).toContain('A None -> 192.0.2.1');
      });
    });
  });

  describe('a bad TTL or an address with a zone id deletes the record, then fails with 500', () => {
    const fqdn = `ttl.${ZONE}`;
    beforeAll(async () => {
      await update({ fqdn, ip_1: '192.0.2.1', ip_2: '2001:db8::1' });
    });

    it.each(['abc', '-1', '2147483648', '99999999999999999999', '1.5', '0x10', '1e3', '300 s'])(
      'TTL %s is refused with 456, and the record stays',
      async (ttl) => {
        await refused({ fqdn, ipv4: '192.0.2.9', ttl }, 456, /^PARAMETER_ERROR: /);
        expect(await lab.look(fqdn, 'A')).toEqual(['192.0.2.1']);
      },
    );

    it.each(['fe80::1%eth0', '2001:db8::2%1', '192.0.2.1%eth0', '192.0.2.9/32', '2001:db8::/64'])(
      'the address %s is refused with 454, and the record stays',
      async (address) => {
        const text = `IP_ADDRESS_ERROR: Invalid IP address '${address}'.\n`;
        for (const parameter of ['ip_1', 'ipv6']) {
          const serial = await lab.serial();
          const answer = await server.ask(updateTarget({ fqdn, [parameter]: address }));
          expect([answer.status, answer.body]).toEqual([454, text]);
          expect(await lab.serial()).toBe(serial);
        }
      },
    );

    it('takes TTLs from 0 to 2147483647 within the limits of the zone', async () => {
      for (const ttl of ['0', '2147483647']) await update({ fqdn, ipv4: '192.0.2.1', ttl });
      const limited = await lab.serve({
        zones: [{ name: ZONE, tsig_key: lab.key.secret, ttl: { min: 30, max: 600, default: 60 } }],
      });
      for (const ttl of ['29', '601']) {
        await refused({ fqdn, ipv4: '192.0.2.9', ttl }, 456, `The TTL ${ttl} is not between 30 and 600.`, limited);
      }
      for (const ttl of ['30', '600']) await update({ fqdn, ipv4: '192.0.2.1', ttl }, limited);
      await limited.stop();
    });
  });

  describe('the zone is found by substring', () => {
    it('evildyn.example.com is in no zone and changes nothing below dyn.example.com', async () => {
      await refused(
        { fqdn: 'evildyn.example.com', ipv4: '192.0.2.66' },
        453,
        "The fully qualified domain name 'evildyn.example.com.' could not be split into a record and a zone name.",
      );
      expect(await lab.look(`evil.${ZONE}`, 'A')).toEqual([]);
    });

    it('takes the longest match of labels, in whatever order the zones stand', async () => {
      const parent = { name: ZONE, tsig_key: lab.key.secret };
      const child = { name: `sub.${ZONE}`, tsig_key: { name: ZONE, secret: lab.key.secret } };
      for (const [index, zones] of [
        [parent, child],
        [child, parent],
      ].entries()) {
        const both = await lab.serve({ zones });
        const [serial, childSerial] = [await lab.serial(), await lab.serial(`sub.${ZONE}`)];
        await update({ fqdn: `deep${index}.sub.${ZONE}`, ipv4: '192.0.2.7' }, both);
        expect(await lab.serial()).toBe(serial);
        expect(await lab.serial(`sub.${ZONE}`)).toBe(childSerial + 1);
        await both.stop();
      }
    });
  });

  it('names are compared with case: ours are not (RFC 4343)', async () => {
    await update({ fqdn: `MixedCase.${ZONE}`, ipv4: '192.0.2.1' });
    const serial = await lab.serial();
    expect(await update({ fqdn: 'mixedcase.DYN.Example.COM', ipv4: '192.0.2.1' })).toMatch(
      /^UNCHANGED: .* A 192\.0\.2\.1\n/,
    );
    expect(await update({ zone_name: 'DYN.example.COM.', record_name: 'MIXEDCASE', ipv4: '192.0.2.1' })).toMatch(
      /^UNCHANGED/,
    );
    expect(await lab.serial()).toBe(serial);
    const capitals = await lab.serve({ zones: [{ name: 'DYN.Example.Com.', tsig_key: lab.key.secret }] });
    expect(await update({ fqdn: `mixedcase.${ZONE}`, ipv4: '192.0.2.1' }, capitals)).toMatch(/^UNCHANGED/);
    await capitals.stop();
  });

  describe('apex, wildcard, _underscore and non-ASCII names are refused', () => {
    it('apex and wildcard are changed where the zone allows them, and refused with the option where not', async () => {
      const open = await lab.serve({ zones: [{ name: ZONE, tsig_key: lab.key.secret, apex: true, wildcard: true }] });
      for (const [parameters, ownerName, option] of [
        [{ fqdn: ZONE }, ZONE, 'apex'],
        [{ zone_name: ZONE, record_name: '@' }, ZONE, 'apex'],
        [{ zone_name: ZONE, record_name: '' }, ZONE, 'apex'],
        [{ fqdn: `*.wild.${ZONE}` }, `*.wild.${ZONE}`, 'wildcard'],
      ] as const) {
        await refused({ ...parameters, ipv4: '192.0.2.1' }, 453, new RegExp(`^DNS_NAME_ERROR: .*'${option}: true'`));
        const next = `192.0.2.${2 + Number((await lab.serial()) % 200)}`;
        expect(await update({ ...parameters, ipv4: next }, open)).toContain(`UPDATED: ${ownerName}. A `);
        expect(await lab.look(ownerName, 'A')).toEqual([next]);
      }
      await open.stop();
    });

    it('the value of a wildcard is not the value of a name below it', async () => {
      const open = await lab.serve({ zones: [{ name: ZONE, tsig_key: lab.key.secret, wildcard: true }] });
      await update({ fqdn: `*.star.${ZONE}`, ipv4: '192.0.2.1' }, open);
      expect(await update({ fqdn: `own.star.${ZONE}`, ipv4: '192.0.2.1' })).toMatch(
        /^UPDATED: own\.star\S+ A None -> 192\.0\.2\.1\n/,
      );
      await open.stop();
    });

    it('addresses at _underscore names are refused with 453: such names are for TXT, as the check uses them', async () => {
      await refused(
        { fqdn: `_acme-challenge.${ZONE}`, ipv4: '192.0.2.1' },
        453,
        /^DNS_NAME_ERROR: The name '_acme-challenge\./,
      );
    });

    it('non-ASCII names are converted (IDNA)', async () => {
      expect(await update({ fqdn: `bücher.${ZONE}`, ipv4: '192.0.2.1' })).toContain(
        `UPDATED: xn--bcher-kva.${ZONE}. A None -> 192.0.2.1`,
      );
      expect(await lab.look(`xn--bcher-kva.${ZONE}`, 'A')).toEqual(['192.0.2.1']);
      const byPath = `/update-by-path/${SECRET}/${encodeURIComponent(`BÜCHER.${ZONE}`)}/192.0.2.1`;
      expect((await server.ask(byPath)).body).toMatch(/^UNCHANGED: xn--bcher-kva\./);
    });
  });

  describe('/check is open to everybody, writes each time, and calls in parallel make each other fail', () => {
    it('20 calls at once share one probe under a random name, which is kept for a while', async () => {
      const fresh = await lab.serve();
      const serial = await lab.serial();
      const answers = await Promise.all(Array.from({ length: 20 }, () => fresh.ask('/check')));
      const bodies = new Set(answers.map(({ body }) => body));
      expect(bodies.size).toBe(1);
      expect([...new Set(answers.map(({ status }) => status))]).toEqual([200]);
      expect(await lab.serial()).toBe(serial + 2);
      expect((await fresh.ask('/check')).body).toBe([...bodies][0]);
      expect(await lab.serial()).toBe(serial + 2);
      const [, name = ''] = /^INFO: The update check passed: A TXT record '(\S+)' with/.exec([...bodies][0]!) ?? [];
      expect(name).toMatch(/^_dyndns-check-[0-9a-f]{12}\.dyn\.example\.com\.$/);
      expect(await lab.look(name, 'TXT')).toEqual([]);
      const another = await lab.serve();
      expect((await another.ask('/check')).body).not.toContain(name);
      await Promise.all([fresh.stop(), another.stop()]);
    });

    it('tries all zones and gives 457 with a line of its own level for each', async () => {
      const key = { name: ZONE, secret: lab.key.secret };
      const mixed = await lab.serve({
        zones: [
          { name: 'closed.example.net', tsig_key: key },
          { name: ZONE, tsig_key: lab.key.secret },
          { name: `sub.${ZONE}`, tsig_key: { ...key, name: 'unknown.example' } },
        ],
      });
      const { status, body } = await mixed.ask('/check');
      expect(status).toBe(457);
      const lines = body.split('\n');
      expect(lines).toHaveLength(6);
      expect([lines[1], lines[3], lines[5]]).toEqual(['', '', '']);
      expect(lines[0]).toMatch(
        /^DNS_SERVER_ERROR: The update check failed for the zone 'closed\.example\.net\.': .*REFUSED/,
      );
      expect(lines[2]).toMatch(/^INFO: The update check passed: .* on the zone 'dyn\.example\.com\.'\.$/);
      expect(lines[4]).toMatch(
        /^DNS_SERVER_ERROR: The update check failed for the zone 'sub\.dyn\.example\.com\.': .*BADKEY/,
      );
      await mixed.stop();
    });

    it('check: authenticated closes it', async () => {
      const closed = await lab.serve({ check: 'authenticated' });
      const serial = await lab.serial();
      expect([(await closed.ask('/check')).status, (await closed.ask('/check?secret=wrongsecret')).status]).toEqual([
        456, 456,
      ]);
      expect(await lab.serial()).toBe(serial);
      expect((await closed.ask(`/check?secret=${SECRET}`)).status).toBe(200);
      expect((await closed.ask('/check', { headers: { Authorization: `Bearer ${SECRET}` } })).status).toBe(200);
      await closed.stop();
    });
  });

  describe('unlimited guesses of the secret', () => {
    it.each([
      {
        where: 'the path',
        make: (guess: string) => ({ target: `/update-by-path/${guess}/home.${ZONE}/192.0.2.1`, headers: {} }),
      },
      {
        where: 'X-Api-Key',
        make: (guess: string) => ({ target: `/update-by-query?fqdn=home.${ZONE}`, headers: { 'X-Api-Key': guess } }),
      },
      {
        where: 'Authorization',
        make: (guess: string) => ({
          target: `/update-by-query?fqdn=home.${ZONE}`,
          headers: { Authorization: `Bearer ${guess}` },
        }),
      },
    ])(
      '30 wrong ones in $where are compared; then right and wrong get the same 503, without a delay',
      async ({ make }) => {
        const guarded = await lab.serve();
        const say = async (guess: string) => {
          const { target, headers } = make(guess);
          const { status, body, headers: sent } = await guarded.ask(target, { headers });
          return [status, body, Number(sent['retry-after'] ?? 0) > 0];
        };
        const refused = [456, 'PARAMETER_ERROR: You specified a wrong secret key.\n', false];
        const busy = [503, 'ERROR: Too many wrong credentials came from this source. Try again later.\n', true];
        const answers = await Promise.all(Array.from({ length: 30 }, (_, guess) => say(`wrongsecret${guess}`)));
        expect(answers).toEqual(Array(30).fill(refused));
        for (const guess of ['wrongsecret', SECRET, 'wrongsecret0']) expect(await say(guess)).toEqual(busy);
        await guarded.stop();
      },
    );
  });

  it('replies are text/html: ours are text/plain with nosniff, errors too', async () => {
    for (const target of [
      '/',
      '/check',
      '/myip',
      '/nowhere',
      updateTarget({ fqdn: '<script>alert(1)</script>' }),
      '/%zz',
    ]) {
      const { headers } = await server.ask(target);
      expect(headers['content-type'], target).toBe('text/plain; charset=utf-8');
      expect(headers['x-content-type-options'], target).toBe('nosniff');
    }
  });

  it('an unknown route or method gives 500: ours give 404 and 405', async () => {
    for (const target of ['/nowhere', '/update-by-path', `/update-by-path/${SECRET}`, '/nic', '/check/more']) {
      expect((await server.ask(target)).status, target).toBe(404);
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const { status, headers } = await server.ask(`/update-by-path/${SECRET}/home.${ZONE}/192.0.2.1`, { method });
      expect(status, method).toBe(405);
      expect(headers.allow).toBe('GET, OPTIONS');
    }
    expect((await server.ask('/update-by-query', { method: 'PUT' })).headers.allow).toBe('GET, POST, OPTIONS');
  });

  describe("behind a reverse proxy the proxy's own address is published", () => {
    const CLAIMS = '192.0.2.66, 198.51.100.7';

    it('the right-most address of X-Forwarded-For counts where the proxy is trusted', async () => {
      const behind = await lab.serve({ http: { trusted_proxies: ['127.0.0.1', '192.0.2.128/25'] } });
      const published = async (header: string) => {
        const { body } = await behind.ask(updateTarget({ fqdn: `proxied.${ZONE}` }), {
          headers: { 'X-Forwarded-For': header },
        });
        return /A (?:\S+ -> )?(\S+)\n/.exec(body)?.[1];
      };
      expect(await published(CLAIMS)).toBe('198.51.100.7');
      expect(await published(`${CLAIMS}, 192.0.2.200`)).toBe('198.51.100.7');
      expect(await published('198.51.100.8')).toBe('198.51.100.8');
      expect(await lab.look(`proxied.${ZONE}`, 'A')).toEqual(['198.51.100.8']);
      const echo = await behind.ask('/myip', { headers: { Forwarded: 'for=192.0.2.1' } });
      expect([echo.status, echo.body]).toEqual([503, expect.stringContaining('http.client_address_header')]);
      await behind.stop();
    });

    it('without trust the header is the claim of anybody, and is not read', async () => {
      const headers = { 'X-Forwarded-For': '198.51.100.7', Forwarded: 'for=198.51.100.7' };
      expect((await server.ask('/myip', { headers })).body).toBe('127.0.0.1\n');
      const serial = await lab.serial();
      const { status } = await server.ask(updateTarget({ fqdn: `claim.${ZONE}` }), { headers });
      expect(status).toBe(454);
      expect(await lab.serial()).toBe(serial);
    });

    it('the claim of a TCP client that is gone already is not taken for that of a unix socket', async () => {
      const alone = await lab.serve();
      await alone.ask('/');
      const socket = connect({ host: '127.0.0.1', port: alone.port });
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.once('connect', resolve));
      await alone.ask('/');
      // The server receives the request and the reset of the connection at the same time.
      alone.process.signal('SIGSTOP');
      await waitUntil('the server to stand still', () =>
        readFileSync(`/proc/${alone.process.pid}/stat`, 'utf8').includes(') T '),
      );
      const target = updateTarget({ fqdn: `reset.${ZONE}` });
      socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.66\r\n\r\n`, () =>
        socket.resetAndDestroy(),
      );
      await new Promise((resolve) => socket.once('close', resolve));
      alone.process.signal('SIGCONT');
      // What was received before is dealt with when these are answered.
      for (let round = 0; round < 3; round += 1) await alone.ask('/');
      const requests = alone.log().filter(({ route }) => route === '/update-by-query');
      expect(requests.map(({ source }) => source)).not.toContain('198.51.100.66');
      expect(await lab.look(`reset.${ZONE}`, 'A')).toEqual([]);
      await alone.stop();
    });

    it('Forwarded counts where the configuration says so', async () => {
      const behind = await lab.serve({ http: { trusted_proxies: ['127.0.0.1'], client_address_header: 'forwarded' } });
      const headers = {
        Forwarded: 'for=192.0.2.66, for="[2001:db8::7]:4711";proto=https;by=203.0.113.1',
        'X-Forwarded-For': '192.0.2.67',
      };
      const { body } = await behind.ask(updateTarget({ fqdn: `forwarded.${ZONE}` }), { headers });
      expect(body).toBe(`UNCHANGED: forwarded.${ZONE}. A None\nUPDATED: forwarded.${ZONE}. AAAA None -> 2001:db8::7\n`);
      await behind.stop();
    });

    it('the peer of a unix socket is always a trusted proxy', async () => {
      const directory = freshDirectory('socket');
      const socketPath = join(directory, 'http.sock');
      const behind = await lab.serve({ http: { listen: [`unix:${socketPath}`] } });
      const headers = { 'X-Forwarded-For': CLAIMS };
      expect((await ask({ socketPath }, '/myip', { headers })).body).toBe('198.51.100.7\n');
      const { body } = await ask({ socketPath }, updateTarget({ fqdn: `unix.${ZONE}` }), { headers });
      expect(body).toContain(`UPDATED: unix.${ZONE}. A None -> 198.51.100.7\n`);
      const reply = await ask({ socketPath }, updateTarget({ fqdn: `unix.${ZONE}` }));
      expect([reply.status, reply.body]).toEqual([
        503,
        expect.stringMatching(/^ERROR: The client's address is unknown: .* http\.client_address_header/),
      ]);
      await behind.stop();
      removeNow(directory);
    });
  });

  describe('127.0.0.1, 224.0.0.1 and ::ffff:10.0.0.1 are published', () => {
    it.each([
      '127.0.0.1',
      '127.255.0.1',
      '224.0.0.1',
      '239.1.1.1',
      '0.0.0.0',
      '169.254.1.1',
      '255.255.255.255',
      '::',
      '::1',
      'fe80::1',
      'ff02::1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
    ])('%s is refused with 454 and a reason', async (address) => {
      await refused(
        { fqdn: `policy.${ZONE}`, ip_1: address },
        454,
        /^IP_ADDRESS_ERROR: The address '.*' is (a|an|the) .* and is not published\.$/m,
      );
    });

    it('a mapped address is published as the IPv4 address that it is', async () => {
      const fqdn = `mapped.${ZONE}`;
      expect(await update({ fqdn, ip_1: '::ffff:10.0.0.1' })).toBe(
        `UPDATED: ${fqdn}. A None -> 10.0.0.1\nUNCHANGED: ${fqdn}. AAAA None\n`,
      );
      await refused({ fqdn, ipv6: '::ffff:10.0.0.2' }, 454, 'IP_ADDRESS_ERROR: IP version "6" does not match.');
    });

    it('each zone has its policy: the longest prefix decides', async () => {
      const addresses = { allow: ['127.0.0.1', '198.51.100.0/28'], deny: ['198.51.100.0/24'] };
      const strict = await lab.serve({ zones: [{ name: ZONE, tsig_key: lab.key.secret, addresses }] });
      const fqdn = `rules.${ZONE}`;
      await refused({ fqdn, ipv4: '198.51.100.99' }, 454, "is refused by this zone's rules", strict);
      await refused({ fqdn, ipv4: '127.0.0.2' }, 454, 'a loopback address', strict);
      expect(await update({ fqdn, ipv4: '127.0.0.1' }, strict)).toContain('-> 127.0.0.1');
      expect(await update({ fqdn, ipv4: '198.51.100.9' }, strict)).toContain('-> 198.51.100.9');
      await strict.stop();
    });
  });

  it.each(ALGORITHMS)('hmac-sha512 only, key name = zone name: ours takes %s under another name', async (algorithm) => {
    const key = algorithmKeys.find((each) => each.algorithm === algorithm)!;
    const zone = `${algorithm}.example.net`;
    const other = await lab.serve({ zones: [{ name: zone, tsig_key: key }] });
    expect(await update({ fqdn: `home.${zone}`, ipv4: '192.0.2.1' }, other)).toContain('A None -> 192.0.2.1');
    expect((await other.ask('/check')).status).toBe(200);
    await other.stop();
  });

  describe('the secret only in the URL', () => {
    const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    it.each([
      { where: 'Bearer', headers: { Authorization: `Bearer ${SECRET}` } },
      { where: 'bearer, in lower case', headers: { Authorization: `bearer ${SECRET}` } },
      { where: 'Token', headers: { Authorization: `Token ${SECRET}` } },
      { where: 'Basic with any user', headers: { Authorization: basic('anybody', SECRET) } },
      { where: 'Basic without user', headers: { Authorization: basic('', SECRET) } },
      { where: 'X-Api-Key', headers: { 'X-Api-Key': SECRET } },
    ])('$where is taken', async ({ headers }) => {
      const { status } = await server.ask(`/update-by-query?fqdn=auth.${ZONE}&ipv4=192.0.2.1`, { headers });
      expect(status).toBe(200);
    });

    it('a POST body is taken', async () => {
      const { status, body } = await server.ask(
        '/update-by-query',
        form({ secret: SECRET, fqdn: `post.${ZONE}`, ipv4: '192.0.2.1' }),
      );
      expect([status, body]).toEqual([
        200,
        `UPDATED: post.${ZONE}. A None -> 192.0.2.1\nUNCHANGED: post.${ZONE}. AAAA None\n`,
      ]);
    });

    it('a foreign header does not hide a right parameter; without one it is refused', async () => {
      const guarded = await lab.serve();
      const target = updateTarget({ fqdn: `auth.${ZONE}`, ipv4: '192.0.2.1' });
      for (const Authorization of [
        'Bearer wrongsecret',
        'Digest x',
        'Basic !!!',
        basic(SECRET, ''),
        basic('', ''),
        'Bearer',
      ]) {
        const headers = { Authorization };
        expect((await guarded.ask(target, { headers })).status, Authorization).toBe(200);
        const without = target.replace(`secret=${SECRET}`, 'secret=wrongsecret');
        expect((await guarded.ask(without, { headers })).status, Authorization).toBe(456);
      }
      await guarded.stop();
    });
  });

  describe('the command line', () => {
    let directory: string;
    let file: string;

    beforeAll(() => {
      directory = freshDirectory('cli');
      file = join(directory, 'dyndns.yml');
      writeFileSync(file, JSON.stringify(lab.config()), { mode: 0o600 });
    });

    afterAll(() => removeNow(directory));

    it('`config` prints the secrets: ours prints [secret]', async () => {
      const { code, stdout, stderr } = await runDyndns(['--config', file, 'config']);
      expect(code).toBe(0);
      expect(stdout).toContain("secret: '[secret]'");
      expect(stdout).toContain("tsig_key: '[secret]'");
      expect(stdout + stderr).not.toContain(SECRET);
      expect(stdout + stderr).not.toContain(lab.key.secret);
    });

    it('`delete NAME` does nothing: ours deletes', async () => {
      const fqdn = `gone.${ZONE}`;
      await update({ fqdn, ip_1: '192.0.2.1', ip_2: '2001:db8::1' });
      const { code, stdout } = await runDyndns(['--config', file, 'delete', fqdn]);
      expect(stdout).toBe(`UPDATED: The A and AAAA records of the domain name '${fqdn}.' were deleted.\n`);
      expect(code).toBe(0);
      expect([await lab.look(fqdn, 'A'), await lab.look(fqdn, 'AAAA')]).toEqual([[], []]);
    });
  });
});
