/** Every HTTP server of the program is guarded: limits of connections, replies that belong to their requests, no lost exception. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { REPOSITORY } from '../support/installation.ts';

const SOURCE = join(REPOSITORY, 'src');
const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => ({ name, text: readFileSync(join(SOURCE, name), 'utf8') }));

it('a file that makes a server of node:http or node:https passes it to guardServer, which has its only listener for requests', () => {
  const makers = files.filter(({ text }) => /import \{[^}]*\bcreateServer\b[^}]*\} from 'node:https?'/.test(text));
  expect(makers.map(({ name }) => name).sort()).toEqual([
    'control/socket-server.ts',
    'http/app/listeners.ts',
    'setup/listener.ts',
  ]);
  for (const { name, text } of makers) {
    expect(text, name).toContain('guardServer(');
    // No listener beside the guarded one.
    expect(text, name).not.toMatch(/create(?:Tls)?Server\([^;]*=>/);
    expect(text, name).not.toMatch(/\.on(?:ce)?\('request'/);
  }
});

it('no async function is a listener for requests by itself: requestListener catches what it throws', () => {
  for (const { name, text } of files) {
    expect(text, name).not.toMatch(/\(request, response\) => void /);
    expect(text, name).not.toMatch(/async \(request, response\)/);
  }
});
