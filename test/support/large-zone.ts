/** An embedded zone in a database of its own, whose content is replaced while it is served, with its signing. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { DnssecAlgorithm } from '../../src/dns/dnssec/algorithms.ts';
import { DomainName } from '../../src/dns/name.ts';
import { RRType } from '../../src/dns/rdata.ts';
import { ZoneSigning } from '../../src/nameserver/dnssec/zone-signing.ts';
import { type Commit, Committer } from '../../src/nameserver/journal/committer.ts';
import { Journal } from '../../src/nameserver/journal/journal.ts';
import type { ZoneDraft } from '../../src/nameserver/zone/draft.ts';
import type { EmbeddedZone } from '../../src/nameserver/zone/embedded-zone.ts';
import type { ZoneVersion } from '../../src/nameserver/zone/zone-version.ts';
import { editedVersion } from './edited-zone.ts';
import { newSigningKey, signingFaults, zoneFileOf } from './signed-zone.ts';

export const APEX = DomainName.parse('example.com');
export const at = (label: string) => DomainName.parse(label, APEX);
export const address = (last: number) => ({
  type: RRType.A,
  ttl: 300,
  rdatas: [`\x0a\0\0${String.fromCharCode(last)}`],
});
export const TEXT = { type: RRType.TXT, ttl: 300, rdatas: ['\x01x'] };

const key = newSigningKey(APEX);

export class LargeZone {
  readonly #directory = mkdtempSync(join(tmpdir(), 'dyndns-large-'));
  readonly #chain: 'nsec' | 'nsec3';
  journal!: Journal;
  committer!: Committer;
  signing: ZoneSigning | undefined;
  /** Runs before a commit is written. */
  beforeAppend: ((commits: readonly Commit[]) => void) | undefined;

  constructor(chain: 'nsec' | 'nsec3') {
    this.#chain = chain;
  }

  get database(): string {
    return join(this.#directory, 'zones.db');
  }

  async open(): Promise<void> {
    const onFault = (error: unknown) => expect.unreachable(String(error));
    this.journal = await Journal.open(this.database, { now: Date.now, onFault });
    const append = async (commits: readonly Commit[]) => {
      this.beforeAppend?.(commits);
      await this.journal.append(commits);
    };
    this.committer = new Committer({ log: { append } });
  }

  async close(): Promise<void> {
    await this.signing?.close();
    this.signing = undefined;
    await this.committer.settled();
    await this.journal.close();
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }

  /** Hosts h0, h1, …, an empty non-terminal, a wildcard, a delegation with glue. @param names of hosts */
  async createZone(names: number, edit: (draft: ZoneDraft) => void = () => undefined): Promise<EmbeddedZone> {
    const zone = await this.journal.create(editedVersion('example.com'));
    await this.committer.change(zone, (draft) => {
      for (let i = 0; i < names; i++) draft.setRRset(at(`h${i}`), address(i % 250));
      draft.setRRset(at('a.b.c'), address(1));
      draft.setRRset(at('*.w'), address(1));
      draft.setRRset(at('sub'), { type: RRType.NS, ttl: 300, rdatas: [at('ns.sub').wireText] });
      draft.setRRset(at('ns.sub'), address(1));
      edit(draft);
    });
    return zone;
  }

  /** @param atOnceMs of ZoneSigningOptions */
  async sign(
    zone: EmbeddedZone,
    atOnceMs: number,
    onWarning: (text: string) => void = (text) => expect.unreachable(text),
  ): Promise<ZoneSigning> {
    this.signing = await ZoneSigning.open({
      zone,
      settings: { algorithm: DnssecAlgorithm.ECDSAP256SHA256, validityDays: 30, chain: this.#chain },
      keys: [key],
      generate: () => key,
      committer: this.committer,
      successors: this.journal,
      atOnceMs,
      now: () => Math.floor(Date.now() / 1000),
      watch: { renewed: () => {} },
      onWarning,
    });
    return this.signing;
  }

  /** The zone as a start finds it. */
  async reopened(): Promise<EmbeddedZone> {
    await this.close();
    await this.open();
    const [zone] = await this.journal.load([APEX]);
    return zone!;
  }

  verify(version: ZoneVersion): void {
    const file = join(this.#directory, 'zone');
    writeFileSync(file, zoneFileOf(version));
    execFileSync('dnssec-verify', ['-z', '-o', 'example.com', file], { encoding: 'utf8', stdio: 'pipe' });
    expect(signingFaults(version)).toEqual([]);
  }

  /** Numbers of zones and of zones with names in the database. It is closed and opened again. */
  async rows(): Promise<readonly string[]> {
    // What is left over is deleted in steps, and the rest after the next start.
    await this.journal.leftoversDiscarded();
    await this.close();
    const query = 'SELECT count(*) FROM zone; SELECT count(DISTINCT zone) FROM node';
    const rows = execFileSync('sqlite3', [this.database, query], { encoding: 'utf8' });
    await this.open();
    return rows.trim().split('\n');
  }
}

export const recordsOf = (version: ZoneVersion): readonly string[] =>
  [...version.records()].map(({ wireText, type, ttl, rdata }) => JSON.stringify([wireText, type, ttl, rdata])).sort();
