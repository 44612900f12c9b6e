/** The rules of `http` and `metrics`: addresses that are listed twice, proxies, and what TLS needs. */
import { formatIpPrefix } from '../../dns/address.ts';
import { type Config, formatListenAddress, type HttpConfig, type TlsFiles } from '../config.ts';
import type { PlacedValues } from '../options/options.ts';
import { absolutePath, type ResolveContext, refuse } from '../rules.ts';
import type { Scope } from '../settings.ts';
import { acmeMention } from './acme.ts';

type PlacedConfig = PlacedValues<''>;

export function resolveHttp(
  root: Scope,
  options: Omit<PlacedConfig['http'], 'acme'>,
  context: ResolveContext,
): HttpConfig {
  const { listen, trustedProxies, lenient } = options;
  const seen = new Set<string>();
  for (const address of listen) {
    const text = formatListenAddress({ ...address, tls: false } as typeof address);
    if (seen.has(text) && !text.endsWith(':0')) {
      refuse(context, root, 'http.listen', `'${text}' is listed twice; remove one of the two.`);
    }
    seen.add(text);
  }
  // The peer of a unix socket is a proxy too, and always trusted.
  const proxy = listen.some((address) => address.kind === 'unix')
    ? 'a unix socket in http.listen'
    : 'http.trusted_proxies';
  if (lenient && (trustedProxies.length > 0 || proxy !== 'http.trusted_proxies')) {
    const message = `must not be true together with ${proxy}: a proxy and a lenient server can disagree on where a request ends.`;
    refuse(context, root, 'http.lenient', message);
  }
  const proxied = listen.find(({ proxyProtocol }) => proxyProtocol);
  if (proxied?.kind === 'tcp' && trustedProxies.length === 0) {
    const message = `'${formatListenAddress(proxied)}' has proxy_protocol, which is accepted from http.trusted_proxies alone: list the proxy there.`;
    refuse(context, root, 'http.listen', message);
  }
  for (const prefix of trustedProxies) {
    if (prefix.length > 0) continue;
    const text = formatIpPrefix(prefix);
    context.warnings.push(`http.trusted_proxies has ${text}: every client can claim any address as its own.`);
  }
  const tls = resolveTls(root, context);
  refuseWrongTls(root, listen, context);
  return { ...options, ...(tls === undefined ? {} : { tls }) };
}

function resolveTls(root: Scope, context: ResolveContext): TlsFiles | undefined {
  const certificate = absolutePath(root, 'http.tls.certificate', context);
  const key = absolutePath(root, 'http.tls.key', context);
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  for (const [missing, other] of [
    ['http.tls.key', 'http.tls.certificate'],
    ['http.tls.certificate', 'http.tls.key'],
  ] as const) {
    if (!root.isMentioned(missing) && root.isMentioned(other)) {
      refuse(context, root, other, `needs ${missing} too.`);
    }
  }
  return undefined;
}

/** An https:// entry needs a certificate, from one source, and the other way round. */
function refuseWrongTls(root: Scope, listen: HttpConfig['listen'], context: ResolveContext): void {
  const needsTls = listen.some((address) => address.kind === 'tcp' && address.tls);
  const files = ['http.tls.certificate', 'http.tls.key'].find((path) => root.isMentioned(path));
  const acme = acmeMention(root);
  const certificate = files ?? acme;
  if (needsTls && certificate === undefined) {
    const message = 'an https:// entry needs http.tls with certificate and key, or with acme.';
    refuse(context, root, 'http.listen', message);
  } else if (!needsTls && certificate !== undefined) {
    const message = 'TLS is configured, but no entry of http.listen begins with https://; add one or remove http.tls.';
    refuse(context, root, certificate, message);
  } else if (files !== undefined && acme !== undefined) {
    const message = `cannot be combined with ${files}; use either your own certificate or ACME.`;
    refuse(context, root, acme, message);
  }
}

export function resolveMetrics(
  root: Scope,
  { listen }: PlacedConfig['metrics'],
  http: HttpConfig,
  context: ResolveContext,
): Config['metrics'] {
  if (listen === undefined) return undefined;
  const text = formatListenAddress(listen);
  const isTaken = http.listen.some((address) => formatListenAddress(address).replace('https://', '') === text);
  if (isTaken && !text.endsWith(':0')) {
    refuse(context, root, 'metrics.listen', `'${text}' is in http.listen too; use another port.`);
  }
  return { listen };
}
