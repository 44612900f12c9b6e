import { expect, it } from 'vitest';
import { ConfigError, NoConfigFileError } from '../config/problem.ts';
import { AppError } from '../core/errors.ts';
import { storeUnreachable } from '../store/store-unreachable.ts';
import { formatConfigError, formatFailure, programCall } from './output.ts';

it('the program is called by its name where it is installed, and by its path in a checkout', () => {
  expect(programCall('/usr/local/bin/dyndns', '/root')).toBe('dyndns');
  expect(programCall('/srv/dyndns/dist/cli/main.js', '/srv/dyndns')).toBe('node dist/cli/main.js');
  expect(programCall('/srv/dyndns/dist/cli/main.js', '/root')).toBe('node /srv/dyndns/dist/cli/main.js');
});

it('each problem of a configuration is one line', () => {
  expect(formatConfigError(new ConfigError(['one', 'two']))).toBe(
    'CONFIGURATION_ERROR: one\nCONFIGURATION_ERROR: two\n',
  );
});

it('without any configuration file the first steps are printed', () => {
  const text = formatConfigError(new NoConfigFileError(['none']));
  expect(text).toMatch(/^CONFIGURATION_ERROR: none\n\n/);
  for (const word of ['init', 'check', 'serve']) expect(text).toMatch(new RegExp(`^  \\S.* ${word}$`, 'm'));
});

it('a store that cannot be used is reported with the reason', () => {
  expect(formatFailure(storeUnreachable(new Error('password authentication failed')))).toBe(
    'ERROR: The store does not answer. Password authentication failed.\n',
  );
  expect(formatFailure(storeUnreachable())).toBe('ERROR: The store does not answer. Please try again later.\n');
  const other = new AppError('internal', 'internal error', { cause: new Error('a detail') });
  expect(formatFailure(other)).not.toContain('a detail');
});
