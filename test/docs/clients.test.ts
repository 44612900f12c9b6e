/** The settings in docs/clients are those of the table of devices, from which the command line and the API take theirs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DEVICES } from '../../src/core/devices/devices.ts';
import { CLIENT_PAGES, clientPage } from '../../src/docs/clients.ts';
import { REPOSITORY } from '../support/installation.ts';

const read = (path: string) => readFileSync(join(REPOSITORY, path), 'utf8');

it.each(CLIENT_PAGES)('%s is what the table says (npm run docs writes it)', (path) => {
  expect(clientPage(read(path), path)).toBe(read(path));
});

it('every device has a page of its own', () => {
  expect(new Set(CLIENT_PAGES).size).toBe(DEVICES.length);
});

it('a changed value, a lacking part, an unknown and a repeated one are found', () => {
  const path = 'docs/clients/fritzbox.md';
  const page = read(path);
  const first = /<!-- npm run docs: url fritzbox -->[\s\S]*?<!-- end -->\n/.exec(page)![0];
  const changed = page.replace('| Password | `TOKEN` |', '| Password | the token |');
  expect(changed).not.toBe(page);
  expect(clientPage(changed, path)).toBe(page);
  expect(() => clientPage(page.replace(first, ''), path)).toThrow('lacks the sections url fritzbox');
  expect(() => clientPage(page.replace('docs: url fritzbox -->', 'docs: url box -->'), path)).toThrow("'url box'");
  expect(() => clientPage(`${page}${first}`, path)).toThrow('twice');
});

it('the settings of a page are in its generated parts alone', () => {
  const manual = (path: string) => read(path).replaceAll(/^<!-- npm run docs: [\s\S]*?<!-- end -->$/gm, '');
  for (const path of CLIENT_PAGES) {
    expect([path, /^\| field \| \|$/m.test(manual(path))]).toEqual([path, false]);
  }
});
