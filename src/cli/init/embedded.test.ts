// What `dyndns init` asks for an embedded zone, and what it offers as an answer.
import { expect, it } from 'vitest';
import { parseConfig } from '../../config/load.ts';
import { parseHostName } from '../../dns/host-name.ts';
import { type EmbeddedFlags, planEmbeddedZone } from './embedded.ts';

/** Answers with the preset, or with the text that is given for the flag; tells what was asked. */
async function plan(file: string, answers: Readonly<Record<string, string>>, flags: EmbeddedFlags = {}) {
  const asked: (readonly [flag: string, preset: string | undefined])[] = [];
  const { text } = await planEmbeddedZone(
    parseHostName('dyn.example.com'),
    file,
    flags,
    'abcdefgh',
    (_, preset, flag) => {
      asked.push([flag, preset]);
      return Promise.resolve(answers[flag] ?? preset ?? '');
    },
  );
  return { asked, text };
}

it('asks for names, addresses, contact and the file of the data, with an answer at hand where there is one', async () => {
  const { asked, text } = await plan('.dyndns.yml', { '--address': '192.0.2.10 2001:db8::10' });
  expect(asked).toEqual([
    ['--ns', 'ns1.dyn.example.com'],
    ['--address', undefined],
    ['--contact', 'hostmaster@dyn.example.com'],
    ['--store', 'dyndns.db'],
  ]);
  expect(text).toContain('ns1.dyn.example.com. IN AAAA 2001:db8::10\n');
});

it('for a file in /etc offers /var/lib for the data', async () => {
  const { text } = await plan('/etc/dyndns.yml', { '--ns': 'ns1.example.net' });
  expect(text).toContain("store: 'sqlite:/var/lib/dyndns/dyndns.db'\n");
});

it('asks nothing that a flag says, and for no address that the parent cannot use', async () => {
  const flags = { ns: ['ns1.example.net, ns2.example.net'], contact: "o'neil@example.com", store: "it's.db" };
  const { asked, text } = await plan('x.yml', {}, flags);
  expect(asked).toEqual([]);
  const { config } = parseConfig(text, '/etc/x.yml', {});
  expect(config.store).toEqual({ kind: 'sqlite', path: "/etc/it's.db" });
  expect(config.zones[0]!.primary).toMatchObject({ kind: 'embedded', ns: { length: 2 } });
});

it('an empty answer to the addresses is refused', async () => {
  await expect(plan('x.yml', {})).rejects.toThrow("--address: 'ns1.dyn.example.com.' needs at least one address.");
});
