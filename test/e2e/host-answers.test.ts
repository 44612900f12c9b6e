/** What the nameservers of a zone answer for a host, over the operation that asks them, with a real server and scripted secondaries. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { RRClass, RRType } from '../../src/dns/rdata.ts';
import { decodeMessage } from '../../src/dns/wire/message.ts';
import { API_ZONE, type ApiLab, startApiLab } from '../support/api-lab.ts';
import { listenUdp, replyTo } from '../support/dns-listener.ts';
import { freePort } from '../support/free-port.ts';

const HOST = `home.${API_ZONE}`;
let lab: ApiLab;
const closers: (() => Promise<void>)[] = [];

/** A secondary that serves this address of every name, and answers an SOA query with REFUSED. @returns `address:port` */
async function secondary(address: string): Promise<string> {
  const listener = await listenUdp((request, send) => {
    const [question] = decodeMessage(request).questions;
    const isA = question?.qtype === RRType.A;
    const ownerName = DomainName.parse(HOST);
    const rdata = { kind: 'A', address } as const;
    const answers = isA ? [{ ownerName, type: RRType.A, class: RRClass.IN, ttl: 30, rdata }] : [];
    const rcode = question?.qtype === RRType.SOA ? 5 : 0;
    send(replyTo(request, { answers, rcode, authoritative: true }));
  });
  closers.push(() => listener.close());
  return `127.0.0.1:${listener.port}`;
}

let places: { readonly same: string; readonly old: string; readonly silent: string };

beforeAll(async () => {
  places = {
    same: await secondary('192.0.2.1'),
    old: await secondary('192.0.2.9'),
    silent: `127.0.0.1:${await freePort()}`,
  };
  const secondaries = Object.values(places).map((address) => ({ address, notify: false, poll: false }));
  lab = await startApiLab({ secondaries, ns: [`ns1.${API_ZONE}`], records: 'ns1 IN A 127.0.0.1\n' });
});
afterAll(async () => {
  await lab?.stop();
  for (const close of closers) await close();
});

it('compares each nameserver with what was asked for', async () => {
  await lab.operate('update', { host: HOST, ips: ['192.0.2.1'] });
  const answers = await lab.operate('showAnswers', { host: HOST });
  expect(answers).toMatchObject({ zone: `${API_ZONE}.`, zoneKind: 'embedded', source: 'history' });
  expect(answers.wanted).toMatchObject({ A: ['192.0.2.1'] });
  expect(answers.servers).toEqual([
    {
      server: 'this server',
      role: 'this-server',
      A: { addresses: ['192.0.2.1'], ttl: expect.any(Number) },
      AAAA: { addresses: [] },
      serial: expect.any(Number),
      agrees: true,
      milliseconds: expect.any(Number),
    },
    {
      server: places.same,
      role: 'secondary',
      A: { addresses: ['192.0.2.1'], ttl: 30 },
      AAAA: { addresses: [] },
      agrees: true,
      milliseconds: expect.any(Number),
    },
    {
      server: places.old,
      role: 'secondary',
      A: { addresses: ['192.0.2.9'], ttl: 30 },
      AAAA: { addresses: [] },
      agrees: false,
      milliseconds: expect.any(Number),
    },
    { server: places.silent, role: 'secondary', problem: expect.any(String) },
  ]);
});

it('compares a name without a history with the primary itself', async () => {
  const { source, wanted, servers } = await lab.operate('showAnswers', { host: `ns1.${API_ZONE}` });
  expect({ source, wanted }).toEqual({ source: 'primary', wanted: { A: ['127.0.0.1'], AAAA: [] } });
  expect(servers[0]?.agrees).toBe(true);
});
