/** Rows: `admin`, the HTTP API for administration. */
import type { Config, ListenAddress } from '../config.ts';
import { listenAddress } from '../kinds/endpoints.ts';
import { listOf } from '../kinds/kind.ts';
import { clientSecret, proxySecret } from '../kinds/secrets.ts';
import { webOrigin, webUrl } from '../kinds/urls.ts';
import { headerName, integer, shortText, yesOrNo } from '../kinds/words.ts';
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
  'admin.proxy_user_header': option(headerName, {
    place: 'admin.proxyUserHeader',
    otherwise: 'no header names a user',
    summary:
      'The header in which a reverse proxy that signs users in names the user, for example of Authelia or oauth2-proxy. It is ' +
      'believed at `admin.listen` only, from a unix socket or a proxy of `http.trusted_proxies`, and only with ' +
      '`admin.proxy_secret` in the header `X-Dyndns-Proxy-Secret`. A user who does not exist is refused.',
    example: 'remote-user',
  }),
  'admin.proxy_secret': option(proxySecret, {
    place: 'admin.proxySecret',
    otherwise: 'no header names a user',
    summary:
      'What the reverse proxy sends in the header `X-Dyndns-Proxy-Secret`. Required by `admin.proxy_user_header`.',
    example: '0123456789abcdef0123456789abcdef',
  }),
  'admin.oidc.issuer': option(webUrl, {
    otherwise: 'no OpenID provider signs users in',
    summary:
      'The issuer of an OpenID provider by which users sign in, exactly as it names itself. Requires `admin.url`; its redirect URI is ' +
      '`/ui/oidc/callback` below that.',
    example: 'https://id.example.com',
  }),
  'admin.oidc.client_id': option(shortText(200), {
    otherwise: 'nothing, where no other option of `admin.oidc` is set',
    summary: 'The client id that the provider gave to dyndns.',
    example: 'dyndns',
  }),
  'admin.oidc.client_secret': option(clientSecret, {
    otherwise: 'nothing, where no other option of `admin.oidc` is set',
    summary: 'The client secret that the provider gave to dyndns.',
    example: 'correct-horse-battery-staple',
  }),
  'admin.oidc.title': option(shortText(60), {
    default: 'OpenID',
    summary: 'What the button on the page says: "Sign in with …".',
    example: 'Example ID',
  }),
  'admin.oidc.groups_claim': option(shortText(200), {
    default: 'groups',
    summary:
      'The claim with the groups of a user: a text, a list, or an object with the groups as its keys. Dots lead into objects: `realm_access.roles`.',
    example: 'groups',
  }),
  'admin.oidc.admin_group': option(shortText(200), {
    otherwise: 'no one becomes an admin by it',
    summary: 'Users of this group are admins.',
    example: 'dyndns-admins',
  }),
  'admin.oidc.member_group': option(shortText(200), {
    otherwise: 'no one becomes a member by it',
    summary: 'Users of this group are members. A user who is in neither group is refused.',
    example: 'dyndns-users',
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
