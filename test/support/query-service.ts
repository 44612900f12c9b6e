/** A service that answers queries for zones in memory, with neither limits nor identity; it refuses UPDATE and transfers nothing. */
import { cookieAnswers } from '../../src/nameserver/answer/cookie-answers.ts';
import { NameserverService, type ServiceOptions } from '../../src/nameserver/answer/service.ts';
import type { EmbeddedZone } from '../../src/nameserver/zone/embedded-zone.ts';

const REFUSED = 5;

export function queryService(zones: readonly EmbeddedZone[], options: Partial<ServiceOptions> = {}): NameserverService {
  return new NameserverService({
    zones: new Map(zones.map((zone) => [zone.apex.key, zone])),
    findKey: () => undefined,
    now: () => Math.floor(Date.now() / 1000),
    cookies: cookieAnswers(() => Buffer.alloc(16)),
    limiter: undefined,
    nsid: undefined,
    chaosVersion: undefined,
    tcpIdleSeconds: 10,
    tsigFudgeMax: 300,
    update: () => Promise.resolve(REFUSED),
    transfer: async function* () {},
    ...options,
  });
}
