import { expect, it } from 'vitest';
import { ConfigError, NoConfigFileError } from '../config/problem.ts';
import { formatConfigError, programCall } from './output.ts';

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
