/** All objects of a list that comes in pages. */
import type { Input, OperationName, Operations, Result } from '../core/admin/operations.ts';
import { readAllPages } from '../core/admin/pages.ts';

/** Lists with a cursor. */
type ListName = Extract<OperationName, 'listHosts' | 'listTokens' | 'listUsers' | 'listRRsets'>;
type Pages<Name extends ListName> = Result<Name> & { readonly next?: string };

/** @param items the list in a reply */
export function allPages<Name extends ListName, Item>(
  session: Operations,
  name: Name,
  input: Input<Name>,
  items: (page: Result<Name>) => readonly Item[],
): Promise<readonly Item[]> {
  const read = (place: object) => session.call(name, { ...input, ...place }) as Promise<Pages<Name>>;
  return readAllPages<Pages<Name>, Item>(read, items);
}
