/** All objects of a list that comes in pages. */
import type { Input, OperationName, Operations, Result } from '../core/admin/operations.ts';

/** Lists with a cursor. */
type ListName = Extract<OperationName, 'listHosts' | 'listTokens' | 'listUsers' | 'listRRsets'>;
type Pages<Name extends ListName> = Result<Name> & { readonly next?: string };

/** @param items the list in a reply */
export async function allPages<Name extends ListName, Item>(
  session: Operations,
  name: Name,
  input: Input<Name>,
  items: (page: Result<Name>) => readonly Item[],
): Promise<readonly Item[]> {
  const all: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = (await session.call(name, { ...input, ...(cursor !== undefined && { cursor }) })) as Pages<Name>;
    all.push(...items(page));
    cursor = page.next;
  } while (cursor !== undefined);
  return all;
}
