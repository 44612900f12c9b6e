/** dig and kdig with our embedded nameserver: UDP, TCP, EDNS, cookies, NSID, transfers with TSIG. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { kdig } from '../support/kdig.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { BIND_PROGRAMS, describeWith, KNOT_PROGRAMS } from '../support/require-server.ts';
import { CAN_SHARE_PORTS } from '../support/reuse-port.ts';

const ZONE = 'queried.example.com';
const KEY = { name: 'reader.key', algorithm: 'hmac-sha256', secret: 'bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2g=' };
const LONG = Array.from({ length: 8 }, (_, index) => `"${String(index).repeat(200)}"`).join(' ');
const PROGRAMS = [...BIND_PROGRAMS, ...KNOT_PROGRAMS, { command: 'kdig', debianPackage: 'knot-dnsutils' }];

for (const threads of CAN_SHARE_PORTS ? [0, 1, 2] : [0, 1])
  describeWith(PROGRAMS, `the embedded nameserver with ${threads} answering threads, and query tools`, () => {
    let server: EmbeddedServer;

    beforeAll(async () => {
      server = await startEmbedded({
        zone: ZONE,
        keys: [KEY],
        records: `www 300 IN A 192.0.2.1\nlong 300 IN TXT ${LONG}\n`,
        dns: { nsid: 'test server', threads },
      });
    });
    afterAll(() => server?.stop());

    it('dig gets an authoritative answer over UDP and TCP', async () => {
      for (const transport of ['+notcp', '+tcp']) {
        const reply = await dig(server, [`www.${ZONE}`, 'A', transport]);
        expect(reply).toMatchObject({ rcode: 'NOERROR', short: ['192.0.2.1'] });
        expect(reply.flags).toEqual(expect.arrayContaining(['qr', 'aa', 'rd']));
        expect(reply.flags).not.toContain('ra');
      }
    });

    it('RFC 2308 §2: dig gets the SOA with NXDOMAIN and with NODATA', async () => {
      for (const [name, rcode] of [
        ['missing', 'NXDOMAIN'],
        ['www', 'NOERROR'],
      ]) {
        const reply = await dig(server, [`${name}.${ZONE}`, 'MX']);
        expect(reply).toMatchObject({ rcode, short: [] });
        expect(reply.authority.map(({ type, ttl }) => [type, ttl])).toEqual([['SOA', 60]]);
      }
    });

    it('a name outside our zones is REFUSED, an unknown opcode NOTIMP, EDNS 1 BADVERS', async () => {
      expect((await dig(server, ['www.example.net', 'A'])).rcode).toBe('REFUSED');
      expect((await dig(server, [`www.${ZONE}`, 'A', '+opcode=status'])).rcode).toBe('NOTIMP');
      expect((await dig(server, [`www.${ZONE}`, 'A', '+edns=1', '+noednsnegotiation'])).rcode).toBe('BADVERS');
    });

    it('RFC 9018: dig accepts the cookie, and it is valid in the second query', async () => {
      const first = await dig(server, [`www.${ZONE}`, 'A', '+cookie=0123456789abcdef']);
      const cookie = /^; COOKIE: ([0-9a-f]{48})/m.exec(first.text)?.[1];
      expect(cookie).toMatch(/^0123456789abcdef01000000/);
      const second = await dig(server, [`www.${ZONE}`, 'A', `+cookie=${cookie}`]);
      expect(second.text).toMatch(/^; COOKIE: 0123456789abcdef[0-9a-f]{32}/m);
      expect(second.rcode).toBe('NOERROR');
    });

    it('RFC 5001: dig and kdig get the NSID only when they request it', async () => {
      expect((await dig(server, [`www.${ZONE}`, 'A', '+nsid'])).text).toContain('("test server")');
      expect((await kdig(server, [`www.${ZONE}`, 'A', '+nsid'])).text).toContain('test server');
      expect((await dig(server, [`www.${ZONE}`, 'A'])).text).not.toContain('NSID');
    });

    it('RFC 7766 §5: dig retries over TCP when a reply is truncated', async () => {
      const cut = await dig(server, [`long.${ZONE}`, 'TXT', '+ignore']);
      expect(cut.flags).toContain('tc');
      const whole = await dig(server, [`long.${ZONE}`, 'TXT']);
      expect(whole.flags).not.toContain('tc');
      expect(whole.short).toEqual([LONG]);
    });

    it('RFC 7766 §6.2.1: dig sends several queries over one connection', async () => {
      const reply = await dig(server, ['+tcp', '+keepopen', `www.${ZONE}`, 'A', ZONE, 'SOA', `long.${ZONE}`, 'TXT']);
      expect(reply.text.match(/status: NOERROR/g)).toHaveLength(3);
    });

    it('kdig gets answers over UDP and TCP, with EDNS, cookie and padding, and signed', async () => {
      for (const options of [
        ['+notcp'],
        ['+tcp'],
        ['+edns', '+bufsize=4096'],
        ['+cookie'],
        ['+padding=64'],
        ['+dnssec'],
      ]) {
        const reply = await kdig(server, [`www.${ZONE}`, 'A', ...options]);
        expect(reply).toMatchObject({ rcode: 'NOERROR', short: ['192.0.2.1'] });
        expect(reply.flags).toContain('aa');
      }
      const signed = await kdig(server, [`www.${ZONE}`, 'A'], KEY);
      expect(signed.short[0]).toBe('192.0.2.1');
      expect(signed.text).toContain('TSIG PSEUDOSECTION');
      expect(signed.text).not.toMatch(/;; (WARNING|ERROR)/);
    });

    it('RFC 5936: a transfer needs a key with the permission', async () => {
      expect((await dig(server, [ZONE, 'AXFR'])).text).toContain('Transfer failed');
      expect((await kdig(server, [ZONE, 'AXFR'])).text).toContain('REFUSED');
      const transfer = await kdig(server, [ZONE, 'AXFR'], KEY);
      const types = transfer.answers.map(({ type }) => type);
      expect(types[0]).toBe('SOA');
      expect(types.at(-1)).toBe('SOA');
      expect(types.toSorted()).toEqual(['A', 'A', 'NS', 'SOA', 'SOA', 'TXT']);
    });

    it('RFC 1995: kdig gets the changes since a serial', async () => {
      const serial = Number((await dig(server, [ZONE, 'SOA'])).short[0]?.split(' ')[2]);
      expect(await nsupdate(server, KEY, ZONE, [`update add ixfr.${ZONE} 60 A 192.0.2.7`])).toMatchObject({ code: 0 });
      const { answers } = await kdig(server, [ZONE, `IXFR=${serial}`], KEY);
      expect(answers.map(({ type }) => type)).toEqual(['SOA', 'SOA', 'SOA', 'A', 'SOA']);
      const serials = answers.filter(({ type }) => type === 'SOA').map(({ rdata }) => Number(rdata.split(' ')[2]));
      expect(serials).toEqual([serial + 1, serial, serial + 1, serial + 1]);
    });

    it('dig checks the signature of a signed answer and of a signed transfer', async () => {
      const key = ['+norecurse', '-y', `${KEY.algorithm}:${KEY.name}:${KEY.secret}`];
      for (const question of [
        [`www.${ZONE}`, 'A'],
        [ZONE, 'AXFR'],
        [ZONE, 'NS', '+tcp'],
      ]) {
        const { text, answers } = await dig(server, [...key, ...question]);
        expect(answers.length).toBeGreaterThan(0);
        expect(text).toContain('TSIG');
        expect(text).not.toMatch(/Couldn't verify|WARNING/);
      }
    });
  });
