/**
 * The embedded nameserver passes the contract of a zone publisher: with its journal on disk, dig and nsupdate; and in
 * memory, where a transaction takes one turn of the event loop, for effects of timing.
 */

import { join } from 'node:path';
import { applyUpdate } from '../../src/core/updates/dns-update.ts';
import { DomainName } from '../../src/dns/name.ts';
import { type Rdata, RRType } from '../../src/dns/rdata.ts';
import { addressRdata, rrsetAddresses, textRdata } from '../../src/dns/rrset.ts';
import { makeTsigKey } from '../../src/dns/tsig-key.ts';
import type { ZoneEdit } from '../../src/dns/zone-change.ts';
import { cookieAnswers } from '../../src/nameserver/answer/cookie-answers.ts';
import { NameserverService } from '../../src/nameserver/answer/service.ts';
import { Committer } from '../../src/nameserver/journal/committer.ts';
import { Journal } from '../../src/nameserver/journal/journal.ts';
import { DnsListeners } from '../../src/nameserver/sockets/listeners.ts';
import { EmbeddedPublisher } from '../../src/nameserver/update/publisher.ts';
import { EmbeddedUpdates } from '../../src/nameserver/update/updatable-zone.ts';
import { answerUpdate } from '../../src/nameserver/update/update-in.ts';
import { applyEdits } from '../../src/nameserver/zone/edit.ts';
import { findRRset } from '../../src/nameserver/zone/zone-node.ts';
import { rdataOf, type ZoneVersion } from '../../src/nameserver/zone/zone-version.ts';
import { dig } from '../support/dig.ts';
import { editedVersion, editedZone, LIMITS } from '../support/edited-zone.ts';
import { freePort } from '../support/free-port.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { freshDirectory, type KeySpec } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { openWatcher } from '../support/watcher.ts';
import { describeZonePublisher, type RecordText } from './zone-publisher.ts';

function rdataOfText({ type, rdata }: RecordText): Rdata {
  switch (type) {
    case 'A':
    case 'AAAA':
      return addressRdata(RRType[type], rdata);
    case 'TXT':
      return textRdata(rdata.replaceAll('"', ''));
    default:
      return { kind: type, target: DomainName.parse(rdata) };
  }
}

const nameAt = (apex: DomainName, label: string) => (label === '@' ? apex : DomainName.parse(label, apex));

function addition(apex: DomainName, record: RecordText): ZoneEdit {
  const rrset = { ownerName: nameAt(apex, record.at), type: RRType[record.type], ttl: record.ttl };
  return { kind: 'add-to-rrset', rrset: { ...rrset, rdatas: [rdataOfText(record)] } };
}

describeWith(BIND_PROGRAMS, 'the embedded nameserver', () => {
  describeZonePublisher({
    title: 'embedded',
    countsMessages: false,
    recallsAll: true,
    refusesHiding: true,
    async start(apexText, records) {
      const apex = DomainName.parse(apexText);
      const directory = freshDirectory('contract');
      const onFault = (error: unknown) => {
        throw error;
      };
      const journal = await Journal.open(join(directory, 'zones.db'), { now: Date.now, onFault });
      const edits = records.map((record) => addition(apex, record));
      const zone = await journal.create(editedVersion(apexText, { edits }));
      const committer = new Committer({ log: journal });
      const secret = Buffer.alloc(32, 'not a secret');
      const spec: KeySpec = { name: apexText, algorithm: 'hmac-sha256', secret: secret.toString('base64') };
      const key = makeTsigKey(apex, 'hmac-sha256', secret);
      const keys = new Map([[apex.key, { keyName: apex, mayUpdate: true }]]);
      const rules = { apex, addresses: { allow: [], deny: [] }, ttl: {} };
      const update = { zone: rules, target: new EmbeddedUpdates(zone, committer, LIMITS), keys };
      const service = new NameserverService({
        zones: new Map([[apex.key, zone]]),
        findKey: (name) => (name.equals(apex) ? key : undefined),
        now: () => Math.floor(Date.now() / 1000),
        cookies: cookieAnswers(() => Buffer.alloc(16)),
        tcpIdleSeconds: 10,
        tsigFudgeMax: 300,
        limiter: undefined,
        nsid: undefined,
        chaosVersion: undefined,
        update: async (request) => {
          const deadlineMs = performance.now() + 5000;
          const { message, key } = request;
          return (await answerUpdate(message, { key, findZone: () => update, applyUpdate, deadlineMs })).rcode;
        },
        transfer: () => onFault(new Error('unexpected transfer')),
      });
      const server = { host: '127.0.0.1', port: await freePort() };
      const listeners = new DnsListeners();
      await listeners.open(service, { listen: [server], isDefault: false, onWarning: onFault, onFault });
      const absolute = (label: string) => nameAt(apex, label).toString();
      return {
        publisher: () => new EmbeddedPublisher(zone, committer, LIMITS),
        async query(ownerName, type) {
          const { answers } = await dig(server, [ownerName, type, '+norecurse']);
          const matching = answers.filter((answer) => answer.type === type);
          return { values: matching.map((answer) => answer.rdata).sort(), ttl: matching[0]?.ttl };
        },
        async serial() {
          const { short } = await dig(server, [apexText, 'SOA', '+norecurse']);
          return Number(short[0]?.split(' ')[2]);
        },
        watcher: () => openWatcher(server),
        async foreignEdit({ deletes = [], adds = [] }) {
          const { code, stderr } = await nsupdate(server, spec, apexText, [
            ...deletes.map(({ at, type }) => `update delete ${absolute(at)} ${type}`),
            ...adds.map(({ at, ttl, type, rdata }) => `update add ${absolute(at)} ${ttl} ${type} ${rdata}`),
          ]);
          if (code !== 0) throw new Error(`nsupdate: ${stderr}`);
        },
        async stop() {
          await listeners.close();
          await committer.settled();
          await journal.close();
          removeNow(directory);
        },
      };
    },
  });
});

function textOf(rdata: Rdata): string {
  if (rdata.kind === 'TXT') return `"${rdata.strings.map((string) => Buffer.from(string).toString()).join('" "')}"`;
  return 'address' in rdata ? rdata.address : 'target' in rdata ? rdata.target.toString() : rdata.kind;
}

/** The published data of the name: its own, or that of a wildcard above. */
function answer(version: ZoneVersion, ownerName: DomainName, type: number) {
  let node = version.find(ownerName.key);
  for (let above = ownerName; node === undefined && !above.equals(version.apex); ) {
    above = above.parent()!;
    if (version.find(above.key) === undefined) continue;
    node = version.find(above.prepend('*').key);
    break;
  }
  const rrset = node && findRRset(node, type);
  return { rdatas: (rrset?.rdatas ?? []).map((rdata) => rdataOf(type, rdata)), ttl: rrset?.ttl };
}

describeZonePublisher({
  title: 'embedded, in memory',
  countsMessages: false,
  recallsAll: true,
  async start(apexText, records) {
    const apex = DomainName.parse(apexText);
    const zone = editedZone(apexText, { edits: records.map((record) => addition(apex, record)) });
    // Asynchronous, so that changes are queued while a transaction is in flight.
    const log = { append: () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve))) };
    const committer = new Committer({ log });
    return {
      publisher: () => new EmbeddedPublisher(zone, committer, LIMITS),
      async query(ownerName, type) {
        const { rdatas, ttl } = answer(zone.published, DomainName.parse(ownerName), RRType[type as 'A']);
        return { values: rdatas.map(textOf).sort(), ttl };
      },
      serial: async () => zone.published.serial,
      watcher: () => ({
        async ask(ownerName) {
          await new Promise((resolve) => setImmediate(resolve));
          return rrsetAddresses(answer(zone.published, ownerName, RRType.A).rdatas).sort();
        },
        close: () => undefined,
      }),
      async foreignEdit({ deletes = [], adds = [] }) {
        const deletions = deletes.map(({ at, type }): ZoneEdit => {
          return { kind: 'delete-rrset', ownerName: nameAt(apex, at), type: RRType[type as 'A'] };
        });
        const edits = [...deletions, ...adds.map((record) => addition(apex, record))];
        await committer.change(zone, (draft) => applyEdits(draft, edits));
      },
      stop: () => committer.settled(),
    };
  },
});
