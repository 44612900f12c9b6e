/** docs/configuration.md and docs/dyndns.example.yml match the table of options, and the example is valid. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { optionsHelp } from '../../src/config/help.ts';
import { parseConfig } from '../../src/config/load.ts';
import { environmentName, ROWS } from '../../src/config/options/options.ts';
import { renderConfig } from '../../src/config/show.ts';
import { configurationDocument, exampleFile } from '../../src/docs/configuration.ts';

const committed = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

test('docs/configuration.md is what the table says (npm run docs writes it)', () => {
  expect(committed('configuration.md')).toBe(configurationDocument());
});

test('docs/dyndns.example.yml is what the table says (npm run docs writes it)', () => {
  expect(committed('dyndns.example.yml')).toBe(exampleFile());
});

test('the example works as it is', () => {
  const { config } = parseConfig(committed('dyndns.example.yml'), 'dyndns.example.yml', {});
  expect(config.zones.map((zone) => String(zone.apex))).toEqual(['dyndns.example.com.']);
  expect(config.warnings).toEqual([]);
});

const switchedOn = () => committed('dyndns.example.yml').replace(/^( *)#(?=[^ ])/gm, '$1');

test('the example works with everything switched on, and then shows every option', () => {
  const text = switchedOn();
  const { config, settings } = parseConfig(text, 'dyndns.example.yml', {});
  expect(config.zones.map((zone) => String(zone.apex))).toEqual([
    'dyndns.example.com.',
    'home.example.net.',
    'lab.example.net.',
  ]);
  expect(config.warnings).toEqual([]);
  const [, second] = renderConfig(settings).split(/- name: (?:home|lab)\.example\.net\./);
  expect(second).toContain('empty_value');
  expect(second).not.toContain('# default');
  const lists = ['zones[].secondaries[]', 'zones[].tsig_keys[]'];
  const entries = settings.zones.flatMap((zone) => lists.flatMap((path) => zone.items(path)));
  const clients = ['tokens[]', 'hosts[]', 'webhooks[]'].flatMap((path) => settings.root.items(path));
  const members = clients.flatMap((client) => client.items('hosts[].members[]'));
  const scopes = [settings.root, ...settings.zones, ...entries, ...clients, ...members];
  for (const [path, row] of ROWS) {
    const isShown = row.instead === undefined;
    expect([path, scopes.some((scope) => scope.isMentioned(path))]).toEqual([path, isShown]);
  }
});

test('what excludes other options works in their place', () => {
  const paths = [...ROWS].flatMap(([path, row]) => (row.instead ? [path] : []));
  expect(paths).toHaveLength(6);
  const own = new RegExp(`^( *)# (acme:$|(?:${paths.map((path) => path.split('.').at(-1)).join('|')}): )`, 'gm');
  const text = switchedOn()
    .replace(/^ *(certificate|key): \/.*\n/gm, '')
    .replace(own, '$1$2');
  const { config, settings } = parseConfig(text, 'dyndns.example.yml', {});
  expect(config.http.acme?.folder).toBe('/var/lib/dyndns/acme');
  expect(paths.filter((path) => !settings.root.isMentioned(path))).toEqual([]);
});

test('every option is documented once, with its name, its variable and what is allowed', () => {
  const document = committed('configuration.md');
  for (const [path, row] of ROWS) {
    const name = path.replace(
      /^(http|dns|metrics|limits|protocols|acme_dns|admin|zones\[\]|tokens\[\]|hosts\[\]|webhooks\[\])\./,
      '',
    );
    expect(document).toContain(`### \`${name}\`\n`);
    const variable = environmentName(path);
    if (variable !== undefined) expect(document.split(`- Environment: \`${variable}\`\n`)).toHaveLength(2);
    expect(document).toContain(`- Allowed: ${row.kind.allowed}`);
    expect(optionsHelp()).toContain(`  ${path}\n`);
  }
});
