/** The zones of the server: those that it serves itself, with their version and secondaries, and those of other nameservers. */
import type { EmbeddedZoneView, ZoneWithAnotherPrimaryView } from '../api-types.ts';
import { formatNumber } from '../clock.ts';
import { Page, Panel } from '../components/page.tsx';
import { State, type Tone } from '../components/state.tsx';
import { Empty, Show } from '../components/states.tsx';
import { type Column, Table } from '../components/table.tsx';
import { useOperation } from '../operation.ts';
import { href } from '../router.ts';
import { texts } from '../texts.ts';

const t = texts.zones;

type Row =
  | ({ readonly kind: 'here' } & EmbeddedZoneView)
  | ({ readonly kind: 'elsewhere' } & ZoneWithAnotherPrimaryView);

const COLUMNS: readonly Column<Row>[] = [
  {
    key: 'zone',
    title: t.columns.zone,
    isBare: true,
    render: (row) => (
      <div class="name-cell">
        <a class="name-link break" href={href(['zones', row.zone])}>
          {row.zone.replace(/\.$/, '')}
        </a>
        <span class="small soft break">{row.kind === 'here' ? t.here : t.elsewhere(row.primary)}</span>
      </div>
    ),
  },
  {
    key: 'serial',
    title: t.columns.serial,
    render: (row) => (row.kind === 'here' ? <code>{row.serial}</code> : null),
  },
  {
    key: 'names',
    title: t.columns.names,
    isEnd: true,
    render: (row) => (row.kind === 'here' ? formatNumber(row.names) : null),
  },
  { key: 'secondaries', title: t.columns.secondaries, render: (row) => <Secondaries row={row} /> },
];

export default function Zones() {
  const zones = useOperation('GET /v1/zones', {});
  return (
    <Page title={t.title} lead={t.lead}>
      <Panel isFlush>
        <Show of={zones}>
          {({ zones: embedded, remote }) => {
            const rows: readonly Row[] = [
              ...embedded.map((zone) => ({ kind: 'here' as const, ...zone })),
              ...remote.map((zone) => ({ kind: 'elsewhere' as const, ...zone })),
            ];
            if (rows.length === 0) return <Empty title={t.empty.title}>{t.empty.text}</Empty>;
            return <Table caption={t.caption} columns={COLUMNS} rows={rows} rowKey={({ zone }) => zone} />;
          }}
        </Show>
      </Panel>
    </Page>
  );
}

function Secondaries({ row }: { readonly row: Row }) {
  if (row.kind === 'elsewhere') return null;
  if (row.notServed !== undefined) return <State tone="bad">{t.notServed}</State>;
  const { secondaries } = row;
  if (secondaries.length === 0) return <span class="soft">{t.noSecondaries}</span>;
  const right = secondaries.filter(({ state }) => state === 'up-to-date' || state === 'sent').length;
  const tone: Tone = right === secondaries.length ? 'good' : 'warn';
  return <State tone={tone}>{t.upToDate(formatNumber(right), formatNumber(secondaries.length))}</State>;
}
