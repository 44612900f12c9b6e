import { expect, it } from 'vitest';
import { catchHangups, forgetHangups, isServerCommand, onHangup } from './hangups.ts';

it.each([
  [['serve'], true],
  [['quickstart', '--dir', 'x'], true],
  [['-c', 'x.yml', 'serve', '-p', '80'], true],
  [['--config', 'token', 'serve'], true],
  [['--config=x.yml', 'serve'], true],
  [[], false],
  [['--help'], false],
  [['token', 'list'], false],
  [['token', 'create', 'serve'], false],
  [['-c', 'serve', 'token', 'list'], false],
])('%j is a server: %s', (args, expected) => {
  expect(isServerCommand(args)).toBe(expected);
});

it('a SIGHUP before the configuration is read asks for nothing, one after it for one reload when the server runs', () => {
  const before = process.listeners('SIGHUP');
  catchHangups();
  const [handler] = process.listeners('SIGHUP').filter((listener) => !before.includes(listener));
  try {
    let reloads = 0;
    handler!('SIGHUP');
    forgetHangups();
    handler!('SIGHUP');
    handler!('SIGHUP');
    onHangup(() => {
      reloads += 1;
    });
    expect(reloads).toBe(1);
    handler!('SIGHUP');
    expect(reloads).toBe(2);
  } finally {
    process.removeListener('SIGHUP', handler!);
  }
});
