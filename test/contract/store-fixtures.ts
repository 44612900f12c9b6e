/** Tokens, events and pending updates for the tests of stores. */
import { type HostToken, tokenSha256 } from '../../src/core/access/token.ts';
import { eventId, type HistoryEvent } from '../../src/core/history/history.ts';
import type { NewPendingUpdate } from '../../src/core/pending/pending-update.ts';
import { DEFAULT_QUOTAS, type ManagementKey, type User } from '../../src/core/users/user.ts';
import { DomainName } from '../../src/dns/name.ts';
import { RRType } from '../../src/dns/rdata.ts';

export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

export function nameOf(text: string): DomainName {
  return DomainName.parse(text);
}

/** Makes the tokens and events of these tests distinct. */
let sequence = 0;

/** Returns a token with a name and a secret that no other token has. */
export function newToken(fields: Partial<HostToken> = {}): HostToken {
  sequence += 1;
  return {
    id: `id-${sequence}`,
    name: `router${sequence}`,
    sha256: tokenSha256(`secret ${sequence}`),
    hosts: [nameOf('home.example.com')],
    types: [RRType.A, RRType.AAAA],
    addresses: 'any',
    createdMs: NOW_MS + sequence,
    ...fields,
  };
}

/** Returns a member with a name that no other user has. */
export function newUser(fields: Partial<User> = {}): User {
  sequence += 1;
  return {
    id: `user-id-${sequence}`,
    name: `user${sequence}`,
    role: 'member',
    quotas: DEFAULT_QUOTAS,
    createdMs: NOW_MS + sequence,
    ...fields,
  };
}

export function newKey(userId: string, fields: Partial<ManagementKey> = {}): ManagementKey {
  sequence += 1;
  return {
    id: `key-id-${sequence}`,
    userId,
    name: `key${sequence}`,
    sha256: tokenSha256(`key ${sequence}`),
    createdMs: NOW_MS + sequence,
    ...fields,
  };
}

export function newEvent(host: string, timeMs: number, fields: Partial<HistoryEvent> = {}): HistoryEvent {
  sequence += 1;
  return {
    id: eventId(timeMs, sequence, new Uint8Array(10).fill(sequence)),
    ownerName: nameOf(host),
    timeMs,
    protocol: 'dyndns2',
    actor: 'router1',
    source: '203.0.113.7',
    userAgent: 'ddclient/3.10.0',
    outcome: 'changed',
    ...fields,
  };
}

export function newPendingUpdate(host: string, fields: Partial<NewPendingUpdate> = {}): NewPendingUpdate {
  return {
    ownerName: nameOf(host),
    family: 'A',
    wanted: ['192.0.2.2'],
    ttl: 60,
    before: [['192.0.2.1']],
    createdMs: NOW_MS,
    nextAttemptMs: NOW_MS + 2_000,
    lastError: 'primary-unreachable',
    ...fields,
  };
}

/** Converts a value for comparison: names become lower-case texts, and fields that are undefined are dropped. */
export function plain(value: unknown): object {
  return JSON.parse(
    JSON.stringify(value, (key, field: unknown) =>
      key === 'ownerName' || key === 'hosts' ? String(field).toLowerCase() : field,
    ) ?? 'null',
  );
}
