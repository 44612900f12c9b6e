/**
 * The requests of clients of DuckDNS, dynv6 and freemyip, replayed octet by octet on a real server in front of a real BIND.
 * Each reply is judged like that client judges it: a change, the same again, a wrong token, a foreign host, a failure.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Lab, openLab, SECRET, ZONE } from '../e2e/lab.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { exchangeRaw, parseRaw } from '../support/http-client.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { LABEL, TOKEN_TRANSCRIPTS, type TokenTranscript } from './token-transcripts.ts';

const NAME = `${LABEL}.${ZONE}`;
const TOKEN = '00000000-1111-4222-8333-444455556666';
const BEFORE = { A: ['192.0.2.1'], AAAA: ['2001:db8::1'], TXT: ['"old"'] };

describeWith(BIND_PROGRAMS, 'replayed on our server', () => {
  let lab: Lab;
  let server: RunningDyndns;
  let troubled: RunningDyndns;

  beforeAll(async () => {
    lab = await openLab();
    const zones = [{ name: ZONE, tsig_key: lab.key.secret, addresses: { allow: ['127.0.0.1'] } }];
    const token = (name: string, secret: string, host: string) => {
      const sha256 = createHash('sha256').update(secret).digest('hex');
      return { name, sha256, hosts: [host], types: ['A', 'AAAA', 'TXT'] };
    };
    const tokens = [token('home', TOKEN, NAME), token('other', 'other-token', `other.${ZONE}`)];
    server = await lab.serve({ zones, tokens });
    troubled = await lab.serve({ zones, tokens, port: await freePort(), nameserver_timeout_seconds: 0.3 });
  }, 30_000);

  afterAll(async () => {
    await lab?.stop();
  });

  const replay = async ({ request, judge }: TokenTranscript, to: RunningDyndns, token: string) => {
    const text = request.replace('NAME', NAME).replace('TOKEN', token);
    const reply = parseRaw(await exchangeRaw(to.port, Buffer.from(text, 'latin1'), true));
    return { reply, verdict: judge(reply) };
  };
  const published = async () => ({
    A: await lab.look(NAME, 'A'),
    AAAA: await lab.look(NAME, 'AAAA'),
    TXT: await lab.look(`_acme-challenge.${NAME}`, 'TXT'),
  });
  const restore = async () => {
    const target = `/update?domains=${NAME}&token=${SECRET}`;
    await server.ask(`${target}&ip=192.0.2.1&ipv6=2001:db8::1`);
    await server.ask(`${target}&txt=old`);
  };

  it('the state that each begins with', async () => {
    await restore();
    expect(await published()).toEqual(BEFORE);
  });

  it.each(TOKEN_TRANSCRIPTS)('$client: a change, then the same', async (transcript) => {
    await restore();
    for (const body of transcript.replies) {
      const { reply, verdict } = await replay(transcript, server, TOKEN);
      expect([reply.status, reply.body, verdict]).toEqual([200, body, 'success']);
      expect(reply.head).toMatch(/\r\ncontent-length: \d+/i);
      expect(reply.head).not.toMatch(/\r\n(location|set-cookie|transfer-encoding):/i);
    }
    expect(await published()).toEqual({ ...BEFORE, ...transcript.published });
  });

  it('none takes a wrong token for a success, or one of another host', async () => {
    await restore();
    const serial = await lab.serial();
    const answers = ['wrong', 'other-token'].flatMap((token) =>
      TOKEN_TRANSCRIPTS.map(async (transcript) => {
        const { verdict } = await replay(transcript, server, token);
        expect(verdict, transcript.client).not.toBe('success');
      }),
    );
    await Promise.all(answers);
    expect(await lab.serial()).toBe(serial);
  });

  it('where the primary does not answer each of them comes again', async () => {
    const answers = TOKEN_TRANSCRIPTS.map(async (transcript) => {
      const { reply, verdict } = await replay(transcript, troubled, TOKEN);
      expect(reply.status, transcript.client).toBe(503);
      expect(reply.head).toMatch(/\r\nretry-after: \d+/i);
      expect(verdict, transcript.client).toBe(transcript.ignoresStatus ? 'wrong' : 'later');
    });
    await Promise.all(answers);
  });
});
