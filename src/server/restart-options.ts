/**
 * The options that a reload cannot change, because what they describe is opened once: listeners, databases, the control
 * socket. All other options take effect on reload.
 */
import { type Config, formatListenAddress } from '../config/config.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import { storeUrl } from './state.ts';

interface RestartOption {
  readonly option: string;
  /** Equal texts: nothing changed. May hold a secret: never printed. */
  readonly read: (config: Config) => string | undefined;
  /** The new configuration with the value of the running server. */
  readonly keep: (next: Config, running: Config) => Config;
}

const RESTART_OPTIONS: readonly RestartOption[] = [
  {
    option: 'log_format',
    read: ({ logFormat }) => logFormat,
    keep: (next, { logFormat }) => ({ ...next, logFormat }),
  },
  {
    option: 'http.listen',
    read: ({ http }) => http.listen.map(formatListenAddress).join(' '),
    keep: (next, { http: { listen } }) => ({ ...next, http: { ...next.http, listen } }),
  },
  {
    option: 'http.socket_mode',
    read: ({ http }) => String(http.socketMode),
    keep: (next, { http: { socketMode } }) => ({ ...next, http: { ...next.http, socketMode } }),
  },
  {
    option: 'http.lenient',
    read: ({ http }) => String(http.lenient),
    keep: (next, { http: { lenient } }) => ({ ...next, http: { ...next.http, lenient } }),
  },
  {
    option: 'admin.enabled',
    read: ({ admin }) => String(admin !== undefined),
    keep: ({ admin: next, ...others }, { admin }) => ({ ...others, ...(admin && { admin: next ?? admin }) }),
  },
  {
    option: 'admin.listen',
    read: ({ admin }) => admin?.listen.map(formatListenAddress).join(' '),
    keep: (next, { admin }) =>
      next.admin && admin ? { ...next, admin: { ...next.admin, listen: admin.listen } } : next,
  },
  {
    option: 'admin.powerdns_api',
    read: ({ admin }) => admin && String(admin.powerdnsApi),
    keep: (next, { admin }) =>
      next.admin && admin ? { ...next, admin: { ...next.admin, powerdnsApi: admin.powerdnsApi } } : next,
  },
  {
    option: 'admin.oidc.issuer',
    read: ({ admin }) => admin?.oidc && `${admin.oidc.issuer} ${admin.oidc.clientId}`,
    keep: (next, { admin }) => {
      if (next.admin === undefined || admin === undefined) return next;
      const { oidc, ...others } = next.admin;
      if (admin.oidc === undefined) return { ...next, admin: others };
      const { issuer, clientId, clientSecret } = admin.oidc;
      const kept = { ...(oidc ?? admin.oidc), issuer, clientId, clientSecret };
      const url = others.url ?? admin.url;
      return { ...next, admin: { ...others, ...(url !== undefined && { url }), oidc: kept } };
    },
  },
  {
    option: 'metrics.listen',
    read: ({ metrics }) => metrics && formatListenAddress(metrics.listen),
    keep: ({ metrics: _, ...next }, { metrics }) => ({ ...next, ...(metrics && { metrics }) }),
  },
  {
    option: 'control',
    read: ({ control }) => control,
    keep: ({ control: _, ...next }, { control, controlIsDefault }) => {
      return { ...next, controlIsDefault, ...(control !== undefined && { control }) };
    },
  },
  {
    option: 'store',
    read: ({ store }) => store && storeUrl(store),
    keep: ({ store: _, ...next }, { store }) => ({ ...next, ...(store && { store }) }),
  },
  {
    option: 'dns.listen',
    read: ({ dns }) => dns?.listen.map(formatEndpoint).join(' '),
    keep: (next, { dns }) => (next.dns && dns ? { ...next, dns: { ...next.dns, listen: dns.listen } } : next),
  },
  {
    option: 'dns.threads',
    read: ({ dns }) => dns && String(dns.threads),
    keep: (next, { dns }) => (next.dns && dns ? { ...next, dns: { ...next.dns, threads: dns.threads } } : next),
  },
  {
    option: 'dns.database',
    read: ({ dns }) => dns?.database,
    keep: (next, { dns }) => (next.dns && dns ? { ...next, dns: { ...next.dns, database: dns.database } } : next),
  },
];

/**
 * The configuration that a reload can put in force.
 * @param running the one in force. Its `dns` is that of the open nameserver; without one, `dns` is opened on reload
 * @returns with a warning for each option whose new value has to wait
 */
export function keepUntilRestart(
  next: Config,
  running: Config,
): { readonly config: Config; readonly warnings: readonly string[] } {
  let config = next;
  const warnings: string[] = [];
  for (const { option, read, keep } of RESTART_OPTIONS) {
    const merged = keep(config, running);
    if (read(merged) === read(config)) continue;
    config = merged;
    warnings.push(`Changing '${option}' needs a restart. Until then the old value stays in force.`);
  }
  return { config, warnings };
}
