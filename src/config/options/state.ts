/** Rows: the store, the control socket, metrics, the history, and limits. */
import type { Config } from '../config.ts';
import { tcpAddress, unixSocket } from '../kinds/endpoints.ts';
import { storeUrl } from '../kinds/urls.ts';
import { choice, integer } from '../kinds/words.ts';
import { optionsFor } from './option.ts';

const option = optionsFor<Config>();

export const STATE_OPTIONS = {
  store: option(storeUrl, {
    otherwise: 'none of these is stored; only the zones in `dns.database` are written to disk',
    summary:
      'Where tokens, settings of hosts, history and pending updates are stored. A relative path starts at the directory of ' +
      'this file. With PostgreSQL, embedded zones also need `dns.database`; the password is in the URL ' +
      '(`postgres://USER:PASSWORD@HOST/DATABASE`) or in the environment variable `PGPASSWORD`. With ' +
      '`?sslmode=verify-full&sslrootcert=FILE` at its end the connection is encrypted, and the certificate verified; without ' +
      '`sslmode` it is neither.',
    example: 'sqlite:/var/lib/dyndns/dyndns.db',
  }),
  control: option(unixSocket, {
    otherwise:
      '`control.sock` next to the file of `store`, else next to `dns.database`, else in `$RUNTIME_DIRECTORY` (which systemd ' +
      'sets), else no socket',
    summary:
      'The socket through which commands reach the running server; its mode is 0600. Where `$RUNTIME_DIRECTORY` is not set, ' +
      'commands look for it in `/run/dyndns`. A default that cannot be opened is a warning.',
    example: 'unix:/run/dyndns/control.sock',
  }),
  'metrics.listen': option(tcpAddress, {
    place: 'metrics.listen',
    otherwise: '`http.listen` serves `/metrics`, which then requires the master secret',
    summary: 'The address that serves metrics for Prometheus, without authentication.',
    example: "'127.0.0.1:9153'",
  }),
  history_days: option(integer(0, 36500), {
    place: 'historyDays',
    default: 30,
    unit: 'days',
    summary:
      "How long the store keeps the history of each host's addresses, with the addresses of the clients; 0 disables the " +
      'history. This is personal data.',
    example: '30',
  }),
  history_max_events: option(integer(0, 1_000_000_000), {
    place: 'historyMaxEvents',
    default: 5_000_000,
    summary:
      'How many events the history holds for all hosts together; 0 means no limit. Beyond it the oldest events of the host ' +
      'with the most events are deleted first. An event takes some 300 octets.',
    example: '5000000',
  }),
  reconcile: option(choice('report', 'enforce'), {
    place: 'reconcile',
    default: 'report',
    summary:
      'What happens if a host was changed directly at the primary while an update from dyndns was pending: `report` ' +
      'reports it and drops the update, `enforce` publishes the update.',
    example: 'report',
  }),
  'limits.changes_per_minute_per_token': option(integer(0, 1_000_000), {
    place: 'limits.changesPerMinutePerToken',
    default: 0,
    summary: 'How many changes one token may make per minute; 0 means no limit. Updates without a change do not count.',
    example: '60',
  }),
  'limits.refused_per_minute_per_source': option(integer(0, 1_000_000), {
    place: 'limits.refusedPerMinutePerSource',
    default: 60,
    summary:
      'How many refused requests one network (IPv4 address, IPv6 /64) may make per minute before it must wait; 0 means no ' +
      'limit. Updates without a change do not count, nor do failures of the server or the primary.',
    example: '60',
  }),
  'limits.connections_per_source': option(integer(0, 1_000_000), {
    place: 'limits.connectionsPerSource',
    default: 256,
    summary:
      'How many HTTP connections one network (IPv4 address, IPv6 /64) may have open; further ones are closed at once. 0 means ' +
      'no limit. Unix sockets, loopback and `http.trusted_proxies` are not limited.',
    example: '256',
  }),
  'limits.records_per_rrset': option(integer(1, 65_535), {
    place: 'limits.recordsPerRRset',
    default: 100,
    only: 'embedded',
    summary:
      'How many records of one type a name of an embedded zone may have by HTTP, UPDATE and import. What has more already is ' +
      'served, with a warning at the start.',
    example: '100',
  }),
  'limits.types_per_name': option(integer(1, 255), {
    place: 'limits.typesPerName',
    default: 100,
    only: 'embedded',
    summary: 'How many record types a name of an embedded zone may have by HTTP, UPDATE and import.',
    example: '100',
  }),
};
