/**
 * From the settings to the finished Config. Options whose row has a `place` are copied; the files beside this one have the
 * rules that concern several options, and the defaults that depend on others. Adds its problems to those that were found
 * before; a path that was already refused gives no second problem.
 */
import type { Config } from '../config.ts';
import { placedOptions, type ResolveContext } from '../rules.ts';
import type { Settings } from '../settings.ts';
import { resolveAcme } from './acme.ts';
import { resolveAcmeDns } from './acme-dns.ts';
import { resolveAdmin } from './admin.ts';
import { resolveHosts, resolveTokens } from './clients.ts';
import { resolveHttp, resolveMetrics } from './http.ts';
import { resolveState } from './state.ts';
import { resolveWebhooks, warnOfSilence } from './webhooks.ts';
import { resolveZones } from './zones.ts';

/** The configuration, or undefined when there are problems. */
export function resolveConfig(settings: Settings, context: ResolveContext): Config | undefined {
  const { root } = settings;
  const options = placedOptions(root, '', context);
  const {
    http: httpOptions,
    dns: _,
    acmeDns: acmeDnsOptions,
    admin: adminOptions,
    metrics: metricsOptions,
    ...plain
  } = options;
  const { acme: acmeOptions, ...listeners } = httpOptions;
  const http = resolveHttp(root, listeners, context);
  const zones = resolveZones(settings, context);
  const state = resolveState(settings, context);
  const acme = resolveAcme(root, acmeOptions, zones, state, context);
  const metrics = resolveMetrics(root, metricsOptions, http, context);
  const tokens = resolveTokens(settings, context);
  const hosts = resolveHosts(settings, context);
  const acmeDns = resolveAcmeDns(settings, acmeDnsOptions, context);
  const admin = resolveAdmin(settings, adminOptions, http, context);
  const webhooks = resolveWebhooks(settings, context);
  warnOfSilence(hosts, root, state.store !== undefined, context);
  if (plain.secret === undefined && tokens.length === 0 && state.store === undefined) {
    context.warnings.push('There is no `secret`, no `tokens` and no `store`: nothing can be changed over HTTP.');
  }
  if (context.problems.length > 0) return undefined;
  return {
    ...plain,
    file: settings.file,
    zones,
    http: acme === undefined ? http : { ...http, acme },
    ...state,
    ...(metrics === undefined ? {} : { metrics }),
    ...(acmeDns === undefined ? {} : { acmeDns }),
    ...(admin === undefined ? {} : { admin }),
    tokens,
    hosts,
    webhooks,
    warnings: context.warnings,
  };
}
