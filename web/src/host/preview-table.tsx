/** What an update would change: each name and family, now and then. */
import type { PreviewView } from '../api-types.ts';
import { Banner } from '../components/states.tsx';
import { type Column, Table } from '../components/table.tsx';
import { texts } from '../texts.ts';

const t = texts.host.update;

interface Row {
  readonly host: string;
  readonly family: 'A' | 'AAAA';
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly changed: boolean;
}

const COLUMNS: readonly Column<Row>[] = [
  { key: 'name', title: t.columns.name, isBare: true, render: ({ host }) => <span class="strong break">{host}</span> },
  { key: 'family', title: t.columns.family, render: ({ family }) => texts.host.timeline.families[family] },
  { key: 'before', title: t.columns.before, render: ({ before }) => <Texts list={before} isSoft /> },
  { key: 'after', title: t.columns.after, render: ({ after }) => <Texts list={after} /> },
];

export function PreviewTable({ host, preview }: { readonly host: string; readonly preview: PreviewView }) {
  const { A, AAAA, members, left } = preview;
  const rows: readonly Row[] = [
    { host, family: 'A', ...A },
    { host, family: 'AAAA', ...AAAA },
    ...members.map((member): Row => ({ family: 'AAAA', ...member })),
  ];
  const changed = rows.filter((row) => row.changed);
  return (
    <div class="stack">
      {changed.length === 0 ? (
        <Banner tone="idle">{t.nothing}</Banner>
      ) : (
        <div class="table-frame">
          <Table caption={t.caption} columns={COLUMNS} rows={changed} rowKey={(row) => `${row.host} ${row.family}`} />
        </div>
      )}
      {left.length > 0 && (
        <ul class="bullets soft">
          {left.map((one) => (
            <li key={one.host}>{t.left(one.host, one.why)}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Texts({ list, isSoft = false }: { readonly list: readonly string[]; readonly isSoft?: boolean }) {
  if (list.length === 0) return <span class="soft">{t.none}</span>;
  return <code class={`break${isSoft ? ' soft' : ''}`}>{list.join(', ')}</code>;
}
