// What `dyndns init` asks for an embedded zone, and what it offers as an answer.
import { expect, it } from 'vitest';
import { parseConfig } from '../../config/load.ts';
import { parseHostName } from '../../dns/host-name.ts';
import { type EmbeddedFlags, planEmbeddedZone } from './embedded.ts';
import { planHttps } from './https.ts';

const ZONE = parseHostName('dyn.example.com');

/** Answers with the text that is given for the flag, else with the preset; tells what was asked. */
async function plan(
  answers: Readonly<Record<string, string>>,
  flags: EmbeddedFlags = {},
  https?: ReturnType<typeof planHttps>,
) {
  const asked: (readonly [flag: string, offered: string | undefined])[] = [];
  const surroundings = { store: 'dyndns.db', addresses: ['203.0.113.5', '10.0.0.1'], https, secret: "'abcdefgh'" };
  const { text } = await planEmbeddedZone(ZONE, flags, surroundings, async ({ flag, preset, proposal, read }) => {
    asked.push([flag, preset ?? proposal]);
    return read(answers[flag] ?? preset ?? '');
  });
  return { asked, text };
}

it('asks for names, addresses, contact and the file of the data, with an answer at hand', async () => {
  const { asked, text } = await plan({ '--address': '192.0.2.10 2001:db8::10' });
  expect(asked).toEqual([
    ['--ns', 'ns1.dyn.example.com'],
    ['--address', '203.0.113.5, 10.0.0.1'],
    ['--contact', 'hostmaster@dyn.example.com'],
    ['--store', 'dyndns.db'],
  ]);
  expect(text).toContain('ns1.dyn.example.com. IN AAAA 2001:db8::10\n');
});

it('asks nothing that a flag says, and for no address that the parent cannot use', async () => {
  const flags = { ns: ['ns1.example.net, ns2.example.net'], contact: "o'neil@example.com", store: "it's.db" };
  const { asked, text } = await plan({}, flags);
  expect(asked).toEqual([]);
  const { config } = parseConfig(text, '/etc/x.yml', {});
  expect(config.store).toEqual({ kind: 'sqlite', path: "/etc/it's.db" });
  expect(config.zones[0]!.primary).toMatchObject({ kind: 'embedded', ns: { length: 2 } });
});

it.each([
  [{}, "--address: 'ns1.dyn.example.com.' needs at least one address."],
  [{ '--ns': 'ns1' }, "--ns: 'ns1.' has a single label, and a nameserver needs its full name"],
])('the answers %j are refused', async (answers, text) => {
  await expect(plan(answers)).rejects.toThrow(text);
});

it('HTTPS gets the names, their addresses and the mail address of the account', async () => {
  const { text } = await plan(
    { '--address': '192.0.2.10' },
    {},
    planHttps(['api.dyn.example.com', 'dyn.example.com'], undefined),
  );
  const { config } = parseConfig(text, '/etc/x.yml', {});
  expect(config.http.acme?.names.map(String)).toEqual(['api.dyn.example.com.', 'dyn.example.com.']);
  expect(config.http.acme?.email).toBe('hostmaster@dyn.example.com');
  for (const name of ['ns1.dyn', 'api.dyn', 'dyn'])
    expect(text).toContain(`      ${name}.example.com. IN A 192.0.2.10\n`);
});
