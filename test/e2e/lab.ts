// A laboratory for tests of the whole: one real BIND, and as many of our servers in front of it as a test needs.
import { randomBytes } from 'node:crypto';
import { startBind } from '../support/bind.ts';
import { dig } from '../support/dig.ts';
import { type DyndnsOptions, type RunningDyndns, startDyndns } from '../support/dyndns.ts';
import type { KeySpec, PrimaryOptions, PrimaryServer } from '../support/primary-server.ts';

export const ZONE = 'dyn.example.com';
export const SECRET = 'Top5ecretWord';

export interface Lab {
  readonly primary: PrimaryServer;
  /** The key of ZONE, named like it. */
  readonly key: KeySpec;
  /** The original's file for ZONE, with more or other options. */
  config(options?: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** A server with `config(options)`; stopped with the laboratory at the latest. */
  serve(options?: Readonly<Record<string, unknown>>, more?: DyndnsOptions): Promise<RunningDyndns>;
  /** SOA serial of a zone. */
  serial(zone?: string): Promise<number>;
  /** RDATA that the primary answers with, sorted. */
  look(ownerName: string, type: string): Promise<readonly string[]>;
  /** TTL of an RRset as the primary answers it; undefined without one. */
  ttl(ownerName: string, type: string): Promise<number | undefined>;
  stop(): Promise<void>;
}

export function makeKey(name: string, algorithm = 'hmac-sha512'): KeySpec {
  return { name, algorithm, secret: randomBytes(64).toString('base64') };
}

/** Starts BIND with ZONE and more zones. */
export async function openLab(more: Partial<PrimaryOptions> = {}, records = ''): Promise<Lab> {
  const key = makeKey(ZONE);
  const primary = await startBind({
    ...more,
    zones: [{ name: ZONE, records, keys: [ZONE] }, ...(more.zones ?? [])],
    keys: [key, ...(more.keys ?? [])],
  });
  const servers: RunningDyndns[] = [];

  function config(options: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return {
      secret: SECRET,
      nameserver: '127.0.0.1',
      port: primary.port,
      log_level: 0,
      // More is refused here in a minute than any household gets.
      limits: { refused_per_minute_per_source: 0 },
      zones: [{ name: ZONE, tsig_key: key.secret }],
      ...options,
    };
  }

  return {
    primary,
    key,
    config,
    async serve(options, more) {
      const server = await startDyndns(config(options), more);
      servers.push(server);
      return server;
    },
    async serial(zone = ZONE) {
      const { short } = await dig(primary, [zone, 'SOA', '+norecurse']);
      return Number(short[0]?.split(' ')[2]);
    },
    async look(ownerName, type) {
      const { answers } = await dig(primary, [ownerName, type, '+norecurse']);
      return answers
        .filter((answer) => answer.type === type)
        .map(({ rdata }) => rdata)
        .sort();
    },
    async ttl(ownerName, type) {
      const { answers } = await dig(primary, [ownerName, type, '+norecurse']);
      return answers.find((answer) => answer.type === type)?.ttl;
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      await primary.stop();
    },
  };
}

/** `/update-by-query` with the secret and these parameters. */
export function updateTarget(parameters: Readonly<Record<string, string>>): string {
  return `/update-by-query?${new URLSearchParams({ secret: SECRET, ...parameters })}`;
}
