/** The settings of a host when one of its users is removed. */
import type { HostSettings } from '../core/hosts/host.ts';

/** What the user owned belongs to the operator; what was shared with the user is not any more. */
export function withoutUser({ ownerId, shares = [], ...settings }: HostSettings, userId: string): HostSettings {
  const others = shares.filter((share) => share.userId !== userId);
  return {
    ...settings,
    ...(ownerId !== undefined && ownerId !== userId && { ownerId }),
    ...(others.length > 0 && { shares: others }),
  };
}
