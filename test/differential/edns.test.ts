/**
 * Compares what our nameserver does with EDNS options with BIND and Knot: every request of edns-cases.ts over UDP and TCP,
 * unsigned and signed. The replies have the same RCODE and options, except for the differences of edns-accepted.ts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { ClientTransaction } from '../../src/dns/tsig.ts';
import { makeTsigKey } from '../../src/dns/tsig-key.ts';
import { findEdns, fullRcode } from '../../src/dns/wire/edns.ts';
import { decodeMessage, formatRcode } from '../../src/dns/wire/message.ts';
import { startBind } from '../support/bind.ts';
import type { ServerAddress } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { REPOSITORY } from '../support/installation.ts';
import { startKnot } from '../support/knot.ts';
import type { KeySpec, PrimaryServer } from '../support/primary-server.ts';
import { BIND_PROGRAMS, describeWith, KNOT_PROGRAMS } from '../support/require-server.ts';
import { askAll, type RawReply } from './asker.ts';
import { EDNS_ACCEPTED, type EdnsDifference, type EdnsReply } from './edns-accepted.ts';
import { EDNS_CASES } from './edns-cases.ts';
import { ZONE } from './zone.ts';

const KEY = { name: 'edns.key', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 7).toString('base64') } as const;
const NSID = 'a server';
const EXPIRE_SECONDS = 1_209_600;

/** The options by their codes. The content of cookies is random, and that of keepalive is each server's idle time. */
function ednsReply(raw: RawReply): EdnsReply {
  if (!(raw instanceof Uint8Array)) return { rcode: raw, options: 'none', signed: false };
  const message = decodeMessage(raw);
  const options = findEdns(message)?.options.map(({ code, octets }) => {
    return code === 10 || code === 11 ? `${code}` : `${code}=${Buffer.from(octets).toString('hex')}`;
  });
  const rcode = formatRcode(fullRcode(message));
  const signed = message.additional.at(-1)?.rdata.kind === 'TSIG';
  return { rcode, options: options?.sort().join(' ') ?? 'none', signed };
}

function keyOf({ name, algorithm, secret }: KeySpec) {
  return makeTsigKey(DomainName.parse(name), algorithm as 'hmac-sha256', Buffer.from(secret, 'base64'));
}

describeWith([...BIND_PROGRAMS, ...KNOT_PROGRAMS], 'EDNS beside BIND and Knot', () => {
  let ours: EmbeddedServer;
  const peers: { readonly kind: 'bind' | 'knot'; readonly server: PrimaryServer }[] = [];
  const used = new Set<string>();

  beforeAll(async () => {
    ours = await startEmbedded({ zone: ZONE, keys: [KEY], dns: { nsid: NSID }, ns: [`ns1.${ZONE}`], records: RECORD });
    const zones = [
      { name: ZONE, records: `@ 300 SOA ns1 hostmaster 1 3600 600 ${EXPIRE_SECONDS} 60\n@ NS ns1\n${RECORD}` },
    ];
    const bind = (config: string) =>
      config.replace('recursion no;', `recursion no; minimal-responses yes; server-id "${NSID}"; version none;`);
    const knot = (config: string) => config.replace('server:\n', `server:\n    nsid: "${NSID}"\n`);
    peers.push({ kind: 'bind', server: await startBind({ zones, keys: [KEY], configure: bind }) });
    peers.push({ kind: 'knot', server: await startKnot({ zones, keys: [KEY], configure: knot }) });
  });
  afterAll(() => Promise.all([ours, ...peers.map(({ server }) => server)].map((server) => server?.stop())));

  for (const transport of ['udp', 'tcp'] as const) {
    for (const signed of [false, true]) {
      it(`${EDNS_CASES.length} requests over ${transport}${signed ? ', signed' : ''}`, {
        timeout: 60_000,
      }, async () => {
        const key = keyOf(KEY);
        const queries = EDNS_CASES.map(({ octets }) => {
          const sent = signed ? new ClientTransaction(key).sign(octets, Math.floor(Date.now() / 1000)) : octets;
          return { transport, octets: sent };
        });
        const ask = async (server: ServerAddress) => (await askAll(server, queries)).map(ednsReply);
        const own = await ask(ours);
        const unexplained: string[] = [];
        for (const { kind, server } of peers) {
          for (const [index, theirs] of (await ask(server)).entries()) {
            const { name } = EDNS_CASES[index]!;
            const difference: EdnsDifference = { name, peer: kind, transport, signed, ours: own[index]!, theirs };
            const fields = (['rcode', 'options', 'signed'] as const).filter(
              (field) => difference.ours[field] !== theirs[field],
            );
            const rows = EDNS_ACCEPTED.filter((row) => row.peers.includes(kind) && row.covers(difference));
            const explained = new Set(rows.flatMap((row) => row.fields));
            for (const row of rows) if (row.fields.some((field) => fields.includes(field))) used.add(row.name);
            if (fields.every((field) => explained.has(field))) continue;
            unexplained.push(`${name}: ${JSON.stringify(difference.ours)} ${kind} ${JSON.stringify(theirs)}`);
          }
        }
        expect(unexplained).toEqual([]);
      });
    }
  }

  it('needs every row of the accepted differences', () => {
    expect(EDNS_ACCEPTED.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
  });
});

describe('docs/standards.md', () => {
  it('lists the same accepted differences', () => {
    const document = readFileSync(join(REPOSITORY, 'docs/standards.md'), 'utf8');
    const software = { bind: 'BIND', knot: 'Knot' };
    const rows = EDNS_ACCEPTED.map(({ name, peers: beside, reason, standard }) => {
      return `| ${name} | ${beside.map((peer) => software[peer]).join(', ')} | ${reason} | ${standard} |\n`;
    });
    expect(document).toContain(rows.join(''));
  });
});

const RECORD = 'ns1 A 127.0.0.1\n';
