/** The rules of `admin`: what the HTTP API needs. */
import { type AdminConfig, formatListenAddress, type HttpConfig } from '../config.ts';
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
  return options;
}
