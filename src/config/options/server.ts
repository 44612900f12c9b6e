/** Rows: the options at the top of the file that concern the secret, the primary of all zones, and the log. */
import type { Config, Transport } from '../config.ts';
import { ipAddress } from '../kinds/addresses.ts';
import { masterSecret } from '../kinds/secrets.ts';
import { choice, decimal, logLevel, portNumber, yesOrNo } from '../kinds/words.ts';
import { optionsFor } from './option.ts';

const option = optionsFor<Config>();

export const transport = choice<Transport>('tcp', 'udp');

export const SERVER_OPTIONS = {
  secret: option(masterSecret, {
    place: 'secret',
    otherwise: 'only tokens are accepted',
    summary: 'The master secret. It permits changes to every name in every zone.',
    example: "'abcd1234'",
  }),
  nameserver: option(ipAddress, {
    otherwise: 'each zone sets its own',
    summary: 'The primary nameserver of every zone that does not set its own. dyndns sends it signed updates.',
    example: '127.0.0.1',
  }),
  port: option(portNumber, {
    default: 53,
    summary: 'The port of that nameserver.',
    example: '53',
  }),
  nameserver_timeout_seconds: option(decimal(0.1, 60), {
    place: 'nameserverTimeoutSeconds',
    default: 5,
    unit: 'seconds',
    summary: 'The time limit for one request at the primary: reading, publishing and reading back together.',
    example: '5',
  }),
  transport: option(transport, {
    default: 'tcp',
    summary: 'The transport to the primary: `tcp` (persistent connections) or `udp`.',
    example: 'tcp',
  }),
  signed_reads: option(yesOrNo, {
    default: false,
    summary: 'Signs queries too, for primaries whose answer depends on the key (views of BIND).',
    example: 'false',
  }),
  log_format: option(choice('auto', 'text', 'json'), {
    place: 'logFormat',
    default: 'auto',
    summary:
      'How the log is written: `text`, or `json` with one object in each line. `auto` is `text` on a terminal and in the journal of ' +
      'systemd, where each line begins with its priority, like `<6>`; elsewhere it is `json`. A change needs a restart.',
    example: 'auto',
  }),
  log_level: option(logLevel, {
    place: 'logLevel',
    default: 20,
    summary:
      'The lowest level that is logged, as a number or a name. CRITICAL 50, CONFIGURATION_ERROR 49, DNS_SERVER_ERROR 48, IP_ADDRESS_ERROR 47, ' +
      'DNS_NAME_ERROR 43, PARAMETER_ERROR 42, CHECK_ERROR 41, ERROR 40, WARNING 30, UPDATED 21, INFO 20, UNCHANGED 11, ' +
      'DEBUG 10, NOTSET 0.',
    example: '20',
  }),
  unspecified_family: option(choice('keep', 'delete'), {
    place: 'unspecifiedFamily',
    default: 'keep',
    summary: 'What the original API does with the address family that a request does not contain.',
    example: 'keep',
  }),
  check: option(choice('open', 'authenticated'), {
    place: 'check',
    default: 'open',
    summary: 'Who may call `/check`: everyone, or only clients with a valid credential.',
    example: 'authenticated',
  }),
};
