/** Rows: `admin`, the HTTP API for administration. */
import type { Config, ListenAddress } from '../config.ts';
import { listenAddress } from '../kinds/endpoints.ts';
import { listOf } from '../kinds/kind.ts';
import { webOrigin } from '../kinds/urls.ts';
import { integer, yesOrNo } from '../kinds/words.ts';
import { optionsFor } from './option.ts';

const option = optionsFor<Config>();

export const ADMIN_OPTIONS = {
  'admin.enabled': option(yesOrNo, {
    default: false,
    summary: 'Serves the HTTP API for administration at `/v1`. Requires `store`.',
    example: 'true',
  }),
  'admin.listen': option(listOf<ListenAddress>(listenAddress), {
    place: 'admin.listen',
    default: [],
    otherwise: '`http.listen` serves it',
    summary: 'The addresses that serve the HTTP API instead of those of `http.listen`, in the same syntax.',
    example: "['127.0.0.1:54324']",
  }),
  'admin.url': option(webOrigin, {
    place: 'admin.url',
    otherwise: 'only requests to localhost, 127.0.0.0/8 and [::1] are answered',
    summary:
      'The URL that clients of the HTTP API use: scheme, host and port. A request to `/v1` for any other host is answered ' +
      'with 421, and one of a web page from any other origin is refused.',
    example: 'https://dyndns.example.com',
  }),
  'admin.audit_days': option(integer(1, 36_500), {
    place: 'admin.auditDays',
    default: 365,
    unit: 'days',
    summary: 'How long the store keeps the audit list: every administrative change, by whom and from where.',
    example: '365',
  }),
  'admin.sessions.idle_minutes': option(integer(5, 525_600), {
    place: 'admin.sessions.idleMinutes',
    default: 60,
    unit: 'minutes',
    summary: 'A session in the dashboard ends when it was not used for this time. An open page uses it.',
    example: '60',
  }),
  'admin.sessions.days': option(integer(1, 3_650), {
    place: 'admin.sessions.days',
    default: 30,
    unit: 'days',
    summary: 'A session ends after this time, however much it is used.',
    example: '30',
  }),
  'admin.powerdns_api': option(yesOrNo, {
    place: 'admin.powerdnsApi',
    default: false,
    summary:
      'Also serves an API that is compatible with that of PowerDNS at `/api/v1`, for records of embedded zones. Its keys ' +
      '(`X-API-Key`) are tokens. Requires `admin.enabled`.',
    example: 'true',
  }),
};
