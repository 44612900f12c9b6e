/** The records of a zone: searched and paged by the server. Static ones name their place in the configuration file. */
import { useState } from 'preact/hooks';
import type { RRsetView } from '../api-types.ts';
import { count, duration } from '../clock.ts';
import { Button } from '../components/button.tsx';
import { Panel } from '../components/page.tsx';
import { Pager, usePaging } from '../components/pager.tsx';
import { Search } from '../components/search.tsx';
import { Empty, Show } from '../components/states.tsx';
import { type Column, Table } from '../components/table.tsx';
import { useOperation } from '../operation.ts';
import { setQuery } from '../router.ts';
import { texts } from '../texts.ts';
import { EditDialog } from './edit-dialog.tsx';

const t = texts.zones.records;
const PAGE_SIZE = 50;
export const TYPES = [
  'A',
  'AAAA',
  'CNAME',
  'MX',
  'TXT',
  'SRV',
  'CAA',
  'NS',
  'PTR',
  'TLSA',
  'SSHFP',
  'HTTPS',
  'SVCB',
  'SOA',
];
/** Values of a long RRset that are listed. */
const MOST = 6;

export function Records({ zone, query }: { readonly zone: string; readonly query: URLSearchParams }) {
  const search = query.get('q') ?? '';
  const type = query.get('type') ?? '';
  const paging = usePaging(`${zone} ${search} ${type}`);
  const records = useOperation('GET /v1/zones/{zone}/rrsets', {
    zone,
    search: search || undefined,
    type: type || undefined,
    limit: PAGE_SIZE,
    cursor: paging.cursor,
  });
  const [open, setOpen] = useState<{ readonly rrset: RRsetView | undefined }>();
  const columns: readonly Column<RRsetView>[] = [
    {
      key: 'name',
      title: t.columns.name,
      isBare: true,
      render: ({ name, ...rrset }) => (
        <div class="name-cell">
          <span class="strong break">{name.replace(/(.)\.$/, '$1')}</span>
          {rrset.static && (
            <span class="small soft break">
              {t.static}: {rrset.place === undefined ? t.madeBy : t.place(rrset.place.file, rrset.place.line)}
            </span>
          )}
        </div>
      ),
    },
    { key: 'type', title: t.columns.type, render: (rrset) => <span class="type-badge">{rrset.type}</span> },
    { key: 'records', title: t.columns.records, render: ({ records: values }) => <Values values={values} /> },
    { key: 'ttl', title: t.columns.ttl, render: ({ ttl }) => <span class="soft nowrap">{duration(ttl)}</span> },
    {
      key: 'actions',
      title: t.columns.actions,
      isBare: true,
      isEnd: true,
      render: (rrset) =>
        rrset.static ? null : (
          <Button isSmall label={t.editLabel(rrset.name, rrset.type)} onClick={() => setOpen({ rrset })}>
            {t.edit}
          </Button>
        ),
    },
  ];
  return (
    <>
      <div class="toolbar">
        <Search label={t.search} value={search} />
        <label class="toolbar-choice">
          <span class="soft small">{t.type}</span>
          <select class="input" value={type} onChange={(event) => setQuery({ type: event.currentTarget.value })}>
            <option value="">{t.anyType}</option>
            {TYPES.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <Button kind="primary" icon="plus" onClick={() => setOpen({ rrset: undefined })}>
          {t.add}
        </Button>
      </div>
      <Panel isFlush>
        <Show of={records} lines={8}>
          {({ rrsets, next }) =>
            rrsets.length === 0 && next === undefined ? (
              <Empty title={t.empty} />
            ) : (
              <>
                <Table
                  caption={t.caption}
                  columns={columns}
                  rows={rrsets}
                  rowKey={(rrset) => `${rrset.name} ${rrset.type}`}
                />
                <Pager paging={paging} next={next} text={t.page(count(rrsets.length, t.words as [string, string]))} />
              </>
            )
          }
        </Show>
      </Panel>
      {open !== undefined && (
        <EditDialog
          zone={zone}
          rrset={open.rrset}
          onDone={() => {
            records.reload();
          }}
          onClose={() => setOpen(undefined)}
        />
      )}
    </>
  );
}

function Values({ values }: { readonly values: readonly string[] }) {
  const shown = values.slice(0, MOST);
  return (
    <div>
      {shown.map((value) => (
        <div key={value}>
          <code class="break">{value}</code>
        </div>
      ))}
      {values.length > shown.length && <span class="small soft">{texts.scope.more(values.length - shown.length)}</span>}
    </div>
  );
}
