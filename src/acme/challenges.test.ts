/** DNS-01 records in zones in memory: several values at a name, CNAMEs, and records that are left behind. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryPublisher, MemoryZone } from '../../test/support/memory-publisher.ts';
import { testDirectory } from '../../test/support/test-directory.ts';
import { AppError } from '../core/errors.ts';
import { type Zone, ZoneTable } from '../core/zones/zone.ts';
import { DomainName } from '../dns/name.ts';
import { RRType } from '../dns/rdata.ts';
import { textRdata } from '../dns/rrset.ts';
import type { ZoneChange } from '../dns/zone-change.ts';
import { Challenges } from './challenges.ts';
import { AcmeFolder } from './folder.ts';

const name = (text: string) => DomainName.parse(text);

class UnreliablePublisher extends MemoryPublisher {
  isDown = false;

  override async publish(change: ZoneChange, deadlineMs: number) {
    if (this.isDown) throw new AppError('primary-unreachable', 'No answer.');
    return super.publish(change, deadlineMs);
  }
}

/** Two zones. @param cnames CNAMEs outside of them, by owner name */
async function setUp(cnames: Readonly<Record<string, string>> = {}) {
  const folder = new AcmeFolder(join(testDirectory('challenges'), 'acme'));
  await folder.create();
  const zonesInMemory = ['example.com', 'lab.example.net'].map((apex) => {
    const memory = new MemoryZone(name(apex));
    const publisher = new UnreliablePublisher(memory);
    const zone: Zone = {
      apex: memory.apex,
      publisher,
      ttl: {},
      apexAllowed: false,
      wildcardAllowed: false,
      reserved: new Set(),
      addresses: { allow: [], deny: [] },
      emptyValue: 'keep',
    };
    return { memory, publisher, zone };
  });
  const warnings: string[] = [];
  let zones = new ZoneTable(zonesInMemory.map(({ zone }) => zone));
  const challenges = new Challenges({
    zones: () => zones,
    folder,
    resolveCname: async (ownerName) => {
      const target = cnames[ownerName.toString()];
      return target === undefined ? undefined : name(target);
    },
    warn: (text) => warnings.push(text),
  });
  const [first, second] = zonesInMemory;
  return {
    challenges,
    folder,
    warnings,
    first: first!,
    second: second!,
    keepOnly: (zone: Zone) => {
      zones = new ZoneTable([zone]);
    },
    contents: () => zonesInMemory.flatMap(({ memory }) => memory.contents()),
    textsAt: (ownerName: string) =>
      zonesInMemory.flatMap(({ memory }) => {
        const rdatas = memory.rrsetAt(name(ownerName), RRType.TXT)?.rdatas ?? [];
        return rdatas.map((rdata) => (rdata.kind === 'TXT' ? Buffer.concat(rdata.strings).toString() : ''));
      }),
  };
}

function addTxt(memory: MemoryZone, ownerName: string, text: string): void {
  const rrset = { ownerName: name(ownerName), type: RRType.TXT, ttl: 300, rdatas: [textRdata(text)] };
  const edits = [{ kind: 'add-to-rrset', rrset }] as const;
  memory.apply([{ zone: memory.apex, ownerName: rrset.ownerName, prerequisites: [], edits }]);
}

function addCname(memory: MemoryZone, ownerName: string, target: string): void {
  const rdata = { kind: 'CNAME', target: name(target) } as const;
  const rrset = { ownerName: name(ownerName), type: RRType.CNAME, ttl: 300, rdatas: [rdata] };
  const edits = [{ kind: 'add-to-rrset', rrset }] as const;
  memory.apply([{ zone: memory.apex, ownerName: rrset.ownerName, prerequisites: [], edits }]);
}

describe('RFC 8555 §8.4', () => {
  it('publishes the values of a name and its wildcard together, and leaves foreign values in place', async () => {
    const { challenges, first, second, textsAt, contents, folder } = await setUp();
    addTxt(first.memory, '_acme-challenge.home.example.com', 'of certbot');
    const before = contents();
    const zones = await challenges.publish([
      { name: 'home.example.com', value: 'one' },
      { name: 'lab.example.net', value: 'three' },
      { name: 'home.example.com', value: 'two' },
    ]);
    expect(zones).toEqual([first.zone, second.zone]);
    expect(textsAt('_acme-challenge.home.example.com').sort()).toEqual(['of certbot', 'one', 'two']);
    expect(textsAt('_acme-challenge.lab.example.net')).toEqual(['three']);
    await challenges.withdraw();
    expect(textsAt('_acme-challenge.home.example.com')).toEqual(['of certbot']);
    expect(contents().length).toBe(before.length);
    expect(await folder.challenges()).toEqual([]);
  });

  it('the TTL of the records is a minute', async () => {
    const { challenges, first } = await setUp();
    await challenges.publish([{ name: 'example.com', value: 'one' }]);
    expect(first.memory.rrsetAt(name('_acme-challenge.example.com'), RRType.TXT)?.ttl).toBe(60);
  });
});

describe('CNAMEs are followed', () => {
  it('within a zone, and from one zone into another', async () => {
    const { challenges, first, second, textsAt, contents } = await setUp();
    addCname(first.memory, '_acme-challenge.www.example.com', 'proof.example.com');
    addCname(first.memory, 'proof.example.com', 'www.lab.example.net');
    const before = contents();
    expect(await challenges.publish([{ name: 'www.example.com', value: 'one' }])).toEqual([second.zone]);
    expect(textsAt('www.lab.example.net')).toEqual(['one']);
    expect(contents()).toHaveLength(before.length + 1);
    await challenges.withdraw();
    expect(contents()).toEqual(before);
  });

  it('from outside into a zone', async () => {
    const { challenges, textsAt } = await setUp({ '_acme-challenge.example.org.': 'org.example.com' });
    await challenges.publish([{ name: 'example.org', value: 'one' }]);
    expect(textsAt('org.example.com')).toEqual(['one']);
  });

  it('and a chain that leaves our zones, or loops, is an error', async () => {
    const { challenges, first, contents } = await setUp({ '_acme-challenge.a.example.org.': 'b.example.org' });
    await expect(challenges.publish([{ name: 'a.example.org', value: 'x' }])).rejects.toThrow(
      "'_acme-challenge.a.example.org.' (a CNAME to 'b.example.org.') is not in a zone of this server.",
    );
    addCname(first.memory, '_acme-challenge.b.example.com', '_acme-challenge.b.example.com');
    const before = contents();
    await expect(challenges.publish([{ name: 'b.example.com', value: 'x' }])).rejects.toThrow('is longer than 8.');
    await challenges.withdraw();
    expect(contents()).toEqual(before);
  });
});

describe('a record that is left behind', () => {
  it('by a crashed process is removed by the next one', async () => {
    const { challenges, folder, first, textsAt } = await setUp();
    await challenges.publish([{ name: 'home.example.com', value: 'one' }]);
    addTxt(first.memory, '_acme-challenge.home.example.com', 'of another');
    const next = new Challenges({
      zones: () => new ZoneTable([first.zone]),
      folder: new AcmeFolder(folder.path),
      resolveCname: async () => undefined,
      warn: () => undefined,
    });
    await next.withdraw();
    expect(textsAt('_acme-challenge.home.example.com')).toEqual(['of another']);
    expect(await folder.challenges()).toEqual([]);
  });

  it('by an unreachable primary is removed when it is back', async () => {
    const { challenges, first, second, textsAt, warnings } = await setUp();
    await challenges.publish([
      { name: 'home.example.com', value: 'one' },
      { name: 'lab.example.net', value: 'two' },
    ]);
    first.publisher.isDown = true;
    await challenges.withdraw();
    expect(textsAt('_acme-challenge.lab.example.net')).toEqual([]);
    expect(warnings).toEqual([
      "http.tls.acme: Could not remove the challenge's TXT record at '_acme-challenge.home.example.com.': No answer. It is removed before the next attempt.",
    ]);
    first.publisher.isDown = false;
    await challenges.withdraw();
    expect(textsAt('_acme-challenge.home.example.com')).toEqual([]);
    expect(second.memory.contents()).toEqual([]);
  });

  it('in a zone that is no longer configured is reported once', async () => {
    const { challenges, second, warnings, keepOnly } = await setUp();
    await challenges.publish([{ name: 'home.example.com', value: 'one' }]);
    keepOnly(second.zone);
    await challenges.withdraw();
    await challenges.withdraw();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("'example.com.' is no longer in the configuration.");
  });

  it('is listed on disk before it is published', async () => {
    const { challenges, first, folder } = await setUp();
    first.publisher.isDown = true;
    await expect(challenges.publish([{ name: 'home.example.com', value: 'one' }])).rejects.toThrow('No answer.');
    expect(await folder.challenges()).toEqual([
      { zone: 'example.com.', ownerName: '_acme-challenge.home.example.com.', values: ['one'] },
    ]);
  });
});
