/**
 * Tables. On a narrow screen each row becomes a card with the names of its columns; roles are set because browsers forget those of
 * a table that is laid out otherwise.
 */
import type { ComponentChildren } from 'preact';
import { Icon } from './icons.tsx';

export interface Column<Row> {
  readonly key: string;
  readonly title: string;
  readonly render: (row: Row) => ComponentChildren;
  /** Numbers. */
  readonly isEnd?: boolean;
  /** A button sorts by it. */
  readonly isSortable?: boolean;
  /** The first column and buttons have no name on a card. */
  readonly isBare?: boolean;
}

export interface Sorting {
  readonly key: string;
  readonly isDescending: boolean;
}

export interface TableProps<Row> {
  /** What the table has, for screen readers. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly sorting?: Sorting | undefined;
  readonly onSort?: (sorting: Sorting) => void;
}

export function Table<Row>({ caption, columns, rows, rowKey, sorting, onSort }: TableProps<Row>) {
  return (
    <div class="table-scroll">
      <table class="table table-cards" role="table">
        <caption class="hidden-text">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <HeadCell key={column.key} column={column} sorting={sorting} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={rowKey(row)} role="row">
              {columns.map(({ key, title, render, isEnd, isBare }) => (
                <td key={key} role="cell" class={isEnd ? 'end' : undefined} data-label={isBare ? undefined : title}>
                  {render(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function HeadCell<Row>({
  column: { key, title, isEnd, isSortable, isBare },
  sorting,
  onSort,
}: {
  readonly column: Column<Row>;
  readonly sorting: Sorting | undefined;
  readonly onSort: ((sorting: Sorting) => void) | undefined;
}) {
  const isSorted = sorting?.key === key;
  const order = isSorted ? (sorting.isDescending ? 'descending' : 'ascending') : undefined;
  const isHidden = isBare && key === 'actions';
  return (
    <th role="columnheader" scope="col" class={isEnd ? 'end' : undefined} aria-sort={order}>
      {isSortable && onSort !== undefined ? (
        <button
          type="button"
          class="sort-button"
          onClick={() => onSort({ key, isDescending: isSorted && !sorting.isDescending })}
        >
          {title}
          {isSorted && <Icon name={sorting.isDescending ? 'down' : 'up'} size={14} />}
        </button>
      ) : (
        <span class={isHidden ? 'hidden-text' : undefined}>{title}</span>
      )}
    </th>
  );
}
