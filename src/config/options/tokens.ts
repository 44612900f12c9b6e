/** Rows: `tokens`, the credentials of clients. */
import { RRType } from '../../dns/rdata.ts';
import type { TokenConfig } from '../config.ts';
import { ipPrefix, tokenAddresses } from '../kinds/addresses.ts';
import { listOf } from '../kinds/kind.ts';
import { clientType, fullOwnerName } from '../kinds/names.ts';
import { tokenName, tokenSha256 } from '../kinds/secrets.ts';
import { calendarDay, integer, yesOrNo } from '../kinds/words.ts';
import { optionsFor } from './option.ts';

const option = optionsFor<TokenConfig>();

export const TOKEN_OPTIONS = {
  'tokens[].name': option(tokenName, {
    place: 'name',
    required: 'the name of the token in the log',
    summary: 'The name of the token in the log and the history. It is not secret.',
    example: 'router1',
  }),
  'tokens[].sha256': option(tokenSha256, {
    place: 'sha256',
    required: 'the SHA-256 of the token, as `dyndns token create` prints it',
    summary: 'The SHA-256 of the token. The token itself is not in the file.',
    example: "'66b052ab9d113af349dcab697c32950daabe893c2c57cd648e3084ca9d8192c0'",
  }),
  'tokens[].hosts': option(listOf(fullOwnerName, 1), {
    place: 'hosts',
    required: 'the names that the token may change',
    summary: 'The full names that the token may change; `*.x` is every name below x.',
    example: "[home.dyndns.example.com, '*.lab.dyndns.example.com']",
  }),
  'tokens[].types': option(listOf(clientType, 1), {
    place: 'types',
    default: [RRType.A, RRType.AAAA],
    summary:
      'The RR types that the token may change. TXT is for ACME (DNS-01): it also permits writing to `_acme-challenge.` of ' +
      'each name; a token for TXT alone may write only there. Types other than A, AAAA and TXT are for the API that is ' +
      'compatible with PowerDNS.',
    example: '[A, AAAA, TXT]',
  }),
  'tokens[].addresses': option(tokenAddresses, {
    place: 'addresses',
    default: 'any',
    summary: 'The addresses that the token may publish. `own`: only the source address of the request.',
    example: '[203.0.113.0/24]',
  }),
  'tokens[].sources': option(listOf(ipPrefix, 1), {
    place: 'sources',
    otherwise: 'any source',
    summary: 'The source addresses from which the token is valid. From elsewhere it is refused like a wrong token.',
    example: "['198.51.100.0/24']",
  }),
  'tokens[].register': option(yesOrNo, {
    place: 'register',
    default: false,
    summary: 'The token may create accounts of acme-dns (`/register`), from any address.',
    example: 'true',
  }),
  'tokens[].max_unused_days': option(integer(1, 36_500), {
    place: 'maxUnusedDays',
    otherwise: 'it may stay unused',
    summary:
      'The token ends when it was not used for this number of days, since its last use or the first start with it. ' +
      'Requires `store`, which has the last use.',
    example: '90',
  }),
  'tokens[].expires': option(calendarDay, {
    place: 'expires',
    otherwise: 'it does not expire',
    summary: 'The last day on which the token is valid, in UTC. An expired token is a warning.',
    example: '2099-12-31',
  }),
};
