/**
 * How the file descriptors of the process are divided: all listeners together leave a reserve for the databases, connections to
 * primaries, webhooks and backups, and none of them can take the part of another.
 */
import { readFileSync } from 'node:fs';
import { MAX_CONTROL_CONNECTIONS } from '../control/socket-server.ts';

/** Where the system does not say. */
const USUAL_LIMIT = 1024;
const RESERVE = 256;

const MAX_HTTP = 20_000;
const MAX_METRICS = 64;
const MAX_DNS = 1_000;

/** The most connections of each listener. */
export interface ConnectionShares {
  /** Of all entries of `http.listen` together. */
  readonly http: number;
  readonly metrics: number;
  /** Of each entry of `dns.listen`, over TCP. */
  readonly dns: number;
}

/** @param softLimit of open descriptors @param dnsListeners entries of `dns.listen` */
export function shareConnections(softLimit: number, dnsListeners: number): ConnectionShares {
  // With a limit that is hardly larger than the reserve, half of it is left.
  const all = Math.max(softLimit - RESERVE, Math.floor(softLimit / 2)) - MAX_CONTROL_CONNECTIONS;
  const metrics = Math.min(MAX_METRICS, share(all, 8));
  const dns = Math.min(MAX_DNS, share(all, 4 * Math.max(1, dnsListeners)));
  const http = Math.min(MAX_HTTP, Math.max(1, all - metrics - dns * dnsListeners));
  return { http, metrics, dns };
}

function share(all: number, parts: number): number {
  return Math.max(1, Math.floor(all / parts));
}

/** The soft limit of open descriptors of this process. Node raises it to the hard limit when it starts. */
export function softDescriptorLimit(): number {
  try {
    const [, behind = ''] = readFileSync('/proc/self/limits', 'latin1').split('Max open files');
    const [soft] = behind.trim().split(' ');
    if (soft === 'unlimited') return Number.MAX_SAFE_INTEGER;
    return Number(soft) > 0 ? Number(soft) : USUAL_LIMIT;
  } catch {
    return USUAL_LIMIT;
  }
}
