/**
 * Sends the same seeded UPDATE messages (RFC 2136 §3) to a real BIND and to our zone, and compares every RCODE and, after
 * each message, the whole zone with TTLs and serial. UPDATE_SEED=n sends others; a failure is reproducible by its seed.
 * Accepted differences are marked ACCEPTED below, and named in random-updates.ts.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { applyUpdate } from '../../src/core/updates/dns-update.ts';
import { DomainName } from '../../src/dns/name.ts';
import { RRClass, RRType } from '../../src/dns/rdata.ts';
import { rdataKey } from '../../src/dns/rdata-canonical.ts';
import { makeTsigKey } from '../../src/dns/tsig-key.ts';
import { decodeMessage, encodeMessage, formatRcode, makeMessage, Rcode } from '../../src/dns/wire/message.ts';
import { Committer } from '../../src/nameserver/journal/committer.ts';
import { EmbeddedUpdates } from '../../src/nameserver/update/updatable-zone.ts';
import { answerUpdate } from '../../src/nameserver/update/update-in.ts';
import type { ZoneRecord, ZoneRRset } from '../../src/nameserver/zone/zone-node.ts';
import { nameOf, rdataText, soaSerial, withSerial } from '../../src/nameserver/zone/zone-version.ts';
import { seededRandom } from '../differential/random.ts';
import { startBind } from '../support/bind.ts';
import { DnsLine } from '../support/dns-line.ts';
import { editedZone, LIMITS } from '../support/edited-zone.ts';
import type { PrimaryServer } from '../support/primary-server.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type RandomUpdate, randomUpdate } from './random-updates.ts';

const SEED = Number(process.env.UPDATE_SEED ?? 2136);
const MESSAGES = 2000;
const ZONE = 'example.com';
const SECRET = Buffer.alloc(32, 'not a secret');
const RECORDS = '@ 300 IN SOA ns1 hostmaster 1 3600 1000 3600000 300\n@ 300 IN NS ns1.example.net.\n';
const apex = DomainName.parse(ZONE);
const key = makeTsigKey(apex, 'hmac-sha256', SECRET);

function lastLine(server: PrimaryServer): string | undefined {
  return server.log().trim().split('\n').at(-1);
}

/** The comparable content of a zone: names without case, records without the serial of the SOA. */
interface ZoneTexts {
  readonly serial: number;
  readonly records: readonly string[];
}

function zoneTexts(records: readonly ZoneRecord[]): ZoneTexts {
  let serial = 0;
  const texts = records.map(({ wireText, type, ttl, rdata }) => {
    const octets = type === RRType.SOA ? withSerial(rdata, 0) : rdata;
    if (type === RRType.SOA) serial = soaSerial(rdata);
    return `${DomainName.ofWire(Buffer.from(nameOf(wireText).key, 'latin1'))} ${ttl} ${type} ${JSON.stringify(rdataKey(type, octets))}`;
  });
  return { serial, records: texts };
}

/** The zone by AXFR, which fits into one message. */
async function zoneOfBind(line: DnsLine): Promise<ZoneTexts> {
  const questions = [{ qname: apex, qtype: RRType.AXFR, qclass: RRClass.IN }];
  const { answers } = await line.ask(encodeMessage(makeMessage({ id: 1, questions })));
  expect(answers.length).toBeGreaterThan(1);
  expect(answers.at(-1)?.type).toBe(RRType.SOA);
  return zoneTexts(
    answers.slice(1).map(({ ownerName, type, ttl, rdata }) => {
      return { wireText: ownerName.wireText, type, ttl, rdata: rdataText(rdata) };
    }),
  );
}

function soaAt(serial: number, { type, ttl, rdatas }: ZoneRRset): ZoneRRset {
  return { type, ttl, rdatas: [withSerial(rdatas[0]!, serial)] };
}

describeWith(BIND_PROGRAMS, 'UPDATE, compared with BIND', () => {
  let bind: PrimaryServer;
  let line: DnsLine;

  beforeAll(async () => {
    bind = await startBind({
      zones: [{ name: ZONE, records: RECORDS }],
      keys: [{ name: ZONE, algorithm: 'hmac-sha256', secret: SECRET.toString('base64') }],
      // Disables BIND's checks that go beyond the RFC.
      configure: (config) =>
        config.replace(
          '  type primary;\n',
          '  type primary;\n  check-names ignore;\n  check-mx ignore;\n  check-integrity no;\n',
        ),
    });
    line = new DnsLine(bind, key);
  });
  afterAll(async () => {
    line?.close();
    await bind?.stop();
  });

  it(`${MESSAGES} messages, seed ${SEED}`, async () => {
    const random = seededRandom(SEED);
    const NS = (target: DomainName) => [{ kind: 'NS', target }] as const;
    const outside = { ownerName: apex, type: RRType.NS, ttl: 300, rdatas: NS(DomainName.parse('ns1.example.net.')) };
    const zone = editedZone(ZONE, {
      edits: [
        { kind: 'add-to-rrset', rrset: outside },
        { kind: 'delete-from-rrset', ownerName: apex, type: RRType.NS, rdatas: NS(apex.prepend('ns1')) },
      ],
    });
    const committer = new Committer({ log: { append: async () => undefined } });
    const target = new EmbeddedUpdates(zone, committer, LIMITS);
    const rules = { apex, addresses: { allow: [], deny: [] }, ttl: {} };
    const keys = new Map([[key.keyName.key, { keyName: key.keyName, mayUpdate: true }]]);
    const findZone = (name: DomainName) => (name.equals(apex) ? { zone: rules, target, keys } : undefined);
    const zoneOfOurs = () => zoneTexts([...zone.published.records()]);
    const seen = new Map<string, number>();
    const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
    const differences: string[] = [];
    for (let index = 0; index < MESSAGES && differences.length < 5; index++) {
      const { serial } = zone.published;
      const update: RandomUpdate = randomUpdate(random, apex, serial);
      const octets = encodeMessage({ ...update.message, id: index });
      const deadlineMs = performance.now() + 5000;
      const ours = await answerUpdate(decodeMessage(octets), { key, findZone, applyUpdate, deadlineMs });
      // ACCEPTED: BIND accepts what a delegation or DNAME hides; we refuse it, and the update is not sent.
      if (ours.why !== undefined && /hides it$|would hide the names|would be hidden by/.test(ours.why)) {
        count('hidden');
        continue;
      }
      const theirs = await line.ask(octets);
      const outcome = formatRcode(ours.rcode);
      count(outcome);
      if (ours.rcode !== theirs.rcode) {
        differences.push(
          `${index}: ${update.description}\n  ours ${outcome} (${ours.why}), BIND ${formatRcode(theirs.rcode)}: ${lastLine(bind)}`,
        );
      }
      if (ours.rcode !== Rcode.NOERROR) continue;
      const [left, right] = [zoneOfOurs(), await zoneOfBind(line)];
      const only = (a: ZoneTexts, b: ZoneTexts) => a.records.filter((text) => !b.records.includes(text));
      const apart = [
        ...only(left, right).map((text) => `only ours: ${text}`),
        ...only(right, left).map((text) => `only BIND: ${text}`),
      ];
      if (apart.length > 0) differences.push([`${index}: ${update.description}`, ...apart].join('\n  '));
      else if (left.serial === serial && right.serial === serial + 1) {
        // ACCEPTED: edits that cancel each other are no change for us, while BIND increments the serial. Adjusts ours.
        count('a step of BIND without a change');
        await committer.change(zone, (draft) => draft.setRRset(apex, soaAt(right.serial, zone.published.soa)));
      } else if (left.serial !== right.serial) {
        differences.push(`${index}: ${update.description}\n  serial: ours ${left.serial}, BIND ${right.serial}`);
      }
    }
    console.log(`outcomes, seed ${SEED}: ${[...seen].map(([what, count]) => `${what} ${count}`).join(', ')}`);
    expect(differences).toEqual([]);
    // All kinds of outcomes occurred.
    for (const rcode of [
      Rcode.NOERROR,
      Rcode.FORMERR,
      Rcode.NXDOMAIN,
      Rcode.YXDOMAIN,
      Rcode.YXRRSET,
      Rcode.NXRRSET,
      Rcode.NOTAUTH,
      Rcode.NOTZONE,
    ]) {
      expect(seen.get(formatRcode(rcode)), formatRcode(rcode)).toBeGreaterThan(10);
    }
  }, 120_000);
});
