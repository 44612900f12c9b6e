/**
 * The laboratory of `npm run lab`: a real BIND, Knot and PowerDNS as primaries, one dyndns in front of them that also serves
 * a zone of its own, and pebble as a certificate authority that asks it. All on free ports of 127.0.0.1.
 */
import { randomBytes } from 'node:crypto';
import { startBind } from './bind.ts';
import { startDyndns } from './dyndns.ts';
import { freePort } from './free-port.ts';
import { startKnot } from './knot.ts';
import { startPebble } from './pebble.ts';
import { startPowerdns } from './powerdns.ts';
import type { KeySpec, PrimaryOptions, PrimaryServer } from './primary-server.ts';

const SECRET = 'laboratory1';
const OWN_ZONE = 'own.example.com';

export interface Laboratory {
  /** What runs where, and commands to try, for a terminal. */
  readonly description: string;
  stop(): Promise<void>;
}

/** Starts everything; what was started is stopped again when one of them fails. */
export async function startLaboratory(): Promise<Laboratory> {
  const running: { stop(): Promise<void> }[] = [];
  const stop = async () => {
    for (const one of running.toReversed()) await one.stop();
  };
  try {
    const primaries: { readonly zone: string; readonly key: KeySpec; readonly server: PrimaryServer }[] = [];
    for (const [zone, start] of [
      ['bind.example.com', startBind],
      ['knot.example.com', startKnot],
      ['powerdns.example.com', startPowerdns],
    ] as const) {
      const key = { name: zone, algorithm: 'hmac-sha512', secret: randomBytes(64).toString('base64') };
      const options: PrimaryOptions = { zones: [{ name: zone }], keys: [key] };
      const server = await start(options);
      running.push(server);
      primaries.push({ zone, key, server });
    }
    const dnsPort = await freePort();
    const dyndns = await startDyndns({
      secret: SECRET,
      log_level: 20,
      store: 'sqlite:dyndns.db',
      control: 'unix:control.sock',
      dns: { listen: [`127.0.0.1:${dnsPort}`] },
      zones: [
        ...primaries.map(({ zone, key, server }) => {
          return { name: zone, tsig_key: key.secret, nameserver: server.host, port: server.port };
        }),
        { name: OWN_ZONE, nameserver: 'embedded', ns: [`ns1.${OWN_ZONE}`], records: 'ns1 IN A 127.0.0.1' },
      ],
    });
    running.push(dyndns);
    const pebble = await startPebble({ host: '127.0.0.1', port: dnsPort });
    running.push(pebble);
    const update = (zone: string, port: number) =>
      `  curl -s http://127.0.0.1:${dyndns.port}/update-by-path/${SECRET}/home.${zone}/192.0.2.1\n` +
      `  dig @127.0.0.1 -p ${port} +short home.${zone} A\n`;
    const description = [
      ...primaries.map(
        ({ zone, server }) => `${server.kind}: 127.0.0.1:${server.port}, ${zone}, in ${server.directory}\n`,
      ),
      `dyndns: http://127.0.0.1:${dyndns.port}, DNS 127.0.0.1:${dnsPort}, ${OWN_ZONE}, configuration ${dyndns.configFile}\n`,
      `pebble: ${pebble.directoryUrl}, certificate ${pebble.caFile}\n`,
      '\nUpdate a name and look it up:\n',
      ...primaries.map(({ zone, server }) => update(zone, server.port)),
      update(OWN_ZONE, dnsPort),
      `\nCommands: node dist/cli/main.js --config ${dyndns.configFile} status\n`,
    ].join('');
    return { description, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
