// Webhooks, and what the configuration says of silent hosts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parseConfig } from './load.ts';
import { ConfigError } from './problem.ts';
import { renderConfig } from './show.ts';

const ZONES = 'secret: abcdefgh\nzones: [{name: a.example, tsig_key: tPyvZA==, nameserver: 192.0.2.1}]\n';
const load = (text: string) => parseConfig(ZONES + text, '/etc/dyndns.yml', {});

function problems(text: string): readonly string[] {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.lines.map((line) => line.replace('/etc/dyndns.yml:', ''));
    throw error;
  }
  return [];
}

describe('webhooks', () => {
  test('need a URL; without more they get every event as JSON, unsigned', () => {
    const { webhooks, warnings } = load('webhooks: [{url: https://hooks.example.net/x}]').config;
    expect(webhooks[0]!.url.reveal()).toBe('https://hooks.example.net/x');
    expect(webhooks[0]).toMatchObject({
      events: ['changed', 'failed', 'silent', 'secondary', 'signatures'],
      format: 'json',
    });
    expect(webhooks[0]!.secret).toBeUndefined();
    expect(warnings).toEqual([]);
    expect(load('').config.webhooks).toEqual([]);
  });
  test('say what they want, in which form, and how it is signed', () => {
    const text = 'webhooks: [{url: https://ntfy.example/t, secret: Xq7wXq7w, events: [failed, failed], format: NTFY}]';
    const [webhook] = load(text).config.webhooks;
    expect(webhook).toMatchObject({ events: ['failed'], format: 'ntfy' });
    expect(webhook!.secret!.reveal()).toBe('Xq7wXq7w');
  });
  test('keep their secrets: neither URL nor secret is shown, the host is', () => {
    const text = "webhooks: [{url: 'https://me:Xq7wA@hooks.example.net/Xq7wB?t=Xq7wC', secret: Xq7wDXq7wD}]";
    const loaded = load(text);
    const shown = renderConfig(loaded.settings);
    expect(shown).toContain("- url: 'https://hooks.example.net/[secret]'");
    expect(shown + inspect(loaded, { depth: 20 }) + JSON.stringify(loaded)).not.toContain('Xq7w');
    expect(loaded.settings.holdsSecrets).toBe(true);
  });
  test('take URL and secret from files', () => {
    const directory = mkdtempSync(join(tmpdir(), 'dyndns-webhooks-'));
    try {
      writeFileSync(join(directory, 'url'), 'https://hooks.example.net/Xq7w\n');
      writeFileSync(join(directory, 'secret'), 'Xq7wXq7w\n');
      const text = `${ZONES}webhooks: [{url: {file: url}, secret: {file: secret}}]`;
      const [webhook] = parseConfig(text, join(directory, 'x.yml'), {}).config.webhooks;
      expect([webhook!.url.reveal(), webhook!.secret!.reveal()]).toEqual([
        'https://hooks.example.net/Xq7w',
        'Xq7wXq7w',
      ]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
  test('over http:// are a warning, unless they stay on the machine', () => {
    const warningsFor = (url: string) => load(`webhooks: [{url: '${url}'}]`).config.warnings;
    expect(warningsFor('http://hooks.example.net/Xq7w')).toEqual([
      "webhooks[0]: names, addresses and any credential in the URL are sent to 'hooks.example.net' unencrypted; use https://.",
    ]);
    for (const host of ['127.0.0.1:8080', 'localhost', '[::1]:80', 'x.localhost']) {
      expect(warningsFor(`http://${host}/`)).toEqual([]);
    }
    expect(warningsFor('http://127.example.net/')).toHaveLength(1);
  });
  test.each([
    ['webhooks: https://hooks.example.net', '3:11: webhooks: must be a list; it is text.'],
    [
      'webhooks: [https://hooks.example.net]',
      '3:12: webhooks[0]: must be a map with the keys url, secret, events, format, not text.',
    ],
    [
      'webhooks: [{events: [changed]}]',
      '3:12: webhooks[0].url: is required: the URL that events are sent to, like https://hooks.example.net/dyndns.',
    ],
    [
      'webhooks: [{url: ftp://Xq7w.example}]',
      '3:18: webhooks[0].url: must be a URL that begins with https://, or with http:// (not encrypted).',
    ],
    [
      "webhooks: [{url: 'https://hooks.example.net/#Xq7w'}]",
      '3:18: webhooks[0].url: must be a URL that begins with https://, or with http:// (not encrypted).',
    ],
    [
      'webhooks: [{url: https://a.example, secret: Xq7w}]',
      '3:45: webhooks[0].secret: must be a text of 8 to 255 octets without control characters.',
    ],
    [
      'webhooks: [{url: https://a.example, secret: 12345678}]',
      '3:45: webhooks[0].secret: YAML reads this as a number, but a text is expected: quote it. It must be a text of 8 to 255 octets without control characters.',
    ],
    [
      'webhooks: [{url: https://a.example, events: [gone]}]',
      "3:46: webhooks[0].events: must be one of changed, failed, silent, secondary, not 'gone'.",
    ],
    [
      'webhooks: [{url: https://a.example, events: []}]',
      '3:45: webhooks[0].events: must be a list with at least one entry, each entry one of changed, failed, silent, secondary; it is empty.',
    ],
    [
      'webhooks: [{url: https://a.example, format: xml}]',
      "3:45: webhooks[0].format: must be one of json, ntfy, text, not 'xml'.",
    ],
    [
      'webhooks: [{url: https://a.example, evnets: [x]}]',
      "3:37: webhooks[0]: unknown key 'evnets'; the nearest known key is 'events'. Allowed here: url, secret, events, format.",
    ],
  ])('%s is refused', (text, expected) => {
    expect(problems(text)).toEqual([expected]);
  });
});

describe('silence', () => {
  const HOST = 'hosts: [{name: x.a.example, silent_after_seconds: 60, lease_seconds: 0}]';
  test('is limited by seconds; 0 is no limit', () => {
    const [host] = load(`${HOST}\nstore: sqlite:x.db`).config.hosts;
    expect(host).toMatchObject({ silentAfterSeconds: 60, fallback: [] });
    expect(host).not.toHaveProperty('leaseSeconds');
    const text =
      "hosts: [{name: x.a.example, lease_seconds: 60, fallback: ['2001:DB8::1', '::ffff:192.0.2.1']}]\nstore: sqlite:x.db";
    expect(load(text).config.hosts[0]).toMatchObject({ leaseSeconds: 60, fallback: ['2001:db8::1', '192.0.2.1'] });
  });
  test('without a store or a history has no effect, and a warning says so', () => {
    const start =
      "silent_after_seconds and lease_seconds of 'x.a.example.' have no effect: when a host was last seen is known only";
    expect(load(HOST).config.warnings).toEqual([`${start} with a store ('store: sqlite:PATH').`]);
    expect(load(`${HOST}\nstore: sqlite:x.db\nhistory_days: 0`).config.warnings).toEqual([
      `${start} with history_days above 0.`,
    ]);
    expect(load(`${HOST}\nstore: sqlite:x.db`).config.warnings).toEqual([]);
  });
});
