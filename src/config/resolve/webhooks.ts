/** The rules of `webhooks`: warns of unencrypted deliveries, and of silence options of hosts that have no effect. */
import type { HostConfig, WebhookConfig } from '../config.ts';
import { placedOptions, type ResolveContext } from '../rules.ts';
import type { Scope, Settings } from '../settings.ts';

/** The URL is in a file that this command could not read. */
const UNREAD_URL = { protocol: 'https:', hostname: '' };

const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/;

/** The webhooks without problems. Warns of each one whose events are sent unencrypted. */
export function resolveWebhooks({ root }: Settings, context: ResolveContext): WebhookConfig[] {
  return root.items('webhooks[]').flatMap((item) => {
    const { url, ...options } = placedOptions(item, 'webhooks[]', context);
    if (url === undefined) return [];
    const { protocol, hostname } = url.unread === undefined ? new URL(url.reveal()) : UNREAD_URL;
    if (protocol === 'http:' && !LOOPBACK.test(hostname)) {
      context.warnings.push(
        `${item.label}: names, addresses and any credential in the URL are sent to '${hostname}' unencrypted; use https://.`,
      );
    }
    return { ...options, url, events: [...new Set(item.get('webhooks[].events'))] };
  });
}

/** When a host was last seen is known from the history in the store alone. */
export function warnOfSilence(
  hosts: readonly HostConfig[],
  root: Scope,
  hasStore: boolean,
  context: ResolveContext,
): void {
  const watched = hosts.filter((host) => host.silentAfterSeconds !== undefined || host.leaseSeconds !== undefined);
  if (watched.length === 0 || (hasStore && root.get('history_days') > 0)) return;
  const missing = hasStore ? 'with history_days above 0' : "with a store ('store: sqlite:PATH')";
  context.warnings.push(
    `silent_after_seconds and lease_seconds of '${watched[0]!.ownerName}'${watched.length > 1 ? ' and others' : ''} have no effect: when a host was last seen is known only ${missing}.`,
  );
}
