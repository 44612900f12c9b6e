// docs/configuration.md and docs/dyndns.example.yml are what the table of options says, and the example works.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configurationDocument, exampleFile, optionsHelp } from '../../src/config/document.ts';
import { parseConfig } from '../../src/config/load.ts';
import { environmentName, ROWS } from '../../src/config/options.ts';
import { renderConfig } from '../../src/config/show.ts';

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

test('the example works with everything switched on, and then shows every option', () => {
  const text = committed('dyndns.example.yml').replace(/^( *)#(?=[^ ])/gm, '$1');
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
  const scopes = [settings.root, ...settings.zones, ...entries, ...clients];
  for (const [path, row] of ROWS) {
    expect([path, scopes.some((scope) => scope.isMentioned(path))]).toEqual([path, row.available]);
  }
});

test('every option is documented with its name, its variable and what is allowed', () => {
  const document = committed('configuration.md');
  for (const [path, row] of ROWS) {
    const name = path.replace(/^(http|dns|metrics|limits|zones\[\]|tokens\[\]|hosts\[\]|webhooks\[\])\./, '');
    expect(document).toContain(row.available ? `### \`${name}\`\n` : `- \`${path}\``);
    if (!row.available) continue;
    const variable = environmentName(path);
    if (variable !== undefined) expect(document).toContain(`- Environment: \`${variable}\``);
    expect(document).toContain(`- Allowed: ${row.kind.allowed}`);
    expect(optionsHelp()).toContain(`  ${path}\n`);
  }
});
