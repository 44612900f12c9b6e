import { findUserName } from './credentials.ts';
import type { DoorRequest } from './door.ts';
import { namesHostOrAddress } from './update-parameters.ts';

/** Whether a request to a path with another use, like `/`, is an update: it has a host or an address, also as Basic user. */
export function isUpdate({ parameters, headers }: Pick<DoorRequest, 'parameters' | 'headers'>): boolean {
  if (namesHostOrAddress(parameters)) return true;
  const user = findUserName(headers) ?? '';
  return user.includes('.') && !/[\s@]/.test(user);
}
