/**
 * Requests of clients of DuckDNS, dynv6 and freemyip, octet by octet, and how each client reads the reply. As data, like
 * transcripts.ts.
 */
import type { Reply, Transcript, Verdict } from './transcripts.ts';

/** The host of the requests, for its token and its clients. */
export const LABEL = 'home';

/** The published records after the request. */
interface Published {
  readonly A: readonly string[];
  readonly AAAA: readonly string[];
  /** The text at `_acme-challenge.` of the host; in quotes. */
  readonly TXT: readonly string[];
}

export interface TokenTranscript {
  readonly client: string;
  readonly provenance: Transcript['provenance'];
  /** `NAME` is replaced by the whole name of the host, `TOKEN` by its token. */
  readonly request: string;
  /** The result for a host with 192.0.2.1, 2001:db8::1 and the text "old". */
  readonly published: Partial<Published>;
  /** The bodies of the replies to the request and to its repetition. */
  readonly replies: readonly [string, string];
  readonly judge: (reply: Reply) => Verdict;
  /** Ignores the status, so it does not retry before its next interval. */
  readonly ignoresStatus?: true;
}

const IP = '203.0.113.45';
const IP6 = '2001:db8:1:2:3:4:5:6';
const TEXT = 'XKrxpRBosdIKFzxW_CT3KLZNf6q0HG9i01zxXp5CPBs';

const lines = (...head: string[]) => `${head.join('\r\n')}\r\n\r\n`;
const HOST = 'Host: dyndns.example.com';

const homeAssistantRequest = (query: string) =>
  lines(
    `GET /update?domains=${LABEL}&token=TOKEN${query} HTTP/1.1`,
    HOST,
    'User-Agent: HomeAssistant/2024.1.0 aiohttp/3.9.1 Python/3.11',
    'Accept: */*',
    'Accept-Encoding: gzip, deflate',
  );
const curl = (target: string) => lines(`GET ${target} HTTP/1.1`, HOST, 'User-Agent: curl/7.88.1', 'Accept: */*');
const go = (target: string) =>
  lines(`GET ${target} HTTP/1.1`, HOST, 'User-Agent: Go-http-client/1.1', 'Accept-Encoding: gzip');
const uclient = (target: string) =>
  lines(`GET ${target} HTTP/1.1`, HOST, 'User-Agent: uclient-fetch', 'Connection: close');
const inadynRequest = (target: string) =>
  lines(`GET ${target} HTTP/1.0`, HOST, 'User-Agent: inadyn/2.10.0 https://github.com/troglobit/inadyn/issues');
const ddclientRequest = (version: string, target: string) =>
  lines(`GET ${target} HTTP/1.1`, HOST, `User-Agent: ddclient/${version}`, 'Connection: close');

/** The body is exactly the word. */
const word = ({ body }: Reply): Verdict => (body === 'OK' ? 'success' : 'wrong');

/** The last line contains the word; only replies with 2xx are read. */
function ddclient310({ status, body }: Reply): Verdict {
  if (status < 200 || status >= 300) return 'later';
  return /OK/.test(body.split('\n').at(-1) ?? '') ? 'success' : 'wrong';
}

/** The body without one line feed is the word. */
function ddclient4({ status, body }: Reply): Verdict {
  if (status < 200 || status >= 300) return 'later';
  return body.replace(/\n$/, '') === 'OK' ? 'success' : 'wrong';
}

/** The body of a reply with 200 contains the words; 5xx is retried. */
const inadyn =
  (...words: readonly string[]) =>
  ({ status, body }: Reply): Verdict => {
    if (status >= 500) return 'later';
    return status === 200 && words.some((one) => body.includes(one)) ? 'success' : 'wrong';
  };

/** `grep -iE` on the body of a successful transfer. */
const openwrt =
  (answer: RegExp) =>
  ({ status, body }: Reply): Verdict => {
    if (status < 200 || status >= 300) return 'later';
    return answer.test(body) ? 'success' : 'wrong';
  };

/** The body begins with `OK`, and its first address of the sent family is the one that was sent. */
const qdm12 =
  (address: string) =>
  ({ status, body }: Reply): Verdict => {
    if (status !== 200) return 'later';
    if (!body.startsWith('OK')) return 'wrong';
    const found = address.includes(':') ? /[0-9a-f]*:[0-9a-f:]+/.exec(body) : /\d+\.\d+\.\d+\.\d+/.exec(body);
    return found?.[0] === address ? 'success' : 'wrong';
  };

/** The body is one of two texts. */
const texts = ({ body }: Reply): Verdict =>
  body === 'addresses updated' || body === 'addresses unchanged' ? 'success' : 'wrong';

/** `curl -f`: any status below 400. */
const curlFails = ({ status }: Reply): Verdict => (status >= 500 ? 'later' : status >= 400 ? 'wrong' : 'success');

/** The first line is the word. */
function freemyipLibrary({ status, body }: Reply): Verdict {
  if (status !== 200) return 'later';
  return body.trim().split('\n')[0] === 'OK' ? 'success' : 'wrong';
}

const OK: TokenTranscript['replies'] = ['OK', 'OK'];
const ADDRESSES: TokenTranscript['replies'] = ['addresses updated', 'addresses unchanged'];

export const TOKEN_TRANSCRIPTS: readonly TokenTranscript[] = [
  {
    client: 'Home Assistant, duckdns: the address is its own',
    provenance: 'source',
    request: homeAssistantRequest(''),
    published: { A: ['127.0.0.1'] },
    replies: OK,
    judge: word,
    ignoresStatus: true,
  },
  {
    client: 'Home Assistant, duckdns.set_txt',
    provenance: 'source',
    request: homeAssistantRequest(`&txt=${TEXT}`),
    published: { TXT: [`"${TEXT}"`] },
    replies: OK,
    judge: word,
    ignoresStatus: true,
  },
  {
    client: 'Home Assistant, duckdns.set_txt without a text',
    provenance: 'source',
    request: homeAssistantRequest('&txt=&clear=true'),
    published: { TXT: [] },
    replies: OK,
    judge: word,
    ignoresStatus: true,
  },
  {
    client: 'the cron job of DuckDNS',
    provenance: 'published',
    request: curl(`/update?domains=${LABEL}&token=TOKEN&ip=`),
    published: { A: ['127.0.0.1'] },
    replies: OK,
    judge: word,
    ignoresStatus: true,
  },
  {
    client: 'the cron job of DuckDNS, by path',
    provenance: 'published',
    request: curl(`/update/${LABEL}/TOKEN/${IP}`),
    published: { A: [IP] },
    replies: OK,
    judge: word,
    ignoresStatus: true,
  },
  {
    client: 'ddclient 3.10, duckdns',
    provenance: 'source',
    request: ddclientRequest('3.10.0', `/update?domains=NAME&token=TOKEN&ip=${IP}`),
    published: { A: [IP] },
    replies: OK,
    judge: ddclient310,
  },
  {
    client: 'ddclient 4, duckdns, both families',
    provenance: 'source',
    request: ddclientRequest('4.0.0', `/update?domains=NAME&token=TOKEN&ip=${IP}&ipv6=${IP6}`),
    published: { A: [IP], AAAA: [IP6] },
    replies: OK,
    judge: ddclient4,
  },
  {
    client: 'inadyn, duckdns',
    provenance: 'source',
    request: inadynRequest(`/update?domains=NAME&token=TOKEN&ip=${IP}`),
    published: { A: [IP] },
    replies: OK,
    judge: inadyn('OK', 'good'),
  },
  {
    client: 'OpenWrt ddns-scripts, duckdns.org, IPv6',
    provenance: 'source',
    request: uclient(`/update?domains=${LABEL}.duckdns.org&token=TOKEN&ipv6=${IP6}`),
    published: { AAAA: [IP6] },
    replies: OK,
    judge: openwrt(/OK/i),
  },
  {
    client: 'qdm12 ddns-updater, duckdns, IPv4',
    provenance: 'source',
    request: go(`/update?domains=${LABEL}.duckdns.org&ip=${IP}&token=TOKEN&verbose=true`),
    published: { A: [IP] },
    replies: [`OK\n${IP}\n2001:db8::1\nUPDATED`, `OK\n${IP}\n2001:db8::1\nNOCHANGE`],
    judge: qdm12(IP),
  },
  {
    client: 'qdm12 ddns-updater, duckdns, IPv6',
    provenance: 'source',
    request: go(`/update?domains=${LABEL}.duckdns.org&ipv6=${encodeURIComponent(IP6)}&token=TOKEN&verbose=true`),
    published: { AAAA: [IP6] },
    replies: [`OK\n192.0.2.1\n${IP6}\nUPDATED`, `OK\n192.0.2.1\n${IP6}\nNOCHANGE`],
    judge: qdm12(IP6),
  },
  {
    client: 'lego, duckdns, present',
    provenance: 'source',
    request: go(`/update?clear=false&domains=${LABEL}.duckdns.org&token=TOKEN&txt=${TEXT}`),
    published: { TXT: [`"${TEXT}"`] },
    replies: OK,
    judge: word,
    ignoresStatus: true,
  },
  {
    client: 'lego, duckdns, cleanup',
    provenance: 'source',
    request: go(`/update?clear=true&domains=${LABEL}.duckdns.org&token=TOKEN&txt=`),
    published: { TXT: [] },
    replies: OK,
    judge: word,
    ignoresStatus: true,
  },
  {
    client: 'acme.sh, dns_duckdns',
    provenance: 'source',
    request: curl(`/update?domains=${LABEL}&token=TOKEN&txt=${TEXT}`),
    published: { TXT: [`"${TEXT}"`] },
    replies: OK,
    judge: word,
    ignoresStatus: true,
  },
  {
    client: 'the script of dynv6, IPv6',
    provenance: 'published',
    request: curl(`/api/update?hostname=NAME&ipv6=${IP6}/128&token=TOKEN`),
    published: { AAAA: [IP6] },
    replies: ADDRESSES,
    judge: curlFails,
  },
  {
    client: 'the script of dynv6 with netmask=64',
    provenance: 'published',
    request: curl(`/api/update?hostname=NAME&ipv6=${IP6}/64&token=TOKEN`),
    published: { AAAA: [IP6] },
    replies: ADDRESSES,
    judge: curlFails,
  },
  {
    client: 'the script of dynv6, IPv4',
    provenance: 'published',
    request: curl('/api/update?hostname=NAME&ipv4=auto&token=TOKEN'),
    published: { A: ['127.0.0.1'] },
    replies: ADDRESSES,
    judge: curlFails,
  },
  {
    client: 'a script that compares the reply of dynv6',
    provenance: 'published',
    request: curl(`/api/update?zone=NAME&ipv4=${IP}&token=TOKEN`),
    published: { A: [IP] },
    replies: ADDRESSES,
    judge: texts,
    ignoresStatus: true,
  },
  {
    client: 'inadyn, dynv6, IPv4: the address is its own',
    provenance: 'source',
    request: inadynRequest('/api/update?ipv4=auto&hostname=NAME&token=TOKEN'),
    published: { A: ['127.0.0.1'] },
    replies: ADDRESSES,
    judge: inadyn('updated', 'unchanged'),
  },
  {
    client: 'OpenWrt ddns-scripts, dynv6.com, IPv6',
    provenance: 'source',
    request: uclient(`/api/update?hostname=NAME&token=TOKEN&ipv6=${IP6}`),
    published: { AAAA: [IP6] },
    replies: ADDRESSES,
    judge: openwrt(/updated|unchanged/i),
  },
  {
    client: 'FRITZ!Box with the URL for dynv6: no IPv6 yet, its placeholders are empty',
    provenance: 'published',
    request: lines(
      `GET /api/update?hostname=NAME&token=TOKEN&ipv4=${IP}&ipv6=&ipv6prefix= HTTP/1.1`,
      HOST,
      'User-Agent: Fritz!Box DDNS/1.0.1',
      'Connection: close',
    ),
    published: { A: [IP] },
    replies: ADDRESSES,
    judge: curlFails,
  },
  {
    client: 'ddclient 3.10, freemyip: the address is its own',
    provenance: 'source',
    request: ddclientRequest('3.10.0', '/update?token=TOKEN&domain=NAME'),
    published: { A: ['127.0.0.1'] },
    replies: OK,
    judge: ddclient310,
  },
  {
    client: 'curl as freemyip shows it',
    provenance: 'published',
    request: curl(`/update?token=TOKEN&domain=${LABEL}.freemyip.com&myip=${IP}`),
    published: { A: [IP] },
    replies: OK,
    judge: word,
    ignoresStatus: true,
  },
  {
    client: 'lego, freemyip, present',
    provenance: 'source',
    request: go(`/update/?domain=${LABEL}.freemyip.com&token=TOKEN&txt=${TEXT}&verbose=yes`),
    published: { TXT: [`"${TEXT}"`] },
    replies: OK,
    judge: freemyipLibrary,
  },
  {
    client: 'lego, freemyip, cleanup',
    provenance: 'source',
    request: go(`/update/?domain=${LABEL}.freemyip.com&token=TOKEN&txt=null&verbose=yes`),
    published: { TXT: [] },
    replies: OK,
    judge: freemyipLibrary,
  },
  {
    client: 'acme.sh, dns_freemyip, rm',
    provenance: 'source',
    request: curl(`/update?token=TOKEN&domain=_acme-challenge.${LABEL}.freemyip.com&txt=`),
    published: { TXT: [] },
    replies: OK,
    judge: openwrt(/OK/),
  },
];
