import { expect, it } from 'vitest';
import type { Config } from '../config/config.ts';
import { parseConfig } from '../config/load.ts';
import { keepUntilRestart } from './restart-options.ts';

const ZONE = 'zones: [{name: x.example, nameserver: embedded, ns: [ns1.example.com]}]';
const BASE = `secret: abcdefgh
log_format: json
http: {listen: ['127.0.0.1:1'], socket_mode: '600', lenient: false}
metrics: {listen: '127.0.0.1:2'}
store: postgres://user:password@db.example.com/one
dns: {listen: ['127.0.0.1:3'], database: one.db, threads: 0}
control: unix:one.sock
`;
const parse = (text: string, zone = ZONE): Config => parseConfig(`${text}${zone}\n`, '/x/x.yml', {}).config;
const warning = (option: string) => `Changing '${option}' needs a restart. Until then the old value stays in force.`;

it.each([
  ['log_format', 'log_format: json', 'log_format: text'],
  ['http.listen', "'127.0.0.1:1'", "'127.0.0.1:11'"],
  ['http.socket_mode', "'600'", "'660'"],
  ['http.lenient', 'lenient: false', 'lenient: true'],
  ['metrics.listen', "'127.0.0.1:2'", "'127.0.0.1:12'"],
  ['metrics.listen', "metrics: {listen: '127.0.0.1:2'}\n", ''],
  ['control', 'one.sock', 'two.sock'],
  ['store', '/one\n', '/two\n'],
  // The text of a secret is masked: its change must be seen all the same.
  ['store', ':password@', ':changed@'],
  ['dns.listen', "'127.0.0.1:3'", "'127.0.0.1:13'"],
  ['dns.database', 'one.db', 'two.db'],
  ['dns.threads', 'threads: 0', 'threads: 1'],
])('%s keeps the old value until a restart, with a warning, and back again', (option, from, to) => {
  const [before, after] = [parse(BASE), parse(BASE.replace(from, to))];
  for (const [running, next] of [
    [before, after],
    [after, before],
  ] as const) {
    const { config, warnings } = keepUntilRestart(next, running);
    expect(warnings).toEqual([warning(option)]);
    expect(keepUntilRestart(config, running)).toEqual({ config, warnings: [] });
  }
});

it('takes all other options from the new file', () => {
  const next = parse(BASE.replace('abcdefgh', 'hgfedcba').replace('dns: {', 'dns: {nsid: here, '));
  const { config, warnings } = keepUntilRestart(next, parse(BASE));
  expect([config, warnings]).toEqual([next, []]);
});

it('takes the options of dns from the file that brings the first embedded zone', () => {
  const remote = parse(
    BASE.replace(/^dns.*\n/m, ''),
    'zones: [{name: x.example, nameserver: 127.0.0.1, tsig_key: tPyvZA==}]',
  );
  const next = parse(BASE);
  expect(keepUntilRestart(next, remote)).toEqual({ config: next, warnings: [] });
});
