/** The rules of `webhooks`, and what `hosts` say of silence: what is required, what goes in the clear, what has no effect. */
import type { HostConfig, WebhookConfig } from '../config.ts';
import { type ResolveContext, refuse } from '../rules.ts';
import type { Scope, Settings } from '../settings.ts';

const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/;

/** The webhooks without problems; a warning for each one whose events can be read on their way. */
export function resolveWebhooks({ root }: Settings, context: ResolveContext): WebhookConfig[] {
  return root.items('webhooks[]').flatMap((item) => {
    const url = item.get('webhooks[].url');
    const secret = item.get('webhooks[].secret');
    if (!item.isMentioned('webhooks[].url')) {
      refuse(
        context,
        item,
        'webhooks[].url',
        'is required: where events are sent, like https://hooks.example.net/dyndns.',
      );
    }
    if (url === undefined) return [];
    const { protocol, hostname } = new URL(url.reveal());
    if (protocol === 'http:' && !LOOPBACK.test(hostname)) {
      context.warnings.push(
        `${item.label}: names and addresses go to '${hostname}' in the clear, and so does a credential of the URL: use https://.`,
      );
    }
    return {
      url,
      ...(secret === undefined ? {} : { secret }),
      events: [...new Set(item.get('webhooks[].events'))],
      format: item.get('webhooks[].format'),
    };
  });
}

/** Without a store and without a history nobody knows when a host was last seen. */
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
