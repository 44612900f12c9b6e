/**
 * Clients with built-in No-IP or FreeDNS, replayed octet by octet on a real server in front of a real BIND. Each reply is
 * judged like that client judges it: a new address, the same again, a wrong password, a foreign host, a failure. Requests
 * and judgement are those of the clients' published sources.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Lab, openLab, SECRET, ZONE } from '../e2e/lab.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { exchangeRaw, parseRaw } from '../support/http-client.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import type { Reply, Verdict } from './transcripts.ts';

const HOST = `host.${ZONE}`;
const KEY = 'abcdefghijklmnopqrstuvwxyz234567';
const IP = '203.0.113.45';
const IP6 = '2001:db8:1:2:3:4:5:6';

interface Dialogue {
  readonly client: string;
  readonly address: string;
  readonly request: (host: string, password: string) => string;
  readonly judge: (reply: Reply) => Verdict;
  /** The replies to a change and to its repetition. */
  readonly replies: readonly [RegExp, RegExp];
  /** The request has no host: the token in the password has only one. */
  readonly namesNoHost?: true;
}

const get = (target: string, ...more: string[]) =>
  `${[`GET ${target} HTTP/1.1`, 'Host: dyndns.example.com', ...more, 'Accept: */*'].join('\r\n')}\r\n\r\n`;
const PFSENSE = 'User-Agent: phpDynDNS/0.7';

/** `list($ip, $code) = explode(":", $data)`, and a switch with loose comparison; the status is ignored. */
function pfsenseNoip({ body }: Reply): Verdict {
  const code = body.split(':')[1]?.trim() ?? '';
  if (!/^\d+$/.test(code)) return 'wrong';
  return [0, 1, 11, 12].includes(Number(code)) ? 'success' : 'wrong';
}

/** A line is a host, a colon and a number; three of the numbers end the program. */
function noip2({ body }: Reply): Verdict {
  const codes = body
    .trim()
    .split('\n')
    .map((line) => Number.parseInt(line.slice(line.indexOf(':') + 1), 10));
  if (codes.every((code) => code === 0 || code === 1)) return 'success';
  return codes.some((code) => [2, 3, 4, 6, 99].includes(code)) ? 'wrong' : 'later';
}

const contains =
  (...words: readonly RegExp[]) =>
  ({ body }: Reply): Verdict =>
    words.some((word) => word.test(body)) ? 'success' : 'wrong';

const DIALOGUES: readonly Dialogue[] = [
  {
    client: 'pfSense, No-IP',
    address: IP,
    request: (host, password) => get(`/ducupdate.php?username=a%40b&pass=${password}&h[]=${host}&ip=${IP}`, PFSENSE),
    judge: pfsenseNoip,
    replies: [/^203\.0\.113\.45:1\n$/, /^203\.0\.113\.45:0\n$/],
  },
  {
    client: 'pfSense, No-IP (v6)',
    address: IP6,
    request: (host, password) => get(`/ducupdate.php?username=a%40b&pass=${password}&h[]=${host}&ipv6=${IP6}`, PFSENSE),
    judge: pfsenseNoip,
    replies: [/^host\.dyn\.example\.com:1\n$/, /^host\.dyn\.example\.com:0\n$/],
  },
  {
    client: 'noip2 for Linux',
    address: IP,
    request: (host, password) => {
      const packed = Buffer.from(`username=a%40b&pass=${password}&h[]=${host}&ip=${IP}`).toString('base64');
      const target = `http://dynupdate.no-ip.com/ducupdate.php?requestL=${packed}`;
      return `GET ${target} HTTP/1.0\r\nUser-Agent: Linux-DUC/2.1.9\r\n\r\n`;
    },
    judge: noip2,
    replies: [/^203\.0\.113\.45:1\n$/, /^203\.0\.113\.45:0\n$/],
  },
  {
    client: 'pfSense, FreeDNS',
    address: IP,
    request: (_host, password) => get(`/dynamic/update.php?${password}&address=${IP}`, PFSENSE),
    judge: contains(/has not changed./i, /Updated/i),
    replies: [
      /^Updated host\.dyn\.example\.com to 203\.0\.113\.45 in \d+\.\d+ seconds\n$/,
      /^ERROR: Address 203\.0\.113\.45 has not changed\.\n$/,
    ],
    namesNoHost: true,
  },
  {
    client: 'pfSense, FreeDNS version 2 (v6)',
    address: IP6,
    request: (host, password) => get(`/u/${password}/?hostname=${host}&myip=${IP6}`, PFSENSE),
    judge: contains(/No IP change detected/i, /Updated/i),
    replies: [
      /^Updated 1 host\(s\) host\.dyn\.example\.com to 2001:db8:1:2:3:4:5:6 in /,
      /^No IP change detected for /,
    ],
  },
  {
    client: 'Home Assistant, freedns: the key of FreeDNS with its two equals signs',
    address: '127.0.0.1',
    request: (_host, password) =>
      get(`/dynamic/update.php?${password}%3D%3D=`, 'User-Agent: HomeAssistant/2024.1.0 aiohttp/3.9.1 Python/3.11'),
    judge: ({ body }) => (body.includes('has not changed') || !body.includes('ERROR') ? 'success' : 'wrong'),
    replies: [
      /^Updated host\.dyn\.example\.com to 127\.0\.0\.1 in /,
      /^ERROR: Address 127\.0\.0\.1 has not changed\.\n$/,
    ],
    namesNoHost: true,
  },
  {
    client: 'inadyn, freedns: its own address anywhere in the reply is success',
    address: IP,
    request: (_host, password) =>
      `GET /dynamic/update.php?${password}&address=${IP} HTTP/1.0\r\nHost: freedns.afraid.org\r\n\r\n`,
    judge: ({ status, body }) => {
      if (status >= 500) return 'later';
      return status === 200 && body.includes(IP) ? 'success' : 'wrong';
    },
    replies: [/^Updated host\.dyn\.example\.com to 203\.0\.113\.45 in /, /^ERROR: Address 203\.0\.113\.45 has not /],
    namesNoHost: true,
  },
];

describeWith(BIND_PROGRAMS, 'No-IP and FreeDNS, replayed', () => {
  let lab: Lab;
  let server: RunningDyndns;
  let troubled: RunningDyndns;

  beforeAll(async () => {
    lab = await openLab();
    const options = {
      zones: [{ name: ZONE, tsig_key: lab.key.secret, addresses: { allow: ['127.0.0.1'] } }],
      tokens: [{ name: 'alice', sha256: createHash('sha256').update(KEY).digest('hex'), hosts: [HOST] }],
    };
    server = await lab.serve(options);
    troubled = await lab.serve({ ...options, port: await freePort(), nameserver_timeout_seconds: 1 });
  }, 30_000);

  afterAll(async () => {
    await lab?.stop();
  });

  const replay = async ({ request, judge }: Dialogue, to: RunningDyndns, host: string, password: string) => {
    const reply = parseRaw(await exchangeRaw(to.port, request(host, password), true));
    return { ...reply, verdict: judge(reply) };
  };

  it.each(DIALOGUES)('$client: a new address, then the same', async (dialogue) => {
    await server.ask(`/nic/delete?hostname=${HOST}`, { headers: { Authorization: `Bearer ${SECRET}` } });
    for (const expected of dialogue.replies) {
      const { status, body, verdict } = await replay(dialogue, server, HOST, KEY);
      expect([status, body, verdict]).toEqual([200, expect.stringMatching(expected), 'success']);
    }
    const published = [...(await lab.look(HOST, 'A')), ...(await lab.look(HOST, 'AAAA'))];
    expect(published).toEqual([dialogue.address]);
  });

  it.each(DIALOGUES)('$client: a wrong password, a foreign host and trouble are no success', async (dialogue) => {
    const serial = await lab.serial();
    const wrong = await replay(dialogue, server, HOST, `${KEY.slice(1)}x`);
    expect([wrong.status, wrong.verdict]).toEqual([401, 'wrong']);
    if (!dialogue.namesNoHost) {
      const foreign = await replay(dialogue, server, `other.${ZONE}`, KEY);
      expect([foreign.status, foreign.verdict]).toEqual([200, 'wrong']);
    }
    const trouble = await replay(dialogue, troubled, HOST, KEY);
    expect(trouble.status).toBe(503);
    expect(trouble.verdict).not.toBe('success');
    expect(trouble.head).toMatch(/\r\nretry-after: \d+/i);
    expect(await lab.serial()).toBe(serial);
  });
});
