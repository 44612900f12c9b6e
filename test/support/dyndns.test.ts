/** The starter of our server: the server listens on a free port, and nothing remains after stop(). */
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { startDyndns } from './dyndns.ts';

const CONFIG = {
  secret: 'Top5ecretWord',
  nameserver: '127.0.0.1',
  zones: [{ name: 'dyn.example.com', tsig_key: 'tPyvZA==' }],
};

it('starts our server on a free port and stops it', async () => {
  const server = await startDyndns(CONFIG);
  expect(server.port).toBeGreaterThan(0);
  expect((await server.ask('/')).body).toMatch(/^dyndns v\d+\.\d+\.\d+\S*\n$/);
  await server.stop();
  expect(server.process.isRunning()).toBe(false);
  expect(existsSync(server.directory)).toBe(false);
});

it('reports why the server did not start', async () => {
  await expect(startDyndns({ ...CONFIG, sekret: 'x' })).rejects.toThrow(/nearest known key.*secret/s);
});
