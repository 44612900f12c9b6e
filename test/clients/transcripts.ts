/**
 * Requests of clients that no Debian package has, octet by octet, and how each client reads the reply. As data.
 *
 * `recorded`: by a raw socket in front of the program. `source`: as its published source composes it. `published`: from the
 * vendor's documents or its users' logs; such a client may send more headers than are known.
 */
/** The credential in the forms that the transcripts use. */
export interface Credential {
  /** `user:password` in base64. */
  readonly basic: string;
  /** Percent-encoded for a URL. */
  readonly password: string;
}

export interface Reply {
  readonly status: number;
  /** Headers and status line. */
  readonly head: string;
  readonly body: string;
}

/** How a client judges a reply; `later`: it retries by itself; `wrong`: it notifies its user, or stops. */
export type Verdict = 'success' | 'challenge' | 'wrong' | 'later';

export interface Transcript {
  readonly client: string;
  readonly provenance: 'recorded' | 'source' | 'published';
  /** Lines end in CRLF on the wire; an empty line ends the head. `HOST` is replaced by the host. */
  readonly request: (credential: Credential, host: string) => string;
  /** The part after `good ` in the reply for a new host. */
  readonly addresses: string;
  readonly judge: (reply: Reply, sent: string) => Verdict;
  /** Refusals with status 200 that this client mistakes for success. */
  readonly blind?: true;
  /** Ignores the status, so it does not retry before its next interval. */
  readonly ignoresStatus?: true;
}

const IP = '203.0.113.45';
const IP6 = '2001:db8:1:2:3:4:5:6';

const lines = (...head: string[]) => `${head.join('\r\n')}\r\n\r\n`;

/** inadyn's `custom`: words of success anywhere, in any case; 401 and other replies with 200 stop it; 5xx is retried. */
function inadyn({ status, body }: Reply): Verdict {
  if (status >= 500) return 'later';
  if (status === 200 && /OK|good|true|updated|nochg/i.test(body)) return 'success';
  return 'wrong';
}

/** ddclient from 3.11: the first word of each line, case-sensitive; any unknown word is a failure. */
function ddclient({ status, body }: Reply): Verdict {
  if (status >= 500 || status === 429) return 'later';
  if (status < 200 || status >= 300) return 'wrong';
  const words = body
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ')[0]);
  return words.every((word) => word === 'good' || word === 'nochg') ? 'success' : 'wrong';
}

/** `grep -iE "good|nochg"` on the body of a successful transfer. */
function openwrt({ status, head, body }: Reply): Verdict {
  if (status === 401 && /\r\nwww-authenticate: basic realm="/i.test(head)) return 'challenge';
  if (status < 200 || status >= 300) return 'later';
  return /good|nochg/i.test(body) ? 'success' : 'wrong';
}

/** Searches the words anywhere, in this order. */
function pfsense({ body }: Reply): Verdict {
  if (/notfqdn/i.test(body)) return 'wrong';
  return /nochg|good/i.test(body) ? 'success' : 'wrong';
}

/** "Result Match": the trimmed body equals one of the alternatives. */
function pfsenseCustom({ body }: Reply): Verdict {
  const text = body.replace(/^[\t\r\n]+|[\t\r\n]+$/g, '');
  return `good ${IP}|nochg ${IP}`.split('|').includes(text) ? 'success' : 'wrong';
}

const byStatus = ({ status }: Reply): Verdict => (status >= 200 && status < 300 ? 'success' : 'wrong');

/** The body must begin with one of these; anything else is "unknown error". */
function synology({ body }: Reply): Verdict {
  const word = /^(good|nochg|nohost|abuse|notfqdn|badauth|911|badagent|badresolv|badconn)/.exec(body)?.[1];
  if (word === undefined) throw new Error(`DSM shows "unknown error" for ${JSON.stringify(body)}`);
  return word === '911' ? 'later' : word === 'good' || word === 'nochg' ? 'success' : 'wrong';
}

/** Searches the whole body for errors, then for success. */
function tomato({ status, body }: Reply): Verdict {
  if (status === 401) return 'wrong';
  for (const word of ['notfqdn', '!yours', 'abuse', 'nohost', 'numhost', 'dnserr', 'badauth', 'badsys', 'badagent'])
    if (body.includes(word)) return 'wrong';
  if (body.includes('911')) return 'later';
  return body.includes('good') || body.includes('nochg') ? 'success' : 'wrong';
}

/** The body begins with a word of success, or, trimmed, is a key of a table of errors. Any other body crashes it. */
function homeAssistant({ body }: Reply): Verdict {
  const text = body.trim();
  if (text.startsWith('good') || text.startsWith('nochg')) return 'success';
  if (!['nohost', 'badauth', 'badagent', '!donator', 'abuse', '911'].includes(text)) {
    throw new Error(`a KeyError for ${JSON.stringify(text)}`);
  }
  return text === '911' ? 'later' : 'wrong';
}

/** A word, one space and the address. */
function dyndnsc({ status, body }: Reply): Verdict {
  if (status >= 500) return 'later';
  return status === 200 && /^(good|nochg) \S/.test(body) ? 'success' : 'wrong';
}

/** The word, then the address that was sent. */
function qdm12({ status, body }: Reply, sent: string): Verdict {
  if (status !== 200) return status >= 500 ? 'later' : 'wrong';
  const address = /(?:good|nochg) (\S+)/.exec(body)?.[1];
  return address !== undefined && sent.includes(`myip=${address}`) ? 'success' : 'wrong';
}

/** Searches the text of success; compares the address with DNS some minutes later. */
const fritzbox = ({ body }: Reply): Verdict => (/^(good|nochg)/.test(body) ? 'success' : 'wrong');

const fritz = (target: string, password: boolean) => (credential: Credential, host: string) =>
  lines(
    `GET ${target.replaceAll('HOST', host).replaceAll('PASS', credential.password)} HTTP/1.1`,
    'Host: dyndns.example.com',
    'User-Agent: Fritz!Box DDNS/1.0.1',
    ...(password ? [`Authorization: Basic ${credential.basic}`] : []),
    'Connection: close',
  );

const inadynRequest = (target: string) => (credential: Credential, host: string) =>
  lines(
    `GET ${target.replaceAll('HOST', host).replaceAll('PASS', credential.password)} HTTP/1.0`,
    'Host: 127.0.0.1',
    `Authorization: Basic ${credential.basic}`,
    'User-Agent: inadyn/2.10.0 https://github.com/troglobit/inadyn/issues',
  );

const wget = (authorized: boolean) => (credential: Credential, host: string) =>
  lines(
    `GET /nic/update?hostname=${host}&myip=${IP} HTTP/1.1`,
    'Host: 127.0.0.1:18301',
    'User-Agent: Wget/1.21.3',
    'Accept: */*',
    'Accept-Encoding: identity',
    'Connection: Keep-Alive',
    ...(authorized ? [`Authorization: Basic ${credential.basic}`] : []),
  );

/** OPNsense's and Home Assistant's Python libraries send these. */
const python = (method: string, target: string, agent: string, more: readonly string[]) =>
  lines(
    `${method} ${target} HTTP/1.1`,
    'Host: dyndns.example.com',
    `User-Agent: ${agent}`,
    'Accept-Encoding: gzip, deflate',
    'Accept: */*',
    'Connection: keep-alive',
    ...more,
  );

export const CHALLENGED: Transcript = {
  client: 'OpenWrt ddns-scripts with GNU wget: the first request, without a credential',
  provenance: 'recorded',
  request: wget(false),
  addresses: '',
  judge: openwrt,
};

export const TRANSCRIPTS: readonly Transcript[] = [
  {
    client: 'FRITZ!Box, IPv4',
    provenance: 'published',
    request: fritz(`/nic/update?hostname=HOST&myip=${IP}`, true),
    addresses: IP,
    judge: fritzbox,
    ignoresStatus: true,
  },
  {
    client: 'FRITZ!Box, both families in one parameter',
    provenance: 'published',
    request: fritz(`/nic/update?hostname=HOST&myip=${IP},${IP6}`, true),
    addresses: `${IP},${IP6}`,
    judge: fritzbox,
    ignoresStatus: true,
  },
  {
    client: 'FRITZ!Box, a token in the URL, no IPv6 yet: its placeholders are empty',
    provenance: 'published',
    request: fritz(`/nic/update?hostname=HOST&token=PASS&myip=${IP}&myipv6=&ip6lanprefix=`, false),
    addresses: IP,
    judge: fritzbox,
    ignoresStatus: true,
  },
  {
    client: 'FRITZ!Box, with the prefix of the network behind it',
    provenance: 'published',
    request: fritz(
      `/nic/update?hostname=HOST&myip=${IP},${IP6}&ip6lanprefix=2001:db8:2:1f00::/56&_ip6addr=${IP6}`,
      true,
    ),
    addresses: `${IP},${IP6}`,
    judge: fritzbox,
    ignoresStatus: true,
  },
  {
    client: 'FRITZ!Box, older firmware: two URLs sent as one',
    provenance: 'published',
    request: fritz(
      `/nic/update?hostname=HOST&myip=${IP}%20http:/ipv6.dyndns.example.com/nic/update?hostname=HOST&myip=${IP6}`,
      true,
    ),
    addresses: IP,
    judge: fritzbox,
    ignoresStatus: true,
  },
  {
    client: 'FRITZ!Box, a URL put together by hand that is no address in one part',
    provenance: 'published',
    request: fritz(`/nic/update?hostname=HOST&myipv4=${IP}&myipv6=2a00::/64&:8:a:5:8b61`, true),
    addresses: `${IP}`,
    judge: fritzbox,
    ignoresStatus: true,
  },
  {
    client: 'UniFi gateway (inadyn): a doubled slash',
    provenance: 'published',
    request: inadynRequest(`//nic/update?hostname=HOST&myip=${IP}`),
    addresses: IP,
    judge: inadyn,
  },
  {
    client: 'UniFi gateway (inadyn): a slash and a backslash',
    provenance: 'published',
    request: inadynRequest(`/\\/nic/update?hostname=HOST&myip=${IP}`),
    addresses: IP,
    judge: inadyn,
  },
  {
    client: 'Asuswrt-Merlin, UniFi (inadyn custom), IPv6',
    provenance: 'recorded',
    request: inadynRequest('/nic/update?hostname=HOST&myip=2001%3adb8%3a1%3a2%3a3%3a4%3a5%3a6'),
    addresses: IP6,
    judge: inadyn,
  },
  {
    client: 'inadyn, ipv64 plugin: the host is in token',
    provenance: 'source',
    request: inadynRequest(`/nic/update?hostname=HOST&token=HOST&ip=${IP}`),
    addresses: IP,
    judge: inadyn,
  },
  {
    client: 'OpenWrt ddns-scripts with GNU wget: the second request',
    provenance: 'recorded',
    request: wget(true),
    addresses: IP,
    judge: openwrt,
  },
  {
    client: 'OpenWrt ddns-scripts: user and password in the URL, /v3/update',
    provenance: 'source',
    request: ({ password }, host) =>
      lines(
        `GET /v3/update?hostname=${host}&username=none&password=${password}&myip=${IP} HTTP/1.1`,
        'Host: dyndns.example.com',
        'User-Agent: uclient-fetch',
        'Connection: close',
      ),
    addresses: IP,
    judge: openwrt,
  },
  {
    client: 'ddclient 3.11.2, both families',
    provenance: 'recorded',
    request: ({ basic }, host) =>
      lines(
        `GET /nic/update?system=dyndns&hostname=${host}&myip=${IP},${IP6} HTTP/1.1`,
        'Host: 127.0.0.1:18081',
        `Authorization: Basic ${basic}`,
        'User-Agent: ddclient/3.11.2',
        'Accept: */*',
      ),
    addresses: `${IP},${IP6}`,
    judge: ddclient,
  },
  {
    client: 'ddclient 4.0.1-rc.2, both families',
    provenance: 'recorded',
    request: ({ basic }, host) =>
      lines(
        `GET /nic/update?hostname=${host}&myip=${IP},${IP6} HTTP/1.1`,
        'Host: 127.0.0.1:18081',
        `Authorization: Basic ${basic}`,
        'User-Agent: ddclient/4.0.1-rc.2',
        'Accept: */*',
      ),
    addresses: `${IP},${IP6}`,
    judge: ddclient,
  },
  {
    client: 'ddclient 4, protocol dynu',
    provenance: 'recorded',
    request: ({ basic }, host) =>
      lines(
        `GET /nic/update?hostname=${host}&myip=${IP}&myipv6=${IP6} HTTP/1.1`,
        'Host: 127.0.0.1:18081',
        `Authorization: Basic ${basic}`,
        'User-Agent: ddclient/4.0.1-rc.2',
        'Accept: */*',
      ),
    addresses: `${IP},${IP6}`,
    judge: ddclient,
  },
  {
    client: 'pfSense, DynDNS (custom host)',
    provenance: 'source',
    request: ({ basic }, host) =>
      lines(
        `GET /nic/update?system=dyndns&hostname=${host}&myip=${IP}&wildcard=OFF&mx=&backmx=NO HTTP/1.1`,
        'Host: dyndns.example.com',
        `Authorization: Basic ${basic}`,
        'User-Agent: phpDynDNS/0.7',
        'Accept: */*',
      ),
    addresses: IP,
    judge: pfsense,
    ignoresStatus: true,
  },
  {
    client: 'pfSense, Custom with a result match',
    provenance: 'source',
    request: ({ basic }, host) =>
      lines(
        `GET /nic/update?hostname=${host}&myip=${IP} HTTP/1.1`,
        'Host: dyndns.example.com',
        `Authorization: Basic ${basic}`,
        'User-Agent: phpDynDNS/0.7',
        'Accept: */*',
      ),
    addresses: IP,
    judge: pfsenseCustom,
    ignoresStatus: true,
  },
  {
    client: 'pfSense, a multipart form as its Google Domains service posts it',
    provenance: 'source',
    request: ({ basic }, host) => {
      const part = (name: string, value: string) =>
        `--------------------------8a3f0c1d2e4b5a69\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
      const body = `${part('hostname', host)}${part('myip', IP)}--------------------------8a3f0c1d2e4b5a69--\r\n`;
      const head = lines(
        'POST /nic/update HTTP/1.1',
        'Host: dyndns.example.com',
        `Authorization: Basic ${basic}`,
        'User-Agent: phpDynDNS/0.7',
        'Accept: */*',
        `Content-Length: ${body.length}`,
        'Content-Type: multipart/form-data; boundary=------------------------8a3f0c1d2e4b5a69',
      );
      return head + body;
    },
    addresses: IP,
    judge: pfsense,
    ignoresStatus: true,
  },
  {
    client: 'OPNsense, native backend',
    provenance: 'source',
    request: ({ basic }, host) =>
      python('GET', `/nic/update?hostname=${host}&myip=${IP}&wildcard=NOCHG`, 'OPNsense-dyndns', [
        `Authorization: Basic ${basic}`,
      ]),
    addresses: IP,
    judge: byStatus,
    blind: true,
  },
  {
    client: 'OPNsense, native backend, deSEC',
    provenance: 'source',
    request: ({ password }, host) =>
      python('GET', `/nic/update?hostname=${host}&myipv4=${IP}&myipv6=preserve`, 'OPNsense-dyndns', [
        `Authorization: Token ${decodeURIComponent(password)}`,
      ]),
    addresses: IP,
    judge: byStatus,
    blind: true,
  },
  {
    client: 'OPNsense, Custom PUT',
    provenance: 'source',
    request: ({ basic }, host) =>
      python('PUT', `/nic/update?hostname=${host}&myip=${IP}`, 'OPNsense-dyndns', [
        'Content-Length: 0',
        `Authorization: Basic ${basic}`,
      ]),
    addresses: IP,
    judge: byStatus,
    blind: true,
  },
  {
    client: 'MikroTik RouterOS, /tool fetch',
    provenance: 'published',
    request: ({ basic }, host) =>
      lines(
        `GET /nic/update?hostname=${host}&myip=${IP} HTTP/1.1`,
        'Host: dyndns.example.com',
        `Authorization: Basic ${basic}`,
        'User-Agent: Mikrotik/7.x Fetch',
        'Connection: close',
      ),
    addresses: IP,
    judge: byStatus,
    blind: true,
  },
  {
    client: 'Synology DSM, customized provider',
    provenance: 'published',
    request: ({ password }, host) =>
      lines(
        `GET /nic/update?hostname=${host}&myip=${IP}&username=none&password=${password} HTTP/1.1`,
        'Host: dyndns.example.com',
        'Accept: */*',
      ),
    addresses: IP,
    judge: synology,
  },
  {
    client: 'Synology DSM, as its built-in providers are asked',
    provenance: 'published',
    request: ({ basic }, host) =>
      lines(
        `GET /nic/update?hostname=${host}&myip=${IP}&system=dyndns&wildcard=NOCHG&mx=NOCHG&backmx=NOCHG HTTP/1.1`,
        'Host: dyndns.example.com',
        `Authorization: Basic ${basic}`,
        'Accept: */*',
      ),
    addresses: IP,
    judge: synology,
  },
  {
    client: 'FreshTomato',
    provenance: 'source',
    request: ({ basic }, host) =>
      lines(
        `GET /nic/update?system=dyndns&hostname=${host}&mx=&backmx=NO&myip=${IP}&wildcard=OFF HTTP/1.0`,
        'Host: dyndns.example.com',
        'User-Agent: Mozilla/5.0 (compatible)',
        'Cache-Control: no-cache',
        `Authorization: Basic ${basic}`,
      ),
    addresses: IP,
    judge: tomato,
  },
  {
    client: 'Home Assistant, no_ip: the address is its own',
    provenance: 'source',
    request: ({ basic }, host) =>
      python('GET', `/nic/update?hostname=${host}`, 'HomeAssistant/2024.1.0 aiohttp/3.9.1 Python/3.11', [
        `Authorization: Basic ${basic}`,
      ]),
    addresses: '127.0.0.1',
    judge: homeAssistant,
  },
  {
    client: 'dyndnsc',
    provenance: 'source',
    request: ({ basic }, host) =>
      python('GET', `/nic/update?myip=${IP}&hostname=${host}`, 'dyndnsc/0.6.1', [`Authorization: Basic ${basic}`]),
    addresses: IP,
    judge: dyndnsc,
  },
  {
    client: 'qdm12 ddns-updater',
    provenance: 'source',
    request: ({ basic }, host) =>
      lines(
        `GET /v3/update?hostname=${host}&myip=${IP} HTTP/1.1`,
        'Host: dyndns.example.com',
        'User-Agent: DDNS-Updater',
        `Authorization: Basic ${basic}`,
        'Accept-Encoding: gzip',
      ),
    addresses: IP,
    judge: qdm12,
  },
  {
    client: 'DrayTek Vigor: a form type and no body',
    provenance: 'published',
    request: ({ basic }, host) =>
      lines(
        `GET /nic/update?hostname=${host}&myip=${IP} HTTP/1.1`,
        'Host: dyndns.example.com',
        `Authorization: Basic ${basic}`,
        'Content-Type: application/x-www-form-urlencoded',
        'Content-Length: 0',
      ),
    addresses: IP,
    judge: fritzbox,
    ignoresStatus: true,
  },
  {
    client: 'DD-WRT, custom: the host stands alone behind the question mark',
    provenance: 'published',
    request: ({ basic }, host) => lines(`GET /nic/update?${host} HTTP/1.0`, `Authorization: Basic ${basic}`),
    addresses: '127.0.0.1',
    judge: inadyn,
  },
  {
    client: 'a client with the host as user name',
    provenance: 'published',
    request: ({ password }, host) =>
      lines(
        `GET /nic/update?myip=${IP} HTTP/1.1`,
        'Host: dyndns.example.com',
        `Authorization: Basic ${Buffer.from(`${host}:${decodeURIComponent(password)}`).toString('base64')}`,
      ),
    addresses: IP,
    judge: dyndnsc,
  },
];
