/** The octets that the HTTP libraries of clients of the PowerDNS API send. `KEY` stands for the key. */
import { Buffer } from 'node:buffer';

export const ZONE = 'dyn.example.com';
export const ZONE_NAME = `${ZONE}.`;
export const SERVER = '/api/v1/servers/localhost';
export const ZONE_PATH = `${SERVER}/zones/${ZONE_NAME}`;

export interface Reply {
  readonly status: number;
  /** Headers and status line. */
  readonly head: string;
  readonly body: string;
}

function octets(method: string, path: string, headers: readonly string[], body = ''): string {
  return `${[`${method} ${path} HTTP/1.1`, ...headers].join('\r\n')}\r\n\r\n${body}`;
}

const HOST = 'Host: dyndns.example.com:8081';
const length = (body: string) => `Content-Length: ${Buffer.byteLength(body)}`;

export interface GoOptions {
  readonly userAgent?: string;
  /** Beside the key; sent in alphabetical order. */
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** net/http of Go: `X-API-Key` is sent as `X-Api-Key`; a PUT without a body has its length. */
export function go(method: string, path: string, options: GoOptions = {}): string {
  const { userAgent = 'Go-http-client/1.1', headers = [], body } = options;
  const framing = body === undefined ? (method === 'GET' ? [] : ['Content-Length: 0']) : [length(body)];
  const sorted = [...headers, 'X-Api-Key: KEY'].sort();
  return octets(method, path, [HOST, `User-Agent: ${userAgent}`, ...framing, ...sorted, 'Accept-Encoding: gzip'], body);
}

/** json.Marshal; an Encoder ends the text with a line feed. */
export const goJson = (value: unknown) => JSON.stringify(value);
export const goEncoded = (value: unknown) => `${JSON.stringify(value)}\n`;

/** json.dumps of Python: a space after each comma and colon. */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, field]) => `${JSON.stringify(name)}: ${pythonJson(field)}`)
    .join(', ')}}`;
}

export interface PythonOptions {
  readonly userAgent: string;
  readonly body?: string;
  /** The library's `json=`, which sets the type itself, after the length. */
  readonly json?: true;
}

/** requests of Python. */
export function python(method: string, path: string, { userAgent, body, json }: PythonOptions): string {
  const common = ['Accept-Encoding: gzip, deflate', 'Accept: */*', 'Connection: keep-alive', 'X-API-Key: KEY'];
  const framing = body === undefined ? (method === 'GET' ? [] : ['Content-Length: 0']) : [length(body)];
  const type = body === undefined ? [] : ['Content-Type: application/json'];
  const last = json ? [...framing, ...type] : [...type, ...framing];
  return octets(method, path, [HOST, `User-Agent: ${userAgent}`, ...common, ...last], body);
}

/** curl of acme.sh: no Content-Length without a body, even in a PUT. */
export function curl(method: string, path: string, body?: string): string {
  const type = body === undefined ? [] : ['Content-Type: application/json'];
  const framing = body === undefined ? [] : [length(body)];
  const agent = 'User-Agent: acme.sh/3.1.4 (https://github.com/acmesh-official/acme.sh)';
  return octets(method, path, [HOST, agent, 'Accept: */*', ...type, 'X-API-Key: KEY', ...framing], body);
}

/** wget of acme.sh: a PUT without data is an empty form. */
export function wgetPut(path: string): string {
  const agent = 'User-Agent: acme.sh/3.1.4 (https://github.com/acmesh-official/acme.sh)';
  const rest = ['Accept: */*', 'Accept-Encoding: identity', HOST, 'Connection: Keep-Alive', 'X-API-Key: KEY'];
  return octets('PUT', path, [agent, ...rest, 'Content-Type: application/x-www-form-urlencoded', 'Content-Length: 0']);
}

/** LWP of Perl. */
export function perl(method: string, path: string, value?: unknown): string {
  const body = value === undefined ? undefined : JSON.stringify(value);
  const framing = body === undefined ? [] : [length(body)];
  const start = ['TE: deflate,gzip;q=0.3', 'Connection: TE, close', HOST, 'User-Agent: libwww-perl/6.68'];
  const type = 'Content-Type: application/json; charset=UTF-8';
  return octets(method, path, [...start, ...framing, type, 'X-API-Key: KEY'], body);
}
