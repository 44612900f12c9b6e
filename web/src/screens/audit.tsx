/** The audit list: who changed what, and who signed in. */
import type { AuditEntryView } from '../api-types.ts';
import { AddressText, HostName } from '../components/copy.tsx';
import { Page, Panel } from '../components/page.tsx';
import { Pager, usePaging } from '../components/pager.tsx';
import { Search } from '../components/search.tsx';
import { State } from '../components/state.tsx';
import { Empty, Show } from '../components/states.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { useOperation } from '../operation.ts';
import type { ScreenProps } from '../screen-props.ts';
import { texts } from '../texts.ts';

const t = texts.audit;
const PAGE_SIZE = 50;
const OPERATIONS: Partial<Record<string, string>> = t.operations;

const COLUMNS: readonly Column<AuditEntryView>[] = [
  { key: 'time', title: t.columns.time, render: ({ time }) => <Time value={time} /> },
  {
    key: 'what',
    title: t.columns.what,
    isBare: true,
    render: ({ operation, outcome }) => (
      <div class="name-cell">
        <span class="strong">{OPERATIONS[operation] ?? operation}</span>
        {outcome !== 'done' && <State tone="warn">{t.failed(outcome.replaceAll('-', ' '))}</State>}
      </div>
    ),
  },
  {
    key: 'target',
    title: t.columns.target,
    render: ({ target }) => (target === '' ? null : <HostName name={target} />),
  },
  {
    key: 'user',
    title: t.columns.user,
    render: ({ user, key }) => (
      <span class="break">
        {user === 'operator' ? t.operator : user}
        {key !== undefined && <span class="small soft"> ({t.key(key)})</span>}
      </span>
    ),
  },
  {
    key: 'source',
    title: t.columns.source,
    render: ({ source }) => (source === '' ? null : <AddressText value={source} />),
  },
];

export default function Audit({ query }: ScreenProps) {
  const user = query.get('q') ?? '';
  const paging = usePaging(user);
  const audit = useOperation('GET /v1/audit', { user: user || undefined, limit: PAGE_SIZE, before: paging.cursor });
  return (
    <Page title={t.title} lead={t.lead}>
      <div class="toolbar">
        <Search label={t.user} value={user} />
      </div>
      <Panel isFlush>
        <Show of={audit} lines={8}>
          {({ entries, next }) =>
            entries.length === 0 ? (
              <Empty title={user === '' ? t.empty.title : t.noMatch}>{user === '' ? t.empty.text : undefined}</Empty>
            ) : (
              <>
                <Table caption={t.caption} columns={COLUMNS} rows={entries} rowKey={({ id }) => id} />
                <Pager paging={paging} next={next} />
              </>
            )
          }
        </Show>
      </Panel>
    </Page>
  );
}
