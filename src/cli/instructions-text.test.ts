import { expect, it } from 'vitest';
import { instructionsFor } from '../core/devices/device.ts';
import { DEVICES, getDevice } from '../core/devices/devices.ts';
import { formatInstructions } from './instructions-text.ts';

const REQUEST = {
  server: 'https://dyndns.example.com',
  host: 'home.example.com',
  tokenName: 'router1',
  secret: 'abc234',
};
const text = (id: string, more: object = {}) =>
  formatInstructions(instructionsFor(getDevice(id), { ...REQUEST, ...more }));

it('the fields of a screen are aligned, with the whole URL in its row, and its alternatives below', () => {
  expect(text('fritzbox')).toBe(`Settings for FRITZ!Box. docs/clients/fritzbox.md has more about it.

In Internet > Permit Access > DynDNS (in German: Internet > Freigaben > DynDNS)
enter:

  Provider     User-defined (Benutzerdefiniert)
  Update URL   https://dyndns.example.com/nic/update?hostname=<domain>&myip=<ipaddr>,<ip6addr>
  Domain name  home.example.com
  User name    home.example.com
  Password     abc234

Update URL with the prefix of the LAN, for machines behind the box:

https://dyndns.example.com/nic/update?hostname=<domain>&myip=<ipaddr>,<ip6addr>&ip6lanprefix=<ip6lanprefix>

Update URL for IPv4 only:

https://dyndns.example.com/nic/update?hostname=<domain>&myip=<ipaddr>

Note:
- Type \`<domain>\`, \`<ipaddr>\` and \`<ip6addr>\` literally: the box replaces
  them. The user name must not be empty.
- The box does not escape special characters, so use tokens as the server
  creates them (letters and digits).
- If DNS has an AAAA record and the URL does not send \`<ip6addr>\`, the box
  reports "verification failed" and sends again.
- \`<ip6addr>\` is the address of the box, never of a machine behind it.
- Behind DS-Lite or carrier-grade NAT, others cannot reach the address
  \`<ipaddr>\`: use \`myip=<ip6addr>\`.
`);
});

it('a file is as it must be in the file, with its mode where it has the secret', () => {
  expect(text('home-assistant')).toContain('In `secrets.yaml` (mode 0600):\n\ndyndns_token: "abc234"\n');
  expect(text('inadyn')).toContain('`/etc/inadyn.conf`, owner root, mode 600:\n\nperiod = 300\n');
  expect(text('openwrt')).toContain("\n\toption password 'abc234'\n");
});

it.each(DEVICES)('$id: prose has at most 79 columns, and no line has an escape sequence', ({ id }) => {
  const instructions = instructionsFor(getDevice(id), REQUEST);
  const formatted = formatInstructions(instructions);
  const own = instructions.sections.flatMap((section) =>
    section.kind === 'text' ? section.text.split('\n') : section.fields.map(({ value }) => value),
  );
  for (const line of formatted.split('\n')) {
    expect(line).not.toContain('\u001b');
    expect(line.trimEnd()).toBe(line);
    if (line.length > 79) expect(own.some((value) => value !== '' && line.includes(value))).toBe(true);
  }
});
