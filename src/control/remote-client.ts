/**
 * The operations of a server on another machine, over its HTTP API with a management key. Certificates are always verified,
 * redirects are not followed, and the key is sent only to the host of the URL.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Operations } from '../core/admin/operations.ts';
import { parseIpAddress } from '../dns/address.ts';
import { ControlError } from './control-error.ts';
import { OperationClient } from './operation-client.ts';

/** Without an octet in this time the connection counts as lost; a check of many zones takes some seconds. */
const IDLE_MS = 120_000;

export interface RemoteServer {
  /** As `parseRemoteUrl` returns it. */
  readonly url: URL;
  readonly key: string;
}

/**
 * The URL of an HTTP API: a path in front of `/v1` stays, `/v1` itself is optional. Undefined: it is not such a URL, or it has a
 * user, a query or a fragment.
 */
export function parseRemoteUrl(text: string): URL | undefined {
  if (!/^https?:\/\//i.test(text) || text.length > 2048 || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (`${url.username}${url.password}${url.search}${url.hash}` !== '' || /[?#]/.test(text)) return undefined;
  let path = url.pathname;
  while (path.endsWith('/')) path = path.slice(0, -1);
  url.pathname = path.endsWith('/v1') ? path.slice(0, -'/v1'.length) : path;
  return url;
}

/** Whether a key must not be sent there: in clear text to another machine. */
export function isExposed({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:' || hostname === 'localhost') return false;
  const address = parseIpAddress(hostname.replace(/^\[|\]$/g, ''));
  return !(address?.text === '::1' || (address?.family === 4 && address.text.startsWith('127.')));
}

export function remoteClient({ url, key }: RemoteServer): Operations {
  const shown = url.href.replace(/\/$/, '');
  const base = url.pathname === '/' ? '' : url.pathname;
  const isHttps = url.protocol === 'https:';
  const agentOptions = { keepAlive: true, maxSockets: 1 };
  const https = new HttpsAgent(agentOptions);
  const http = new HttpAgent(agentOptions);
  return new OperationClient({
    request: ({ method, path, headers }): ClientRequest => {
      const options = {
        protocol: url.protocol,
        hostname: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port,
        method: method ?? 'GET',
        path: `${base}${path}`,
        headers: { ...headers, Accept: 'application/json', Authorization: `Bearer ${key}` },
        timeout: IDLE_MS,
      };
      const request = isHttps
        ? // Also where NODE_TLS_REJECT_UNAUTHORIZED disables it for others.
          httpsRequest({ ...options, agent: https, rejectUnauthorized: true })
        : httpRequest({ ...options, agent: http });
      return request.on('timeout', () => request.destroy(new Error(`no reply within ${IDLE_MS / 1000} seconds`)));
    },
    connectionLost: (cause) => new ControlError(describeFailure(shown, cause), { cause }),
    refuseReply: (response) => refuseReply(shown, response),
  });
}

/** The reply of a proxy, of another server, or of one without the HTTP API. */
function refuseReply(shown: string, { statusCode = 0, headers }: IncomingMessage): Error | undefined {
  const type = headers['content-type'] ?? '';
  if (statusCode >= 200 && statusCode < 300) {
    return /^(?:application\/json|text\/)/.test(type) && !/html/.test(type)
      ? undefined
      : notTheApi(shown, statusCode, type);
  }
  if (statusCode >= 300 && statusCode < 400) {
    return new ControlError(
      `The server at ${shown} redirects to another URL (status ${statusCode}), and a key is not sent there. Use that URL for --remote.`,
    );
  }
  return type.startsWith('application/problem+json') ? undefined : notTheApi(shown, statusCode, type);
}

function notTheApi(shown: string, status: number, type: string): Error {
  const kind = type === '' ? '' : `, ${type.split(';', 1)[0]!.slice(0, 60).replace(/[^\w/+.-]/g, '?')}`;
  return new ControlError(
    `What answers at ${shown} is not the HTTP API of dyndns (status ${status}${kind}). Check the URL, 'admin.enabled' of the server, and the proxy in front of it.`,
  );
}

function describeFailure(shown: string, cause: unknown): string {
  const { code = '', message = String(cause) } = cause as NodeJS.ErrnoException;
  if (/CERT|SIGNATURE|ISSUER|SELF_SIGNED|ALTNAME/.test(code)) {
    return `The certificate of ${shown} is not valid (${code}): ${message}. For an authority of your own, set NODE_EXTRA_CA_CERTS to its file.`;
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return `What answers at ${shown} does not speak HTTPS (${code}). Nothing was changed.`;
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `The name of ${shown} cannot be resolved (${code}).`;
  if (['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'].includes(code)) {
    return `No server answers at ${shown} (${code}). Nothing was changed.`;
  }
  const reason = message.replace(/\p{Cc}/gu, '?').slice(0, 200) || code;
  return `The connection to ${shown} failed (${reason}). Whether a change was made is unknown.`;
}
