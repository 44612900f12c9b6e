/** What a user may do with a host: its settings say who owns it and with whom it is shared. */

import type { HostAccess } from '../users/user.ts';
import type { HostSettings } from './host.ts';

/** Undefined: nothing; the host then looks like one that does not exist. @param settings undefined: the host has none */
export function accessOf(settings: HostSettings | undefined, userId: string): HostAccess | undefined {
  if (settings === undefined) return undefined;
  if (settings.ownerId === userId) return 'own';
  return settings.shares?.find((share) => share.userId === userId)?.access;
}

export function mayChange(settings: HostSettings | undefined, userId: string): boolean {
  const access = accessOf(settings, userId);
  return access === 'own' || access === 'change';
}
