/** What a user may do with a host: its settings say who owns it and with whom it is shared. */
import type { HostAccess, TokenOwner } from '../users/user.ts';
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

/** May a token of this owner change the host? Those of the operator and of admins may change what is in their scope. */
export function ownerMayChange(settings: HostSettings | undefined, owner: TokenOwner | undefined): boolean {
  return owner === undefined || owner.role === 'admin' || mayChange(settings, owner.id);
}
