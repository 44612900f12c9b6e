/** Rows: `dns`, the listeners, files and limits of the embedded nameserver. */
import type { Config, DnsEndpoint } from '../config.ts';
import { ipPrefix } from '../kinds/addresses.ts';
import { dnsEndpoint, filePath } from '../kinds/endpoints.ts';
import { listOf } from '../kinds/kind.ts';
import { integer, shortText } from '../kinds/words.ts';
import { optionsFor } from './option.ts';

const option = optionsFor<Config>();

export const DNS_OPTIONS = {
  'dns.listen': option(listOf<DnsEndpoint>(dnsEndpoint, 1), {
    place: 'dns.listen',
    default: [
      { host: '0.0.0.0', port: 53 },
      { host: '::', port: 53 },
    ],
    only: 'embedded',
    summary: 'The addresses on which the server answers DNS, over UDP and TCP. Port 0 selects a free port.',
    example: "['192.0.2.1', '[2001:db8::1]:5353']",
  }),
  'dns.database': option(filePath, {
    otherwise: '`zones.db` next to the file of `store`',
    only: 'embedded',
    summary: 'The SQLite file with the zones and their journal. Other files are written next to it.',
    example: '/var/lib/dyndns/zones.db',
  }),
  'dns.rate_limit.responses_per_second': option(integer(0, 1_000_000), {
    place: 'dns.rateLimit.responsesPerSecond',
    default: 20,
    only: 'embedded',
    summary:
      'How often per second one network (IPv4 /24, IPv6 /56) gets the same answer over UDP; 0 disables the limit. ' +
      'TCP, a valid DNS cookie and a verified TSIG are not limited.',
    example: '20',
  }),
  'dns.rate_limit.all_per_second': option(integer(0, 1_000_000), {
    place: 'dns.rateLimit.allPerSecond',
    default: 1_000,
    only: 'embedded',
    summary:
      'How many answers of all kinds together one network gets per second over UDP; 0 disables the limit. It bounds what ' +
      'many different questions with a forged source address can send to that network. The same clients are not limited.',
    example: '1000',
  }),
  'dns.rate_limit.slip': option(integer(0, 10), {
    place: 'dns.rateLimit.slip',
    default: 2,
    only: 'embedded',
    summary:
      'Which answers over a limit are sent truncated, so that a real client retries over TCP: every second (2), every ' +
      'third (3) …, all (1) or none (0). The others are dropped.',
    example: '2',
  }),
  'dns.rate_limit.exempt': option(listOf(ipPrefix), {
    place: 'dns.rateLimit.exempt',
    default: [
      { family: 4, octets: Uint8Array.of(127, 0, 0, 0), length: 8 },
      { family: 6, octets: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), length: 128 },
    ],
    only: 'embedded',
    summary: 'Addresses or prefixes that are not limited.',
    example: "['127.0.0.0/8', '::1', '192.0.2.53']",
  }),
  'dns.threads': option(integer(0, 16), {
    place: 'dns.threads',
    default: 0,
    only: 'embedded',
    summary:
      'Threads that answer queries over UDP, so that queries do not wait for updates and transfers. 1 is useful on a machine ' +
      'with two processors or more; more threads answer more queries, if each has a processor. More than 1 needs ' +
      'Node.js 22.12 or later, on Linux or FreeBSD. A change needs a restart.',
    example: '1',
  }),
  'dns.tcp_idle_seconds': option(integer(1, 3_600), {
    place: 'dns.tcpIdleSeconds',
    default: 10,
    only: 'embedded',
    unit: 'seconds',
    summary:
      'After this time without a query a TCP connection is closed. Clients that ask for the time get it ' +
      '(edns-tcp-keepalive, RFC 7828).',
    example: '10',
  }),
  'dns.tsig_fudge_max': option(integer(1, 65_535), {
    place: 'dns.tsigFudgeMax',
    default: 300,
    only: 'embedded',
    unit: 'seconds',
    summary:
      'How far the clock of a client that signs with TSIG may differ. A client names its own limit in each message ' +
      '(usually 300); a larger one than this is taken for this one. It is also how long a recorded message can be sent again.',
    example: '300',
  }),
  'dns.nsid': option(shortText(128), {
    place: 'dns.nsid',
    otherwise: 'the identifier is not sent',
    only: 'embedded',
    summary: "The server's identifier, sent to clients that request it (NSID, RFC 5001).",
    example: 'ns1',
  }),
  'dns.chaos_version': option(shortText(255), {
    place: 'dns.chaosVersion',
    otherwise: 'these queries are refused',
    only: 'embedded',
    summary: 'The answer to `version.bind` and `version.server` in class CHAOS.',
    example: "'unknown'",
  }),
};
