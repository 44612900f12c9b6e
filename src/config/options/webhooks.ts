/** Rows: `webhooks`, the receivers of events. */
import type { WebhookConfig } from '../config.ts';
import { listOf } from '../kinds/kind.ts';
import { webhookSecret } from '../kinds/secrets.ts';
import { webhookUrl } from '../kinds/urls.ts';
import { choice } from '../kinds/words.ts';
import { optionsFor } from './option.ts';

const option = optionsFor<WebhookConfig>();

export const WEBHOOK_OPTIONS = {
  'webhooks[].url': option(webhookUrl, {
    place: 'url',
    required: 'the URL that events are sent to, like https://hooks.example.net/dyndns',
    summary:
      'The URL that events are sent to by POST. It may contain a credential (`https://USER:PASSWORD@…`, or in its path): ' +
      'the log and `dyndns config` show only its host.',
    example: 'https://hooks.example.net/dyndns',
  }),
  'webhooks[].secret': option(webhookSecret, {
    place: 'secret',
    otherwise: 'deliveries are not signed',
    summary: 'Signs each delivery (HMAC-SHA256), so that the receiver can detect a forged one.',
    example: "'a secret of this webhook'",
  }),
  'webhooks[].events': option(listOf(choice('changed', 'failed', 'silent', 'secondary', 'signatures'), 1), {
    default: ['changed', 'failed', 'silent', 'secondary', 'signatures'],
    summary:
      'Which events are sent: changed addresses, updates that could not be published, silent hosts ' +
      '(`hosts[].silent_after_seconds`), secondaries of an embedded zone that do not follow, signatures of a signed zone ' +
      'that expire soon or lack their key, and the end of both.',
    example: '[changed, failed, silent, secondary, signatures]',
  }),
  'webhooks[].format': option(choice('json', 'ntfy', 'text'), {
    place: 'format',
    default: 'json',
    summary: 'The body: a JSON object, or a text; `ntfy` puts the title, tags and priority of ntfy.sh into headers.',
    example: 'json',
  }),
};
