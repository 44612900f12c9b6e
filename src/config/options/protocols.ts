/** Rows: the switches of the client protocols, and the settings of acme-dns. */
import type { Config } from '../config.ts';
import { ipPrefix } from '../kinds/addresses.ts';
import { listOf } from '../kinds/kind.ts';
import { zoneName } from '../kinds/names.ts';
import { webOrigin } from '../kinds/urls.ts';
import { integer, yesOrNo } from '../kinds/words.ts';
import { optionsFor } from './option.ts';

const option = optionsFor<Config>();

export const PROTOCOL_OPTIONS = {
  'protocols.duckdns': option(yesOrNo, {
    place: 'protocols.duckdns',
    default: true,
    summary: 'Enables the DuckDNS protocol (`/update` with `domains` and `token`).',
    example: 'true',
  }),
  'protocols.dynv6': option(yesOrNo, {
    place: 'protocols.dynv6',
    default: true,
    summary: 'Enables the dynv6 protocol (`/api/update`).',
    example: 'true',
  }),
  'protocols.noip': option(yesOrNo, {
    place: 'protocols.noip',
    default: true,
    summary: 'Enables the protocol of the No-IP client (`/ducupdate.php`).',
    example: 'true',
  }),
  'protocols.freedns': option(yesOrNo, {
    place: 'protocols.freedns',
    default: true,
    summary: 'Enables the FreeDNS protocol.',
    example: 'true',
  }),
  'protocols.acme_dns': option(yesOrNo, {
    place: 'protocols.acme_dns',
    default: false,
    summary: 'Enables the acme-dns API. Requires `acme_dns.zone` and `store`.',
    example: 'true',
  }),
  'protocols.httpreq': option(yesOrNo, {
    place: 'protocols.httpreq',
    default: true,
    summary: 'Enables the HTTP request protocol of lego (`/present`, `/cleanup`).',
    example: 'true',
  }),
  'protocols.freemyip': option(yesOrNo, {
    place: 'protocols.freemyip',
    default: true,
    summary: 'Enables the freemyip protocol (`/update` with `domain` and `token`).',
    example: 'true',
  }),
  'acme_dns.zone': option(zoneName, {
    place: 'acmeDns.above',
    otherwise: 'required with `protocols.acme_dns`',
    summary: 'A zone of this file or a name in one. Each acme-dns account gets a name below it for its TXT records.',
    example: 'challenges.dyndns.example.com',
  }),
  'acme_dns.register': option(listOf(ipPrefix), {
    place: 'acmeDns.register',
    default: [],
    summary:
      'The addresses or prefixes that may create accounts (`/register`). All others need a token with `register: true`, or ' +
      'the master secret.',
    example: "['192.0.2.0/24', '2001:db8::/32']",
  }),
  'acme_dns.cors_origins': option(listOf(webOrigin), {
    place: 'acmeDns.corsOrigins',
    default: [],
    summary:
      'The web origins whose pages may call `/update`, and `/register` with a credential, from a browser (CORS). Compared ' +
      'exactly. All other requests that a browser sends for a page of another site are refused.',
    example: '[https://admin.example.com]',
  }),
  'acme_dns.values': option(integer(1, 50), {
    place: 'acmeDns.values',
    default: 2,
    summary:
      'How many TXT values the name of an account holds; a new value replaces the oldest. A certificate for a name and its ' +
      'wildcard needs two.',
    example: '2',
  }),
  'acme_dns.max_accounts': option(integer(1, 1_000_000), {
    place: 'acmeDns.maxAccounts',
    default: 1000,
    summary: 'The maximum number of accounts. Further registrations are refused.',
    example: '1000',
  }),
};
