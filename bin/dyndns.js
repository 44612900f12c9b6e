#!/usr/bin/env node
/**
 * The command `dyndns`: checks the version of Node.js, then loads the program. An older Node.js must be able to parse this
 * file, so it has no top-level await and no newer syntax; it stays short, because a SIGHUP is caught only by main.js.
 */
var version = process.versions.node.split('.').map(Number);
if (version[0] > 20 || (version[0] === 20 && version[1] >= 19)) void import('../dist/cli/main.js');
else {
  process.stderr.write(
    'dyndns needs Node.js 20.19 or newer, and this is ' +
      process.versions.node +
      ': install a newer one from https://nodejs.org/, or the Debian package dyndns-bundled, which has its own.\n',
  );
  process.exitCode = 1;
}
