// The ways to the server and from it to the primary: IPv4 and IPv6 listeners and primaries, UDP, and BIND views that
// answer by key, for which queries are signed.
import { copyFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { RunningDyndns } from '../support/dyndns.ts';
import { ask } from '../support/http-client.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, SECRET, updateTarget, ZONE } from './lab.ts';

describeWith(BIND_PROGRAMS, 'ways to the server and to the primary', () => {
  let lab: Lab | undefined;
  afterEach(async () => {
    await lab?.stop();
    lab = undefined;
  });

  /** All that a client does, through one server. */
  async function walk(server: RunningDyndns, fqdn: string): Promise<void> {
    const update = async (parameters: Readonly<Record<string, string>>) =>
      (await server.ask(updateTarget({ fqdn, ...parameters }))).body;
    expect(await update({ ip_1: '192.0.2.1', ip_2: '2001:db8::1' })).toBe(
      `UPDATED: ${fqdn}. A None -> 192.0.2.1\nUPDATED: ${fqdn}. AAAA None -> 2001:db8::1\n`,
    );
    expect(await update({ ipv4: '192.0.2.1', ttl: '60' })).toContain('A 192.0.2.1 -> 192.0.2.1');
    expect(await update({ ipv4: '192.0.2.1', ttl: '60' })).toMatch(/^UNCHANGED: .*\nUNCHANGED: .*\n$/);
    expect((await server.ask('/check')).status).toBe(200);
    expect((await server.ask(`/delete-by-path/${SECRET}/${fqdn}`)).body).toMatch(/^UPDATED: .* were deleted\.\n$/);
    expect((await server.ask(`/delete-by-path/${SECRET}/${fqdn}`)).body).toMatch(/^UNCHANGED: /);
  }

  it('listens on IPv4 and IPv6 at once', async () => {
    lab = await openLab();
    const server = await lab.serve({ http: { listen: ['127.0.0.1:0', '[::1]:0'] } });
    expect(server.addresses).toHaveLength(2);
    const port = Number(/:(\d+)$/.exec(server.addresses[1]!)?.[1]);
    expect((await server.ask('/myip')).body).toBe('127.0.0.1\n');
    expect((await ask({ host: '::1', port }, '/myip')).body).toBe('::1\n');
  });

  it('a socket for both families tells IPv4 clients their IPv4 address', async () => {
    lab = await openLab();
    const server = await lab.serve({ http: { listen: ['[::]:0'] } });
    expect((await server.ask('/myip')).body).toBe('127.0.0.1\n');
    expect((await ask({ host: '::1', port: server.port }, '/myip')).body).toBe('::1\n');
  });

  it('reaches a primary by IPv6', async () => {
    lab = await openLab({
      configure: (text) => {
        const port = /listen-on port (\d+)/.exec(text)?.[1];
        return text.replace('listen-on-v6 { none; }', `listen-on-v6 port ${port} { ::1; }`);
      },
    });
    const server = await lab.serve({ nameserver: '::1' });
    await walk(server, `six.${ZONE}`);
  });

  it.each([
    { transport: 'udp', signed_reads: false, flags: { T: false, S: true } },
    { transport: 'tcp', signed_reads: false, flags: { T: true, S: false } },
    { transport: 'tcp', signed_reads: true, flags: { T: true, S: true } },
  ])('transport: $transport, signed_reads: $signed_reads', async ({ transport, signed_reads, flags }) => {
    lab = await openLab({ configure: (text) => text.replace('options {', 'options { querylog yes;') });
    const { primary } = lab;
    await walk(await lab.serve({ transport, signed_reads }), `wire.${ZONE}`);
    // BIND's log has the flags of each query: S is signed, T is TCP.
    const seen = () =>
      [...primary.log().matchAll(/query: wire\.dyn\.example\.com IN AAAA ([+-]\w*)/g)].map(([, text]) => text!);
    await waitUntil('BIND to log the queries', () => seen().length > 0);
    for (const text of seen()) expect({ T: text.includes('T'), S: text.includes('S') }).toEqual(flags);
  });

  describe('BIND views that answer by key', () => {
    /** A view for who signs with the key, and one for all others with a copy of the zone that never changes. */
    const views = (text: string) => {
      const start = text.indexOf('zone "');
      const [file = ''] = /[^"]+\/zone0\.db/.exec(text) ?? [];
      copyFileSync(file, `${file}.outside`);
      return `${text.slice(0, start)}
view "inside" { match-clients { key "${ZONE}"; }; ${text.slice(start)} };
view "outside" { match-clients { any; }; zone "${ZONE}" { type primary; file "${file}.outside"; }; };
`;
    };

    it('signed_reads: true reads and checks in the view of the key', async () => {
      lab = await openLab({ configure: views }, 'seen 300 IN A 192.0.2.50\n');
      const server = await lab.serve({ signed_reads: true });
      await walk(server, `view.${ZONE}`);
      // A foreign change in the view of the key is what the server reads, not the other view's value.
      await nsupdate(lab.primary, lab.key, ZONE, [
        `update delete seen.${ZONE} A`,
        `update add seen.${ZONE} 60 A 192.0.2.51`,
      ]);
      const { body } = await server.ask(updateTarget({ fqdn: `seen.${ZONE}`, ipv4: '192.0.2.52' }));
      expect(body).toContain(`A 192.0.2.51 -> 192.0.2.52`);
    });

    it('without it the other view is read: the check says so, and nothing wrong is told', async () => {
      lab = await openLab({ configure: views });
      const server = await lab.serve();
      const { status, body } = await server.ask('/check');
      expect(status).toBe(457);
      expect(body).toMatch(/^CHECK_ERROR: .*confirmed the record .* but does not answer with it/);
    });
  });
});
