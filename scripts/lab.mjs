/**
 * `npm run lab`: starts the laboratory of test/support/lab.ts (BIND, Knot, PowerDNS, pebble, dyndns), prints where everything
 * listens and what to try, and stops all of it on Ctrl-C.
 */
import { join } from 'node:path';
import { exit, stdout } from 'node:process';
import { readArguments } from '../bench/usage.mjs';
import { build, install, root } from './prepare.mjs';
import { installMissing } from './servers.mjs';

readArguments({
  command: 'npm run lab',
  about:
    'Starts BIND, Knot, PowerDNS, pebble and dyndns on loopback, and prints commands to try. Ctrl-C stops everything.',
});
install();
build();
const missing = installMissing();
if (missing.length > 0) stdout.write(`Missing: apt-get install -y ${missing.join(' ')}\n`);

// The starters are the TypeScript of the tests: Vite, which runs those, loads them here as well.
const { createViteServer } = await import('vitest/node');
const vite = await createViteServer({
  root,
  configFile: false,
  appType: 'custom',
  logLevel: 'warn',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
});
const { startLaboratory } = await vite.ssrLoadModule(join(root, 'test', 'support', 'lab.ts'));
stdout.write('Starting BIND, Knot, PowerDNS, dyndns and pebble.\n');
const laboratory = await startLaboratory();
stdout.write(`${laboratory.description}\nCtrl-C stops everything and removes its files.\n`);

let isEnding = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    if (isEnding) return;
    isEnding = true;
    void laboratory
      .stop()
      .then(() => vite.close())
      .then(() => exit(0));
  });
}
// The servers are processes of their own; this one has nothing else to wait for.
setInterval(() => undefined, 60_000);
