/**
 * The transcripts of clients that no Debian package has, replayed octet by octet on a real server in front of a real BIND.
 * Each reply is judged like that client judges it: a new address, the same again, a wrong password, an unknown host, a
 * failure.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Lab, openLab, SECRET, ZONE } from '../e2e/lab.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { exchangeRaw, parseRaw } from '../support/http-client.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { CHALLENGED, type Credential, type Reply, TRANSCRIPTS, type Transcript } from './transcripts.ts';

/** The zone and the credential of the recordings. */
const RECORDED_ZONE = 'dyn.example';
const HOST = 'host.dyn.example';
const credential = (password: string): Credential => ({
  basic: Buffer.from(`alice:${password}`).toString('base64'),
  password: encodeURIComponent(password),
});
const RIGHT = credential('s3cr:et&p@ss');
const WRONG = credential('s3cr:et&p@s');

describeWith(BIND_PROGRAMS, 'replayed on our server', () => {
  let lab: Lab;
  let server: RunningDyndns;
  let troubled: RunningDyndns;
  let serve: () => Promise<RunningDyndns>;

  beforeAll(async () => {
    lab = await openLab({ zones: [{ name: RECORDED_ZONE, keys: [ZONE] }] });
    const zone = { name: RECORDED_ZONE, tsig_key: { ...lab.key }, addresses: { allow: ['127.0.0.1'] } };
    const sha256 = createHash('sha256').update('s3cr:et&p@ss').digest('hex');
    const tokens = [{ name: 'alice', sha256, hosts: [HOST, 'host2.dyn.example'] }];
    serve = () => lab.serve({ zones: [zone], tokens });
    server = await serve();
    const port = await freePort();
    troubled = await lab.serve({ zones: [zone], tokens, port, nameserver_timeout_seconds: 1 });
  }, 30_000);

  afterAll(async () => {
    await lab?.stop();
  });

  const replay = async (to: RunningDyndns, text: string): Promise<Reply> =>
    parseRaw(await exchangeRaw(to.port, Buffer.from(text, 'latin1'), true));
  const judged = async ({ request, judge }: Transcript, to: RunningDyndns, by: Credential, host: string) => {
    const text = request(by, host);
    const reply = await replay(to, text);
    return { reply, verdict: judge(reply, text) };
  };

  it('the credential is the recorded one', () => expect(RIGHT.basic).toBe('YWxpY2U6czNjcjpldCZwQHNz'));

  it.each(TRANSCRIPTS)('$client: a new address, then the same', async (transcript) => {
    const headers = { Authorization: `Bearer ${SECRET}` };
    await server.ask(`/nic/delete?hostname=${HOST}`, { headers });
    for (const word of ['good', 'nochg']) {
      const { reply, verdict } = await judged(transcript, server, RIGHT, HOST);
      expect([reply.status, reply.body]).toEqual([200, `${word} ${transcript.addresses}\n`]);
      expect(verdict).toBe('success');
      expect(reply.head).toMatch(/\r\ncontent-length: \d+/i);
      expect(reply.head).not.toMatch(/\r\n(location|set-cookie|transfer-encoding):/i);
    }
    const published = [...(await lab.look(HOST, 'A')), ...(await lab.look(HOST, 'AAAA'))];
    expect(published.join(',')).toBe(transcript.addresses);
  });

  it('each of them with a wrong password: 401, which none takes for a success', async () => {
    // Ten of them on a server: the budget of a source for wrong credentials has 30, and a user name may be one, too.
    for (let at = 0; at < TRANSCRIPTS.length; at += 10) {
      const fresh = await serve();
      for (const transcript of TRANSCRIPTS.slice(at, at + 10)) {
        const { reply, verdict } = await judged(transcript, fresh, WRONG, HOST);
        expect([reply.status, reply.body], transcript.client).toEqual([401, 'badauth\n']);
        expect(reply.head).toMatch(/\r\nwww-authenticate: basic realm="/i);
        expect(verdict, transcript.client).not.toBe('success');
      }
      await fresh.stop();
    }
  });

  it.each(TRANSCRIPTS)('$client: a host of somebody else', async (transcript) => {
    if (transcript.client.endsWith('user name')) return;
    const { reply, verdict } = await judged(transcript, server, RIGHT, 'other.dyn.example');
    expect([reply.status, reply.body]).toEqual([200, 'nohost\n']);
    expect(verdict).toBe(transcript.blind ? 'success' : 'wrong');
    expect(await lab.look('other.dyn.example', 'A')).toEqual([]);
  });

  it.each(TRANSCRIPTS)('$client: the primary does not answer', async (transcript) => {
    const { reply, verdict } = await judged(transcript, troubled, RIGHT, HOST);
    expect([reply.status, reply.body]).toEqual([503, '911\n']);
    expect(reply.head).toMatch(/\r\nretry-after: \d+/i);
    expect(verdict).toBe(transcript.ignoresStatus || transcript.blind ? 'wrong' : 'later');
  });

  it(`${CHALLENGED.client}, is challenged`, async () => {
    const { reply, verdict } = await judged(CHALLENGED, server, RIGHT, HOST);
    expect([reply.status, reply.body, verdict]).toEqual([401, 'badauth\n', 'challenge']);
  });

  it('ddclient 3.10 reads one line for each host of a list', async () => {
    const request = ({ basic }: Credential, hosts: string) =>
      `GET /nic/update?system=dyndns&hostname=${hosts}&myip=203.0.113.46 HTTP/1.1\r\nHost: 127.0.0.1:18080\r\nAuthorization: Basic ${basic}\r\nUser-Agent: ddclient/3.10.0\r\nConnection: close\r\n\r\n`;
    const { body } = await replay(server, request(RIGHT, 'host.dyn.example,host2.dyn.example'));
    expect(body).toBe('good 203.0.113.46\ngood 203.0.113.46\n');
    const mixed = await replay(server, request(RIGHT, 'host.dyn.example,other.dyn.example'));
    expect(mixed.body).toBe('nochg 203.0.113.46\nnohost\n');
  });

  it('ddclient 3.10: empty myip, options, and preserve put into the host', async () => {
    const send = (query: string) =>
      replay(
        server,
        `GET /nic/update?system=dyndns&hostname=host.dyn.example${query} HTTP/1.1\r\nHost: 127.0.0.1:18080\r\nAuthorization: Basic ${RIGHT.basic}\r\nUser-Agent: ddclient/3.10.0\r\nConnection: close\r\n\r\n`,
      );
    expect((await send('&myip=')).body).toMatch(/^(good|nochg) 127\.0\.0\.1\n$/);
    expect((await send('&myip=203.0.113.47&wildcard=ON&mx=mail.dyn.example&backmx=YES')).body).toBe(
      'good 203.0.113.47\n',
    );
    expect((await send('&myipv6=preserve&myip=203.0.113.47')).body).toBe('nochg 203.0.113.47\n');
  });

  it('UniFi with a path that has %i and no %h: the empty host is the user name', async () => {
    const request = `GET //nic/update?user=${HOST}&password=${RIGHT.password}&myip=203.0.113.48&hostname= HTTP/1.0\r\n\r\n`;
    expect((await replay(server, request)).body).toBe('good 203.0.113.48\n');
    const named = request.replace(HOST, 'account1');
    expect((await replay(server, named)).body).toBe('notfqdn\n');
  });
});
