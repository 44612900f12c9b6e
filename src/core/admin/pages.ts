/** Lists that are read a page at a time. */

/** A list in a reply; with `next`, the page after it begins at this cursor. */
interface Page {
  readonly next?: string;
}

/** All items of a list. @param items those of a page */
export async function readAllPages<P extends Page, Item>(
  read: (place: { readonly cursor?: string }) => Promise<P>,
  items: (page: P) => readonly Item[],
): Promise<readonly Item[]> {
  const all: Item[] = [];
  let page = await read({});
  all.push(...items(page));
  while (page.next !== undefined) {
    page = await read({ cursor: page.next });
    all.push(...items(page));
  }
  return all;
}
