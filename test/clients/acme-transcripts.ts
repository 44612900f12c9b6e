/**
 * Requests of acme-dns clients that no Debian package has, octet by octet, and how each client reads the reply. As data,
 * like transcripts.ts: `source` is how the client's published source composes it, with its HTTP library's usual headers.
 */
export interface Reply {
  readonly status: number;
  readonly body: string;
}

export interface Account {
  readonly username: string;
  readonly password: string;
  readonly subdomain: string;
  readonly fulldomain: string;
}

export interface AcmeTranscript {
  readonly client: string;
  readonly provenance: 'source';
  readonly register: string;
  /** What the client reads from the reply; undefined: a failure. */
  readonly readAccount: (reply: Reply) => Partial<Account> | undefined;
  readonly update: (account: Account, txt: string) => string;
  readonly isDone: (reply: Reply, txt: string) => boolean;
}

function post(path: string, headers: readonly string[], body: string): string {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  return `${[`POST ${path} HTTP/1.1`, 'Host: dyndns.example.com', ...headers, length].join('\r\n')}\r\n\r\n${body}`;
}

const keys = ({ username, password }: Account) => [`X-Api-User: ${username}`, `X-Api-Key: ${password}`];

/** Its `sed -n 's/^{.*\"name\":[ ]*\"\([^\"]*\)\".*}/\1/p'`: the whole reply must be one line. */
function acmeShField(body: string, name: string): string | undefined {
  const lines = body.split('\n').map((line) => new RegExp(`^{.*"${name}":[ ]*"([^"]*)".*}`).exec(line)?.[1]);
  return lines.length === 1 ? lines[0] : undefined;
}

const ACME_SH = ['User-Agent: acme.sh/3.0.7 (https://github.com/acmesh-official/acme.sh)', 'Accept: */*'];
const FORM = 'Content-Type: application/x-www-form-urlencoded';
const GO = ['Accept: application/json', 'User-Agent: goacmedns (linux; amd64)'];
/** Up to 0.1.1, which cert-manager and older releases of lego have. */
const GO_OLD = ['User-Agent: goacmedns/0.1.1 (linux; amd64; go1.20.4)'];
const JSON_TYPE = 'Content-Type: application/json';
const PYTHON = [
  'User-Agent: python-requests/2.28.1',
  'Accept-Encoding: gzip, deflate',
  'Accept: */*',
  'Connection: keep-alive',
];

const parsed = ({ status, body }: Reply, expected: number) =>
  status === expected ? (JSON.parse(body) as Account) : undefined;

export const ACME_TRANSCRIPTS: readonly AcmeTranscript[] = [
  {
    client: 'acme.sh, dns_acmedns by curl: JSON under the name of a form',
    provenance: 'source',
    register: post('/register', [...ACME_SH, FORM], ''),
    readAccount: ({ body }) => {
      const of = (name: string) => acmeShField(body, name);
      const fields = [of('username'), of('password'), of('subdomain'), of('fulldomain')];
      if (fields.includes(undefined)) return undefined;
      const [username, password, subdomain, fulldomain] = fields as [string, string, string, string];
      return { username, password, subdomain, fulldomain };
    },
    update: (account, txt) =>
      post('/update', [...ACME_SH, ...keys(account), FORM], `{"subdomain":"${account.subdomain}", "txt": "${txt}"}`),
    // Its grep searches for the value in quotes, with any status.
    isDone: ({ body }, txt) => body.includes(`"${txt}"`),
  },
  {
    client: 'goacmedns 0.1.1 (cert-manager, lego and Traefik until 2024): names of Go fields, no body to register',
    provenance: 'source',
    register: post('/register', [...GO_OLD, JSON_TYPE, 'Accept-Encoding: gzip'], ''),
    readAccount: (reply) => parsed(reply, 201),
    update: (account, txt) =>
      post(
        '/update',
        [...GO_OLD, JSON_TYPE, ...keys(account), 'Accept-Encoding: gzip'],
        JSON.stringify({ SubDomain: account.subdomain, Txt: txt }),
      ),
    isDone: ({ status }) => status === 200,
  },
  {
    client: 'goacmedns 0.1.1 with allowed sources',
    provenance: 'source',
    register: post(
      '/register',
      [...GO_OLD, JSON_TYPE, 'Accept-Encoding: gzip'],
      JSON.stringify({ AllowFrom: ['192.0.2.0/24'] }),
    ),
    readAccount: (reply) => {
      const account = parsed(reply, 201) as (Account & { readonly allowfrom: readonly string[] }) | undefined;
      return account?.allowfrom.join() === '192.0.2.0/24' ? account : undefined;
    },
    update: (account, txt) =>
      post(
        '/update',
        [...GO_OLD, JSON_TYPE, ...keys(account), 'Accept-Encoding: gzip'],
        JSON.stringify({ SubDomain: account.subdomain, Txt: txt }),
      ),
    isDone: ({ status }) => status === 200,
  },
  {
    client: 'goacmedns 0.2.0 (lego, Traefik): a nil structure is sent as null',
    provenance: 'source',
    register: post('/register', [...GO, JSON_TYPE, 'Accept-Encoding: gzip'], 'null\n'),
    readAccount: (reply) => parsed(reply, 201),
    update: (account, txt) =>
      post(
        '/update',
        [...GO, JSON_TYPE, ...keys(account), 'Accept-Encoding: gzip'],
        `${JSON.stringify({ subdomain: account.subdomain, txt })}\n`,
      ),
    isDone: ({ status }) => status === 200,
  },
  {
    client: 'win-acme, Certify: JSON as plain text',
    provenance: 'source',
    register: post('/register', ['Content-Type: text/plain; charset=utf-8'], '{}'),
    readAccount: (reply) => parsed(reply, 201),
    update: (account, txt) =>
      post(
        '/update',
        [...keys(account), 'Content-Type: text/plain; charset=utf-8'],
        JSON.stringify({ subdomain: account.subdomain, txt }),
      ),
    isDone: ({ status }) => status === 200,
  },
  {
    client: 'acme-dns-certbot, requests of Python: JSON without a type',
    provenance: 'source',
    register: post('/register', PYTHON, ''),
    readAccount: (reply) => parsed(reply, 201),
    update: (account, txt) =>
      post('/update', [...PYTHON, ...keys(account)], `{"subdomain": "${account.subdomain}", "txt": "${txt}"}`),
    isDone: ({ status }) => status === 200,
  },
];
