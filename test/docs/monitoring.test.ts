/**
 * docs/operating/monitoring.md and deploy/prometheus against the code: the table has every metric, every name in an alert
 * is a metric, and promtool accepts the files.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config/load.ts';
import { METRICS } from '../../src/observe/metrics-table.ts';
import { REPOSITORY } from '../support/installation.ts';
import { runProgram } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const page = readFileSync(join(REPOSITORY, 'docs/operating/monitoring.md'), 'utf8');
const rulesFile = join(REPOSITORY, 'deploy/prometheus/rules.yml');
const scrapeFile = join(REPOSITORY, 'deploy/prometheus/scrape.yml');

interface Rule {
  readonly alert: string;
  readonly expr: string;
}

const { groups } = parse(readFileSync(rulesFile, 'utf8')) as { groups: readonly { rules: readonly Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

it('the page has a row for every metric, as the code has it', () => {
  const rows = METRICS.map(({ name, type, labels, help }) => {
    const names = labels.map((label) => `\`${label}\``).join(' ') || '–';
    return `| \`${name}\` | ${type} | ${names} | ${help} |`;
  });
  expect(page.split('\n').filter((line) => line.startsWith('| `dyndns_'))).toEqual(rows);
});

it('the configuration of the page is valid', () => {
  const block = /^```yaml metrics\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? '';
  const rest = 'nameserver: 127.0.0.1\nsecret: Top5ecretWord\nzones: [{name: example.com, tsig_key: tPyvZA==}]\n';
  const { config } = parseConfig(rest + block, 'page', {});
  expect(config.metrics?.listen).toMatchObject({ host: '127.0.0.1', port: 9153 });
});

describe('the alerts', () => {
  it.each(rules.map((rule) => [rule.alert, rule]))('%s asks for metrics and labels that exist', (_alert, { expr }) => {
    const used = [...expr.matchAll(/\b(dyndns_\w+?)(?:_(?:bucket|sum|count))?(?:\{([^}]*)\})?(?=[\s[)])/g)];
    if (!expr.startsWith('up{')) expect(used.length).toBeGreaterThan(0);
    for (const [, name, selector = ''] of used) {
      const metric = METRICS.find((row) => row.name === name);
      expect([name, metric?.name]).toEqual([name, name]);
      for (const [, label] of selector.matchAll(/(\w+)\s*[=!]/g)) expect(metric?.labels).toContain(label);
    }
  });

  it('are in the page, and so is how to scrape', () => {
    expect(page).toContain('deploy/prometheus/rules.yml');
    expect(parse(readFileSync(scrapeFile, 'utf8'))).toMatchObject({ scrape_configs: [{ job_name: 'dyndns' }, {}] });
  });
});

describeWith([{ command: 'promtool', debianPackage: 'prometheus' }], 'promtool', () => {
  it('takes the alerts', async () => {
    const { code, stderr } = await runProgram('promtool', ['check', 'rules', rulesFile]);
    expect([code, stderr]).toEqual([0, '']);
  });
});
