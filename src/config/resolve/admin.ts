/** The rules of `admin`: what the HTTP API needs. */
import { type AdminConfig, formatListenAddress, type HttpConfig, type OidcConfig } from '../config.ts';
import type { PlacedValues } from '../options/options.ts';
import { type ResolveContext, refuse } from '../rules.ts';
import type { Settings } from '../settings.ts';

/** Undefined where it is disabled. */
export function resolveAdmin(
  { root }: Settings,
  options: PlacedValues<''>['admin'],
  http: HttpConfig,
  context: ResolveContext,
): AdminConfig | undefined {
  if (!root.get('admin.enabled')) {
    if (options.powerdnsApi) refuse(context, root, 'admin.powerdns_api', 'needs `admin.enabled: true`.');
    return undefined;
  }
  if (!root.isMentioned('store')) {
    const message =
      'needs `store`, where users and keys are stored, for example `store: sqlite:/var/lib/dyndns/dyndns.db`.';
    refuse(context, root, 'admin.enabled', message);
  }
  const taken = new Set(http.listen.map(formatListenAddress));
  for (const address of options.listen) {
    const text = formatListenAddress(address);
    if (taken.has(text) && !text.endsWith(':0')) {
      refuse(context, root, 'admin.listen', `'${text}' is in http.listen too, or listed twice; use another port.`);
    }
    taken.add(text);
    if (address.kind === 'tcp' && address.tls && http.tls === undefined && !root.isMentioned('http.tls.acme')) {
      refuse(context, root, 'admin.listen', 'an https:// entry needs http.tls with certificate and key, or with acme.');
    }
  }
  checkProxyHeader(options, http, (option, message) => refuse(context, root, option, message));
  const oidc = resolveOidc(root, options, context);
  return { ...options, ...(oidc && { oidc }) };
}

/** A header that anyone may send would let anyone be an admin. */
function checkProxyHeader(
  { proxyUserHeader, proxySecret, listen }: PlacedValues<''>['admin'],
  { trustedProxies }: HttpConfig,
  refuseOption: (option: 'admin.proxy_user_header' | 'admin.proxy_secret', message: string) => void,
): void {
  if (proxyUserHeader === undefined) {
    if (proxySecret !== undefined)
      refuseOption('admin.proxy_secret', 'is for `admin.proxy_user_header`, which is not set.');
    return;
  }
  if (proxySecret === undefined)
    refuseOption('admin.proxy_user_header', 'needs `admin.proxy_secret`, which the proxy sends too.');
  if (listen.length === 0) {
    refuseOption(
      'admin.proxy_user_header',
      'needs `admin.listen`: a socket that only the proxy reaches. It never counts at `http.listen`.',
    );
  } else if (listen.some(({ kind }) => kind === 'tcp') && trustedProxies.length === 0) {
    refuseOption(
      'admin.proxy_user_header',
      'needs the proxy in `http.trusted_proxies`, or a unix socket in `admin.listen`.',
    );
  }
}

function resolveOidc(
  root: Settings['root'],
  { url }: PlacedValues<''>['admin'],
  context: ResolveContext,
): OidcConfig | undefined {
  const [issuer, clientId, clientSecret] = [
    root.get('admin.oidc.issuer'),
    root.get('admin.oidc.client_id'),
    root.get('admin.oidc.client_secret'),
  ];
  const [adminGroup, memberGroup] = [root.get('admin.oidc.admin_group'), root.get('admin.oidc.member_group')];
  if (!root.isMentioned('admin.oidc')) return undefined;
  const problem =
    issuer === undefined || clientId === undefined || clientSecret === undefined
      ? 'needs `issuer`, `client_id` and `client_secret`.'
      : url === undefined
        ? 'needs `admin.url`, to which the provider sends users back.'
        : adminGroup === undefined && memberGroup === undefined
          ? 'needs `admin_group`, `member_group` or both: whoever is in neither is refused.'
          : undefined;
  if (problem !== undefined) refuse(context, root, 'admin.oidc.issuer', problem);
  if (issuer === undefined || clientId === undefined || clientSecret === undefined) return undefined;
  return {
    issuer,
    clientId,
    clientSecret,
    title: root.get('admin.oidc.title'),
    groupsClaim: root.get('admin.oidc.groups_claim'),
    ...(adminGroup !== undefined && { adminGroup }),
    ...(memberGroup !== undefined && { memberGroup }),
  };
}
